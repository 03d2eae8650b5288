package powerloss

import (
	"math/bits"
	"math/rand/v2"
)

// sector is what a disk writes whole or not at all, in bytes.
const sector = 512

// content are the bytes of a file.
type content struct {
	live, kept []byte
	dirty      []uint64 // a bit for each sector of live that may differ from kept
}

func (c *content) mark(from, to int64) {
	for s := from / sector; s*sector < to; s++ {
		for int64(len(c.dirty)) <= s/64 {
			c.dirty = append(c.dirty, 0)
		}
		c.dirty[s/64] |= 1 << (s % 64)
	}
}

func resized(b []byte, size int64) []byte {
	if have := int64(len(b)); size > have {
		return append(b, make([]byte, size-have)...)
	}
	return b[:size]
}

func (c *content) write(p []byte, off int64) {
	end := off + int64(len(p))
	if end > int64(len(c.live)) {
		c.truncate(end)
	}
	copy(c.live[off:], p)
	c.mark(off, end)
}

func (c *content) truncate(size int64) {
	old := int64(len(c.live))
	if size < old {
		clear(c.live[size:]) // they are zero when the file grows again
	}
	c.live = resized(c.live, size)
	c.mark(min(old, size), max(old, size))
}

// each calls f with the first and last byte of every dirty sector that is below size.
func (c *content) each(size int64, f func(from, to int64)) {
	for i, word := range c.dirty {
		for ; word != 0; word &= word - 1 {
			from := (int64(i)*64 + int64(bits.TrailingZeros64(word))) * sector
			if from < size {
				f(from, min(from+sector, size))
			}
		}
	}
}

// sync keeps everything.
func (c *content) sync() {
	c.kept = resized(c.kept, int64(len(c.live)))
	c.each(int64(len(c.live)), func(from, to int64) { copy(c.kept[from:to], c.live[from:to]) })
	c.dirty = c.dirty[:0]
}

// forget takes everything for kept that is not, as a kernel does after an fsync that failed.
func (c *content) forget() { c.dirty = c.dirty[:0] }

// lose makes of both planes what a power loss leaves.
func (c *content) lose(r *rand.Rand) {
	size := int64(len(c.kept))
	if r.IntN(2) == 0 {
		size = int64(len(c.live))
	}
	left := resized(c.kept, size)
	chance := []float64{0, 0, 0.1, 0.5, 0.9, 1}[r.IntN(6)]
	c.each(min(size, int64(len(c.live))), func(from, to int64) {
		if r.Float64() < chance {
			copy(left[from:to], c.live[from:to])
		}
	})
	c.kept, c.live, c.dirty = left, append([]byte(nil), left...), c.dirty[:0]
}
