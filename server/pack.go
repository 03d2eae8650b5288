package server

import (
	"fmt"
	"sync"

	"github.com/hashicorp/raft"
	"github.com/klauspost/compress/s2"
)

// Sizes of packing.
const (
	// packFrom is from how many bytes on an entry is packed.
	packFrom = 512
	// unpackedMax bounds what a packed entry may become: a command and what joins it, with room for their frame.
	unpackedMax = 2 * (MaxCommandBytes + maxEntryBytes)
	// keptPack is up to how large memory is kept for the next entries, in bytes.
	keptPack = 1 << 20
)

// packedLog is a storage whose large entries are compressed. Jobs that are registered together are alike: a fourth of the bytes is sealed,
// copied and written. Each server packs for its own disk; entries in clear are older, small, or no shorter packed, and are taken as they
// are. What is packed the checksum's form tells: a program that does not know of it takes the checksum for wrong, and never the entry.
type packedLog struct {
	storage
	memory *sync.Pool // of *[]byte
}

func newPackedLog(s storage) packedLog {
	return packedLog{s, &sync.Pool{New: func() any { return new([]byte) }}}
}

// StoreLog implements raft.LogStore.
func (p packedLog) StoreLog(l *raft.Log) error { return p.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore. Nothing below it keeps what it is given.
func (p packedLog) StoreLogs(logs []*raft.Log) error {
	most := 0
	for _, l := range logs {
		if len(l.Data) >= packFrom {
			most += s2.MaxEncodedLen(len(l.Data))
		}
	}
	memory := p.memory.Get().(*[]byte)
	if cap(*memory) < most {
		*memory = make([]byte, most)
	}
	free := (*memory)[:most]
	own := make([]raft.Log, len(logs))
	out := make([]*raft.Log, len(logs))
	for i, l := range logs {
		own[i] = *l
		own[i].Extensions = nil // they are ours to say
		out[i] = &own[i]
		if len(l.Data) < packFrom {
			continue
		}
		if packed := s2.Encode(free[:s2.MaxEncodedLen(len(l.Data))], l.Data); len(packed) < len(l.Data)-len(l.Data)/8 {
			own[i].Data, own[i].Extensions = packed, []byte{sumPacked}
			free = free[len(packed):]
		}
	}
	err := p.storage.StoreLogs(out)
	if cap(*memory) <= keptPack {
		p.memory.Put(memory)
	}
	return err
}

// GetLog implements raft.LogStore.
func (p packedLog) GetLog(index uint64, l *raft.Log) error {
	if err := p.storage.GetLog(index, l); err != nil {
		return err
	}
	if !isPacked(l) {
		return nil
	}
	n, err := s2.DecodedLen(l.Data)
	if err == nil && n > unpackedMax {
		err = s2.ErrTooLarge
	}
	var data []byte
	if err == nil {
		data, err = s2.Decode(nil, l.Data)
	}
	if err != nil {
		return fmt.Errorf("entry %d: unpack: %w", index, err)
	}
	l.Data, l.Extensions = data, nil
	return nil
}

// isPacked reports whether an entry's extensions say that it is.
func isPacked(l *raft.Log) bool { return len(l.Extensions) == 1 && l.Extensions[0] == sumPacked }
