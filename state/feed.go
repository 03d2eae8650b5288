package state

import (
	"fmt"
	"slices"
	"sync"

	"berth/structs"
)

// Write is one object a transaction wrote: Before is nil for what is new, After for what is gone. Both point into the state:
// *structs.Job in the table of jobs, and so on. Writes of one command have one Step.
type Write struct {
	Table         Table
	Step          int32
	Before, After any
}

// Commit is what one transaction wrote, in the order it was written, the tables of FeedTables alone.
type Commit struct {
	Index  uint64
	Writes []Write
	weight int
}

// FeedTables reports whether the feed tells of a table. The others follow from these, are the servers' own, or hold secrets.
func FeedTables(t Table) bool {
	switch t {
	case TableJobs, TableNodes, TableAllocs, TableEvals, TableDeployments, TableSchedulerConfig, TableNamespaces, TableNodePools,
		TableAutopilotConfig, TablePriorityClasses, TableDisruptionBudgets, TableQueues, TableACLPolicies, TableACLRoles, TableACLTokens:
		return true
	}
	return false
}

// FeedLimits bound what is kept of the past. Zero keeps nothing.
type FeedLimits struct {
	Writes int // objects written
	Bytes  int // of memory, as estimated for the objects written; the newest commit is kept whatever its size
}

// feed is the last commits, oldest first. It holds references: what the state has forgotten it keeps alive, within its limits.
type feed struct {
	mu      sync.Mutex
	limits  FeedLimits
	commits []*Commit
	writes  int
	bytes   int
	// lost is the index of the newest commit that is not kept any more.
	lost uint64
	// restored counts how often the whole state was replaced: no sequence of commits leads across that.
	restored int
	wake     chan struct{} // closed by the next commit or replacement; nil when nobody waits
}

// LimitFeed sets how much of the past is kept from now on.
func (s *Store) LimitFeed(limits FeedLimits) {
	f := &s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.limits == (FeedLimits{}) {
		f.lost = s.Index() // nothing was kept until now
	}
	f.limits = limits
	f.bound()
}

// TrimFeed forgets commits up to an index, the oldest first, until at most keep commits of at most so many bytes are left. The newest stays
// whatever its size.
func (s *Store) TrimFeed(through uint64, keep, bytes int) {
	f := &s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.commits) > 1 && f.commits[0].Index <= through && (len(f.commits) > keep || f.bytes > bytes) {
		f.drop()
	}
}

// FeedStats are how many commits and writes are kept, and about how many bytes they keep alive.
func (s *Store) FeedStats() (commits, writes, bytes int) {
	f := &s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.commits), f.writes, f.bytes
}

// add keeps what a transaction wrote.
func (f *feed) add(index uint64, writes []Write) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.limits == (FeedLimits{}) {
		return
	}
	n := 0
	for _, w := range writes {
		n += one(FeedTables(w.Table))
	}
	if n == 0 {
		return
	}
	kept := make([]Write, 0, n)
	c := &Commit{Index: index}
	for _, w := range writes {
		if FeedTables(w.Table) {
			kept = append(kept, w)
			c.weight += weigh(w)
		}
	}
	c.Writes = kept
	f.commits = append(f.commits, c)
	f.writes += len(kept)
	f.bytes += c.weight
	f.bound()
	f.rouse()
}

// bound forgets the oldest until the limits are kept; mu is held. The newest stays whatever its size, for whoever reads along.
func (f *feed) bound() {
	for len(f.commits) > 1 && (f.writes > f.limits.Writes || f.bytes > f.limits.Bytes) {
		f.drop()
	}
}

func (f *feed) drop() {
	c := f.commits[0]
	f.commits[0] = nil
	f.commits = f.commits[1:]
	f.writes -= len(c.Writes)
	f.bytes -= c.weight
	f.lost = max(f.lost, c.Index)
}

func (f *feed) rouse() {
	if f.wake != nil {
		close(f.wake)
		f.wake = nil
	}
}

// replaced forgets everything: the state is another.
func (f *feed) replaced(index uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commits, f.writes, f.bytes = nil, 0, 0
	f.lost = index
	f.restored++
	f.rouse()
}

// weigh estimates what a write keeps alive, in bytes.
func weigh(w Write) int {
	object := w.After
	if object == nil {
		object = w.Before
	}
	switch v := object.(type) {
	case *structs.Job:
		if was, ok := w.Before.(*structs.Job); ok && sameGroups(was, v) {
			return 1024 // the rest is that of the one before
		}
		return 512 + 2*v.Msgsize()
	case *structs.Node:
		return 512 + 2*v.Msgsize()
	case *structs.Allocation, *structs.Evaluation, *structs.Deployment:
		return 1024
	}
	return 512
}

// Feed reads the commits in order, each once. One goroutine uses it.
type Feed struct {
	feed     *feed
	after    uint64 // index of the last commit read
	restored int
}

// FeedFrom reads from an index on. When commits at or above it are not kept any more, the reading begins at the oldest that is,
// and lost is the index of the newest that is gone; 0 when none is.
func (s *Store) FeedFrom(index uint64) (f *Feed, lost uint64) {
	fd := &s.feed
	fd.mu.Lock()
	defer fd.mu.Unlock()
	after := max(index, 1) - 1
	if after < fd.lost {
		after, lost = fd.lost, fd.lost
	}
	return &Feed{feed: fd, after: after, restored: fd.restored}, lost
}

// FeedTail reads the last n commits that are kept, and what follows.
func (s *Store) FeedTail(n int) *Feed {
	fd := &s.feed
	fd.mu.Lock()
	defer fd.mu.Unlock()
	after := fd.lost
	if skip := min(max(len(fd.commits)-n, 0), len(fd.commits)); skip > 0 {
		after = fd.commits[skip-1].Index
	}
	return &Feed{feed: fd, after: after, restored: fd.restored}
}

// FeedLost is the error of a reader that cannot be told everything in order any more.
type FeedLost struct {
	After    uint64 // index of the last commit that was read
	Lost     uint64 // index of the newest that is gone; what follows it is kept
	Restored bool   // the whole state was replaced by that of a snapshot
}

// Error says which commits are lost.
func (e *FeedLost) Error() string {
	if e.Restored {
		return fmt.Sprintf("the state was replaced by that of a snapshot at index %d", e.Lost)
	}
	return fmt.Sprintf("the changes from index %d to %d are not kept any more", e.After+1, e.Lost)
}

// Next gives the next commit, or nil and what is closed when there may be one. The error is a *FeedLost, and stays.
func (f *Feed) Next() (*Commit, <-chan struct{}, error) {
	fd := f.feed
	fd.mu.Lock()
	defer fd.mu.Unlock()
	switch {
	case f.restored != fd.restored:
		return nil, nil, &FeedLost{After: f.after, Lost: fd.lost, Restored: true}
	case f.after < fd.lost:
		return nil, nil, &FeedLost{After: f.after, Lost: fd.lost}
	}
	i, _ := slices.BinarySearchFunc(fd.commits, f.after+1, func(c *Commit, index uint64) int {
		switch {
		case c.Index < index:
			return -1
		case c.Index > index:
			return 1
		}
		return 0
	})
	if i < len(fd.commits) {
		f.after = fd.commits[i].Index
		return fd.commits[i], nil, nil
	}
	if fd.wake == nil {
		fd.wake = make(chan struct{})
	}
	return nil, fd.wake, nil
}

// After is the index of the last commit that was read: a new reader goes on from the one above it.
func (f *Feed) After() uint64 { return f.after }
