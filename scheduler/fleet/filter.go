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

// columnsMax bounds how many attributes are kept as columns.
const columnsMax = 256

// Column is one attribute of all nodes, each value by a small number. 0 means that the node has none.
type Column struct {
	Values []int32
	Names  []string // by number; Names[0] is ""

	target  string
	numbers map[string]int32
}

// Column finds or makes the column of a target such as `${meta.rack}`.
func (f *Fleet) Column(target string) *Column {
	if c, ok := f.columns[target]; ok {
		return c
	}
	if len(f.columns) >= columnsMax {
		clear(f.columns)
	}
	c := &Column{target: target, Values: make([]int32, len(f.nodes)), Names: []string{""}, numbers: map[string]int32{}}
	for row, n := range f.nodes {
		if n != nil {
			c.set(int32(row), n)
		}
	}
	f.columns[target] = c
	return c
}

// Number is the number of a value, 0 if no node has it.
func (c *Column) Number(value string) int32 { return c.numbers[value] }

func (c *Column) set(row int32, n *structs.Node) {
	v, ok := Resolve(c.target, n)
	if !ok {
		c.Values[row] = 0
		return
	}
	number, known := c.numbers[v]
	if !known {
		number = int32(len(c.Names))
		c.Names = append(c.Names, v)
		c.numbers[v] = number
	}
	c.Values[row] = number
}
