package fsm

import (
	"bytes"
	"slices"

	"github.com/tinylib/msgp/msgp"
)

// canonical orders the keys of every map in encoded values, so that equal values have equal bytes: Go gives maps in any order. It works
// in place and keeps its memory.
type canonical struct {
	entries []pair
	scratch []byte
}

// pair is one key and its value, as bytes of the encoded map.
type pair struct{ key, whole []byte }

// value orders one encoded value and gives what follows it.
func (c *canonical) value(b []byte) ([]byte, error) {
	switch msgp.NextType(b) {
	case msgp.ArrayType:
		n, rest, err := msgp.ReadArrayHeaderBytes(b)
		for ; err == nil && n > 0; n-- {
			rest, err = c.value(rest)
		}
		return rest, err
	case msgp.MapType:
		return c.mapping(b)
	}
	return msgp.Skip(b)
}

func (c *canonical) mapping(b []byte) ([]byte, error) {
	n, rest, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return nil, err
	}
	first, mine := rest, len(c.entries)
	sorted := true
	for ; n > 0; n-- {
		at := rest
		if rest, err = msgp.Skip(rest); err != nil {
			return nil, err
		}
		key := at[:len(at)-len(rest)]
		if rest, err = c.value(rest); err != nil {
			return nil, err
		}
		if last := len(c.entries); sorted && last > mine && bytes.Compare(c.entries[last-1].key, key) > 0 {
			sorted = false
		}
		c.entries = append(c.entries, pair{key, at[:len(at)-len(rest)]})
	}
	if !sorted {
		own := c.entries[mine:]
		slices.SortFunc(own, func(a, b pair) int { return bytes.Compare(a.key, b.key) })
		c.scratch = c.scratch[:0]
		for _, e := range own {
			c.scratch = append(c.scratch, e.whole...)
		}
		copy(first, c.scratch)
	}
	c.entries = c.entries[:mine]
	return rest, nil
}
