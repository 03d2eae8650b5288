package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/raft"

	"berth/internal/atrest"
)

// errNoKey is an entry or snapshot that is sealed, on a server that has no key.
var errNoKey = errors.New("it is sealed, and this server has no key: name it in server { at_rest { ... } }")

// sealedLog is a storage whose entries are encrypted. Entries in clear are older than the key and are taken as they are; raft's own facts
// (term and vote) tell nothing and stay in clear.
type sealedLog struct {
	storage
	sealer *atrest.Sealer // nil writes in clear
}

// place binds an entry to where it stands in the log.
func place(l *raft.Log) []byte {
	b := make([]byte, 0, 17)
	b = binary.BigEndian.AppendUint64(b, l.Index)
	b = binary.BigEndian.AppendUint64(b, l.Term)
	return append(b, byte(l.Type))
}

// StoreLog implements raft.LogStore.
func (s sealedLog) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore.
func (s sealedLog) StoreLogs(logs []*raft.Log) error {
	if s.sealer == nil {
		return s.storage.StoreLogs(logs)
	}
	own := make([]raft.Log, len(logs))
	out := make([]*raft.Log, len(logs))
	for i, l := range logs {
		own[i] = *l
		own[i].Data = s.sealer.Seal(l.Data, place(l))
		out[i] = &own[i]
	}
	return s.storage.StoreLogs(out)
}

// GetLog implements raft.LogStore.
func (s sealedLog) GetLog(index uint64, l *raft.Log) error {
	if err := s.storage.GetLog(index, l); err != nil {
		return err
	}
	if !atrest.Sealed(l.Data) {
		return nil
	}
	if s.sealer == nil {
		return fmt.Errorf("entry %d: %w", index, errNoKey)
	}
	data, err := s.sealer.Open(l.Data, place(l))
	if err != nil {
		return fmt.Errorf("entry %d: %w", index, err)
	}
	if len(data) == 0 {
		data = nil // as it was given
	}
	l.Data = data
	return nil
}

// sealedSnapshots is a store whose snapshots are encrypted. Those in clear are older than the key.
type sealedSnapshots struct {
	raft.SnapshotStore
	key *atrest.Key // nil writes in clear
}

// Create implements raft.SnapshotStore.
func (s sealedSnapshots) Create(version raft.SnapshotVersion, index, term uint64, c raft.Configuration, cIndex uint64, t raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.SnapshotStore.Create(version, index, term, c, cIndex, t)
	if err != nil || s.key == nil {
		return sink, err
	}
	w, err := atrest.NewWriter(sink, s.key)
	if err != nil {
		return nil, errors.Join(err, sink.Cancel())
	}
	return &sealedSink{SnapshotSink: sink, w: w}, nil
}

type sealedSink struct {
	raft.SnapshotSink
	w     *atrest.Writer
	ended bool // raft closes a sink again that the state machine has closed
}

// Write implements io.Writer.
func (s *sealedSink) Write(p []byte) (int, error) { return s.w.Write(p) }

// Close writes the end of the stream and keeps the snapshot.
func (s *sealedSink) Close() error {
	if s.ended {
		return s.SnapshotSink.Close()
	}
	s.ended = true
	if err := s.w.Close(); err != nil {
		return errors.Join(err, s.Cancel())
	}
	return s.SnapshotSink.Close()
}

// Cancel gives the snapshot up.
func (s *sealedSink) Cancel() error {
	s.ended = true
	return s.SnapshotSink.Cancel()
}

// Open implements raft.SnapshotStore. The size told is that of what is read.
func (s sealedSnapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	meta, file, err := s.SnapshotStore.Open(id)
	if err != nil {
		return nil, nil, err
	}
	fail := func(err error) (*raft.SnapshotMeta, io.ReadCloser, error) {
		return nil, nil, errors.Join(fmt.Errorf("snapshot %s: %w", id, err), file.Close())
	}
	sealed, r, err := atrest.IsStream(file)
	if err != nil {
		return fail(err)
	}
	if !sealed {
		return meta, opened{r, file}, nil
	}
	if s.key == nil {
		return fail(errNoKey)
	}
	plain, err := atrest.NewReader(r, s.key)
	if err != nil {
		return fail(err)
	}
	own := *meta
	var ok bool
	if own.Size, ok = atrest.PlainSize(meta.Size); !ok {
		return fail(atrest.ErrSealed)
	}
	return &own, opened{plain, file}, nil
}

// opened reads from one and closes the other.
type opened struct {
	io.Reader
	io.Closer
}
