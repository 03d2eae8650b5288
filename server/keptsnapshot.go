package server

import (
	"errors"
	"path/filepath"

	"github.com/hashicorp/raft"

	"berth/internal/durable"
)

// keptSnapshots is raft's store of snapshots, whose files are there after a loss of power: raft makes their bytes durable and the name of the
// directory they are in, and not their names in it. The log is cut off behind a snapshot, so that one without its files would be all there is.
type keptSnapshots struct {
	raft.SnapshotStore
	dir string
}

// Create implements raft.SnapshotStore.
func (k keptSnapshots) Create(version raft.SnapshotVersion, index, term uint64, c raft.Configuration, cIndex uint64, t raft.Transport) (raft.SnapshotSink, error) {
	sink, err := k.SnapshotStore.Create(version, index, term, c, cIndex, t)
	if err != nil {
		return nil, err
	}
	return &keptSink{SnapshotSink: sink, dir: filepath.Join(k.dir, sink.ID()+".tmp")}, nil
}

type keptSink struct {
	raft.SnapshotSink
	dir   string // where its files are until it is closed
	ended bool   // raft closes a sink again that the state machine has closed
}

// Close keeps the snapshot.
func (k *keptSink) Close() error {
	if !k.ended {
		k.ended = true
		if err := durable.SyncDir(k.dir); err != nil {
			return errors.Join(err, k.SnapshotSink.Cancel())
		}
	}
	return k.SnapshotSink.Close()
}

// Cancel gives the snapshot up.
func (k *keptSink) Cancel() error {
	k.ended = true
	return k.SnapshotSink.Cancel()
}
