package boltfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"go.etcd.io/bbolt"
)

// Pages as bolt writes them, little-endian on every machine Berth is built for
// (https://github.com/etcd-io/bbolt/blob/main/internal/common/page.go).
const (
	headerSize = 16 // id 8, flags 2, count 2, pages that follow 4
	branchSize = 16 // of an element: where its key is, from the element, 4, its length 4, page 8
	leafSize   = 16 // of an element: flags 4, where its key is 4, its length 4, that of the value 4
	bucketSize = 16 // page 8, sequence 8
	branchFlag = 1
	leafFlag   = 2
	bucketFlag = 1 // of an element
)

// pages is what the walk over a file's tree has seen.
type pages struct {
	file io.ReaderAt
	size int64 // of a page
	end  uint64
	seen map[uint64]bool
}

// walkPages sees that every page of the tree is one, has its own number, and belongs to one place. The library does the same
// when it opens a file for writing, in a goroutine of its own, where nothing can be caught.
func walkPages(tx *bbolt.Tx, file io.ReaderAt) error {
	size := int64(tx.DB().Info().PageSize)
	p := &pages{file: file, size: size, end: uint64(tx.Size() / size), seen: map[uint64]bool{}}
	return p.page(uint64(tx.Cursor().Bucket().Root()), nil)
}

// page walks a page and those below it. No key is less than the one that leads to the page.
func (p *pages) page(id uint64, least []byte) error {
	h := make([]byte, headerSize)
	if err := p.read(h, id, 0); err != nil {
		return err
	}
	flags, count, more := binary.LittleEndian.Uint16(h[8:]), binary.LittleEndian.Uint16(h[10:]), uint64(binary.LittleEndian.Uint32(h[12:]))
	if binary.LittleEndian.Uint64(h) != id || flags != branchFlag && flags != leafFlag || id >= p.end || more >= p.end-id {
		return fmt.Errorf("%w: page %d is none", ErrDamaged, id)
	}
	for i := id; i <= id+more; i++ {
		if p.seen[i] {
			return fmt.Errorf("%w: page %d is in two places", ErrDamaged, i)
		}
		p.seen[i] = true
	}
	if count == 0 {
		return nil
	}
	b := make([]byte, int64(1+more)*p.size)
	if err := p.read(b, id, 0); err != nil {
		return err
	}
	if flags == leafFlag {
		return p.leaf(b, id, int(count), least)
	}
	for at := headerSize; at < headerSize+branchSize*int(count); at += branchSize {
		key, err := p.key(b, id, at, 0, least)
		if err != nil {
			return err
		}
		if err := p.page(binary.LittleEndian.Uint64(b[at+8:]), key); err != nil {
			return err
		}
	}
	return nil
}

// leaf looks at the elements of a leaf page, and at the buckets among them.
func (p *pages) leaf(b []byte, id uint64, count int, least []byte) error {
	for at := headerSize; at < headerSize+leafSize*count; at += leafSize {
		key, err := p.key(b, id, at, 4, least)
		if err != nil {
			return err
		}
		least = key
		if binary.LittleEndian.Uint32(b[at:])&bucketFlag == 0 {
			continue
		}
		from := at + int(binary.LittleEndian.Uint32(b[at+4:])) + len(key)
		to := from + int(binary.LittleEndian.Uint32(b[at+12:]))
		if to > len(b) || to-from < bucketSize {
			return fmt.Errorf("%w: a bucket of page %d lies outside", ErrDamaged, id)
		}
		if err := p.bucket(b[from:to], id); err != nil {
			return err
		}
	}
	return nil
}

// bucket walks a bucket's pages; that of a small one follows it.
func (p *pages) bucket(b []byte, id uint64) error {
	if root := binary.LittleEndian.Uint64(b); root != 0 {
		return p.page(root, nil)
	}
	inline := b[bucketSize:]
	if len(inline) < headerSize || binary.LittleEndian.Uint16(inline[8:]) != leafFlag {
		return fmt.Errorf("%w: a bucket of page %d has no page", ErrDamaged, id)
	}
	return p.leaf(inline, id, int(binary.LittleEndian.Uint16(inline[10:])), nil)
}

// key is that of the element at an offset of a page, whose place and length stand at the field.
func (p *pages) key(b []byte, id uint64, at, field int, least []byte) ([]byte, error) {
	if at+leafSize > len(b) {
		return nil, fmt.Errorf("%w: page %d has more elements than fit", ErrDamaged, id)
	}
	from := int64(at) + int64(binary.LittleEndian.Uint32(b[at+field:]))
	to := from + int64(binary.LittleEndian.Uint32(b[at+field+4:]))
	if to > int64(len(b)) {
		return nil, fmt.Errorf("%w: a key of page %d lies outside", ErrDamaged, id)
	}
	if bytes.Compare(b[from:to], least) < 0 {
		return nil, fmt.Errorf("%w: a key of page %d is not where it is looked for", ErrDamaged, id)
	}
	return b[from:to], nil
}

func (p *pages) read(b []byte, id uint64, at int64) error {
	if id >= p.end {
		return fmt.Errorf("%w: there is no page %d", ErrDamaged, id)
	}
	if _, err := p.file.ReadAt(b, int64(id)*p.size+at); err != nil {
		return fmt.Errorf("%w: page %d cannot be read: %w", ErrDamaged, id, err)
	}
	return nil
}

// leadsTo sees that a key is found from the root: that reads the keys of the pages above it too.
func leadsTo(c *bbolt.Cursor, key []byte) error {
	if found, _ := c.Seek(key); !bytes.Equal(found, key) {
		return fmt.Errorf("%w: a key is not where it is looked for", ErrDamaged)
	}
	return nil
}
