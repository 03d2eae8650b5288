package fleet

import "berth/structs"

// filtersMax bounds how many filters are kept; beyond it all are forgotten and made again when asked for.
const filtersMax = 2048

// FilterKey names a filter: what kind of test it is and its parameters.
type FilterKey struct {
	Kind    string
	A, B, C string
}

// Filter is the set of nodes that pass a test that depends on the node alone. It is kept up to date as nodes change.
type Filter struct {
	Rows Bitmap
	test func(*structs.Node) bool
}

// Filter finds or makes the set of nodes that pass a test. The key must say all that the test depends on. The set is
// valid until the next call that adds a node or makes a filter.
func (f *Fleet) Filter(key FilterKey, test func(*structs.Node) bool) Bitmap {
	if fl, ok := f.filters[key]; ok {
		return fl.Rows
	}
	if len(f.filters) >= filtersMax {
		clear(f.filters)
	}
	fl := &Filter{Rows: f.NewBitmap(), test: test}
	for row, n := range f.nodes {
		if n != nil && test(n) {
			fl.Rows.Set(int32(row))
		}
	}
	f.filters[key] = fl
	return fl.Rows
}
