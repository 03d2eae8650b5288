package fleet

import (
	"iter"
	"math/bits"
)

// Bitmap is a set of rows. All bitmaps of one fleet have the same length.
type Bitmap []uint64

// Has reports that the row is in the set.
func (b Bitmap) Has(row int32) bool { return b[row>>6]&(1<<(uint(row)&63)) != 0 }

// Set puts the row in the set.
func (b Bitmap) Set(row int32) { b[row>>6] |= 1 << (uint(row) & 63) }

// Clear takes the row out of the set.
func (b Bitmap) Clear(row int32) { b[row>>6] &^= 1 << (uint(row) & 63) }

// Put sets or clears the row.
func (b Bitmap) Put(row int32, in bool) {
	if in {
		b.Set(row)
	} else {
		b.Clear(row)
	}
}

// Count is the number of rows in the set.
func (b Bitmap) Count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// CountAnd is the number of rows in both sets.
func (b Bitmap) CountAnd(o Bitmap) int {
	n := 0
	for i, w := range b {
		n += bits.OnesCount64(w & o[i])
	}
	return n
}

// Meets reports that some row is in both sets.
func (b Bitmap) Meets(o Bitmap) bool {
	for i, w := range b {
		if w&o[i] != 0 {
			return true
		}
	}
	return false
}

// And keeps the rows that are also in o and returns how many were removed.
func (b Bitmap) And(o Bitmap) int {
	removed := 0
	for i, w := range b {
		removed += bits.OnesCount64(w &^ o[i])
		b[i] = w & o[i]
	}
	return removed
}

// AndNot removes the rows that are in o and returns how many these were.
func (b Bitmap) AndNot(o Bitmap) int {
	removed := 0
	for i, w := range b {
		removed += bits.OnesCount64(w & o[i])
		b[i] = w &^ o[i]
	}
	return removed
}

// Or adds the rows of o.
func (b Bitmap) Or(o Bitmap) {
	for i := range b {
		b[i] |= o[i]
	}
}

// Rows calls yield with each row, ascending, until it answers false.
func (b Bitmap) Rows(yield func(int32) bool) {
	for i, w := range b {
		for w != 0 {
			if !yield(int32(i<<6 + bits.TrailingZeros64(w))) {
				return
			}
			w &= w - 1
		}
	}
}

// RowsAnd gives the rows in both sets, ascending.
func (b Bitmap) RowsAnd(o Bitmap) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for i, w := range b {
			for w &= o[i]; w != 0; w &= w - 1 {
				if !yield(int32(i<<6 + bits.TrailingZeros64(w))) {
					return
				}
			}
		}
	}
}
