package server

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/raft"
)

// What shows that a snapshot was never confirmed, what does not, and where this server goes back to.
func TestWhatDisprovesARestore(t *testing.T) {
	const now = 1 << 20 // term of a leader of now
	// entries are two, behind one of the snapshot's term.
	entries := func(first, term, prev uint64) *raft.AppendEntriesRequest {
		return &raft.AppendEntriesRequest{Term: now, PrevLogEntry: first - 1, PrevLogTerm: prev,
			Entries: []*raft.Log{{Index: first, Term: term}, {Index: first + 1, Term: term}}}
	}
	snapshot := func(last, term uint64) *raft.InstallSnapshotRequest {
		return &raft.InstallSnapshotRequest{Term: now, LastLogIndex: last, LastLogTerm: term}
	}
	old := func(r *raft.AppendEntriesRequest) *raft.AppendEntriesRequest { r.Term = 0; return r }
	has := func(index, term uint64) *raft.Log { return &raft.Log{Index: index, Term: term} }
	for name, c := range map[string]struct {
		request func(i, t uint64) any         // of the newest snapshot
		log     func(i, t uint64) []*raft.Log // what is in it
		back    func(i uint64) uint64         // where the mark goes back to; nil without
	}{
		"new entries":                           {request: func(i, t uint64) any { return entries(i+1, t+1, t) }},
		"entries it has":                        {request: func(i, t uint64) any { return entries(i-3, t, t) }},
		"an old leader's":                       {request: func(i, t uint64) any { return old(entries(i-3, t+1, t)) }},
		"a heartbeat":                           {request: func(uint64, uint64) any { return &raft.AppendEntriesRequest{Term: now} }},
		"a vote":                                {request: func(uint64, uint64) any { return &raft.RequestVoteRequest{Term: now} }},
		"a newer snapshot":                      {request: func(i, t uint64) any { return snapshot(i+9, t+1) }},
		"an older snapshot":                     {request: func(i, t uint64) any { return snapshot(i-3, t) }},
		"another's snapshot, that replaces all": {request: func(i, t uint64) any { return snapshot(i-3, t+1) }},
		"another's snapshot, and entries behind it": {request: func(i, t uint64) any { return snapshot(i-3, t+1) },
			log: func(i, t uint64) []*raft.Log { return []*raft.Log{has(i+1, t)} }, back: func(i uint64) uint64 { return i - 3 }},
		"entries that do not follow": {request: func(i, t uint64) any { return entries(i-3, t+1, t+1) }},
		"entries that follow nothing": {request: func(i, t uint64) any { return entries(i-3, t+1, t) },
			log: func(i, t uint64) []*raft.Log { return []*raft.Log{has(i+1, t)} }},
		"another's entries": {request: func(i, t uint64) any { return entries(i-3, t+1, t) }, back: func(i uint64) uint64 { return i - 4 }},
		"entries that were confirmed": {request: func(i, t uint64) any { return entries(i-3, t+1, t) },
			log:  func(i, t uint64) []*raft.Log { return []*raft.Log{has(i-4, t), has(i-3, t+1), has(i-2, t+1)} },
			back: func(i uint64) uint64 { return i - 2 }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := restoredIn(t)
				if err := os.Remove(filepath.Join(dir, restoringName)); err != nil {
					t.Fatal(err)
				}
				list, err := snapshotsIn(dir)
				if err != nil {
					t.Fatal(err)
				}
				index, term := list[0].Index, list[0].Term
				f := newTown().join(t, 1, 1, dir, nil)
				leader(t, f)
				mem := raft.NewInmemStore()
				in := []*raft.Log{has(index-4, term)}
				if c.log != nil {
					in = c.log(index, term)
				}
				if err := mem.StoreLogs(in); err != nil {
					t.Fatal(err)
				}
				d := newDisproof(dir, &consensus{raft: f.raft.Load(), stores: &stores{log: mem}}, f.store)
				goes := d.look(c.request(index, term))
				if goes != (c.back == nil) || d.look(&raft.RequestVoteRequest{Term: now}) != goes {
					t.Errorf("raft has it: %v", goes)
				}
				m, there, err := readMark(dir)
				if err != nil || there != (c.back != nil) || there && m != (mark{c.back(index), true}) {
					t.Errorf("the mark says %v (%v), the snapshot is at %d", m, err, index)
				}
				finish(f)
			})
		})
	}
}
