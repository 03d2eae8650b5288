package server

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/raft"

	"berth/state"
	"berth/structs"
)

// disproof looks at what leaders send for what shows that the snapshot this server's state comes from was never confirmed: an entry, or a snapshot,
// of a newer term at an index this state stands for. Entries of a snapshot have at most its own term, so a leader that has another one has another
// history. That comes of a restore: this server had it from a leader that died with it and took it back, and the others went on without. Raft would
// take up to 4,096 of their entries for applied, or none for ever where entries stand behind the snapshot. The server ends, and takes the restore
// back when it is started.
type disproof struct {
	dataDir string
	raft    *raft.Raft
	log     raft.LogStore
	store   *state.Store

	once  sync.Once
	found chan struct{} // closed when it is shown
	err   error         // then; set before
}

func newDisproof(dataDir string, c *consensus, store *state.Store) *disproof {
	return &disproof{dataDir: dataDir, raft: c.raft, log: c.stores.log, store: store, found: make(chan struct{})}
}

// look reports that raft may have what another server sent.
func (d *disproof) look(request any) bool {
	select {
	case <-d.found:
		return false
	default:
	}
	switch m := request.(type) {
	case *raft.AppendEntriesRequest:
		if len(m.Entries) > 0 && m.Entries[0].Index <= d.store.Index() && m.Term >= d.raft.CurrentTerm() && d.follows(m) {
			index, term := d.newest()
			for _, e := range m.Entries {
				if e.Index <= index && e.Term > term {
					d.tell(d.confirmed(e.Index-1, term))
					return false
				}
			}
		}
	case *raft.InstallSnapshotRequest:
		if m.LastLogIndex < d.store.Index() && m.Term >= d.raft.CurrentTerm() {
			index, term := d.newest()
			if last, err := d.log.LastIndex(); err == nil && m.LastLogIndex < last && m.LastLogIndex <= index && m.LastLogTerm > term {
				d.tell(d.confirmed(m.LastLogIndex, term))
				return false
			}
		}
	}
	return true
}

// follows reports that raft would take the entries: this server has what is before them. What it lacks is sent as a snapshot, which replaces all.
func (d *disproof) follows(m *raft.AppendEntriesRequest) bool {
	if m.PrevLogEntry == 0 {
		return true
	}
	var l raft.Log
	return d.log.GetLog(m.PrevLogEntry, &l) == nil && l.Term == m.PrevLogTerm
}

// newest is the place of this server's newest snapshot, 0 without one.
func (d *disproof) newest() (index, term uint64) {
	all, err := snapshotsIn(d.dataDir)
	if err != nil || len(all) == 0 {
		return 0, 0
	}
	return all[0].Index, all[0].Term
}

// confirmed is the end of the entries behind an index that are of newer terms than the snapshot: this server may have confirmed them to those who
// went on without it.
func (d *disproof) confirmed(behind, term uint64) uint64 {
	var l raft.Log
	for d.log.GetLog(behind+1, &l) == nil && l.Term > term {
		behind++
	}
	return behind
}

// tell notes behind which index this server has what the others do not, and ends it.
func (d *disproof) tell(behind uint64) {
	d.once.Do(func() {
		d.err = &structs.Error{Kind: structs.KindConflict, Err: fmt.Errorf("the cluster went on without the restored snapshot that this server has behind entry %d", behind),
			Hint: "this server ends, and takes it back when it is started"}
		if err := writeMark(d.dataDir, mark{behind: behind, disproved: true}); err != nil {
			d.err = errors.Join(d.err, err) // it is shown again
		}
		close(d.found)
	})
}

// watch ends with an error when it is shown.
func (d *disproof) watch(ctx context.Context) error {
	select {
	case <-d.found:
		return d.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
