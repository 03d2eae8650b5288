package fleet

import "berth/structs"

// amountsMax bounds how many sums are kept; beyond it all are forgotten and made again when asked for.
const amountsMax = 64

// Amounts are the sums over the nodes that pass a test: what they can give and what they have left, in MHz and MB. They are kept
// up to date as nodes and allocations come and go. Do not change them.
type Amounts struct {
	CapCPU, CapMem, FreeCPU, FreeMem int64

	rows Bitmap
	test func(*structs.Node) bool
}

// Amounts finds or makes the sums of the nodes that pass a test. The key must say all that the test depends on.
func (f *Fleet) Amounts(key FilterKey, test func(*structs.Node) bool) *Amounts {
	if a, ok := f.amounts[key]; ok {
		return a
	}
	if len(f.amounts) >= amountsMax {
		clear(f.amounts)
	}
	a := &Amounts{rows: f.NewBitmap(), test: test}
	for row, n := range f.nodes {
		if n != nil && test(n) {
			a.rows.Set(int32(row))
			f.sum(a, int32(row), 1)
		}
	}
	f.amounts[key] = a
	return a
}

// sum adds (1) what a row has to the sums, or takes it out (-1).
func (f *Fleet) sum(a *Amounts, row int32, by int64) {
	a.CapCPU, a.CapMem = a.CapCPU+by*f.capCPU[row], a.CapMem+by*f.capMem[row]
	a.FreeCPU, a.FreeMem = a.FreeCPU+by*f.freeCPU[row], a.FreeMem+by*f.freeMem[row]
}

// leaveSums takes a row out of all sums it is in.
func (f *Fleet) leaveSums(row int32) {
	for _, a := range f.amounts {
		if a.rows.Has(row) {
			a.rows.Clear(row)
			f.sum(a, row, -1)
		}
	}
}

// joinSums adds the row of a node to all sums it belongs in.
func (f *Fleet) joinSums(row int32, n *structs.Node) {
	for _, a := range f.amounts {
		if a.test(n) {
			a.rows.Set(row)
			f.sum(a, row, 1)
		}
	}
}
