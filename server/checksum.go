package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/hashicorp/raft"
)

// errChecksum is an entry of the log that is not as it was written.
var errChecksum = errors.New("its checksum does not match")

// Forms of entries, the first byte of their checksum.
const (
	sumPlain  = 1
	sumPacked = 2 // see packedLog
)

// castagnoli is constant.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// summed is a storage whose entries carry a checksum in their extensions, so that a bit that turned on the disk is told and
// never applied. Entries without one are older than it and are taken as they are.
type summed struct{ storage }

// sum is an entry's checksum: a byte for its form, four for CRC-32C.
func sum(l *raft.Log, form byte) []byte {
	var head [17]byte
	binary.BigEndian.PutUint64(head[:], l.Index)
	binary.BigEndian.PutUint64(head[8:], l.Term)
	head[16] = byte(l.Type)
	crc := crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, l.Data)
	return binary.BigEndian.AppendUint32([]byte{form}, crc)
}

// StoreLog implements raft.LogStore.
func (s summed) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore.
func (s summed) StoreLogs(logs []*raft.Log) error {
	own := make([]raft.Log, len(logs))
	out := make([]*raft.Log, len(logs))
	for i, l := range logs {
		own[i] = *l
		form := byte(sumPlain)
		if isPacked(l) {
			form = sumPacked
		}
		own[i].Extensions = sum(l, form)
		out[i] = &own[i]
	}
	return s.storage.StoreLogs(out)
}

// GetLog implements raft.LogStore.
func (s summed) GetLog(index uint64, l *raft.Log) error {
	if err := s.storage.GetLog(index, l); err != nil {
		return err
	}
	if len(l.Extensions) == 0 {
		return nil
	}
	form := l.Extensions[0]
	if l.Index != index || form != sumPlain && form != sumPacked || string(l.Extensions) != string(sum(l, form)) {
		return fmt.Errorf("entry %d: %w", index, errChecksum)
	}
	if l.Extensions = nil; form == sumPacked {
		l.Extensions = []byte{sumPacked}
	}
	return nil
}
