package state

import (
	"context"
	"slices"
	"sync/atomic"

	"berth/state/sorted"
	"berth/structs"
)

// Change is one object that was written, or deleted: then Object is what it last was.
type Change[T any] struct {
	Object  *T
	Deleted bool
}

// Changes are what changed between two versions of the state: each object once, as it is now, in the order of its key.
type Changes struct {
	Index       uint64
	Jobs        []Change[structs.Job]
	Nodes       []Change[structs.Node]
	Allocs      []Change[structs.Allocation]
	Evals       []Change[structs.Evaluation]
	Deployments []Change[structs.Deployment]
	// Queues are all queues by name, if any of them changed: then QueuesChanged is set.
	Queues        []*structs.Queue
	QueuesChanged bool
}

// Follower sees the changes of some tables. What happens between two calls comes as one: a follower that is slow misses
// versions of an object, never its newest. One goroutine uses it.
//
// It keeps no version of the state alive that it has nothing to tell of: while its tables do not change, what it has seen goes along with
// the store.
type Follower struct {
	store  *Store
	tables [TableCount]bool
	seen   atomic.Pointer[root] // in its tables like what was told; the store, too, puts a newer one there
	wait   chan struct{}        // guarded by the store's mu; nil when nothing waits
}

// Follow begins to follow tables, of those that Changes can tell of. The first changes are everything there is. Close it.
func (s *Store) Follow(tables ...Table) *Follower {
	f := &Follower{store: s}
	f.seen.Store(newRoot())
	for _, t := range tables {
		f.tables[t] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.followers[f] = struct{}{}
	return f
}

// Close ends it; a Next that waits returns only with its context.
func (f *Follower) Close() {
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	delete(f.store.followers, f)
}

// Wait gives a channel that is closed as soon as Poll has something to tell.
func (f *Follower) Wait() <-chan struct{} {
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	if f.wait == nil {
		f.wait = make(chan struct{})
		if f.differs(f.seen.Load(), f.store.root.Load()) {
			close(f.wait)
			ch := f.wait
			f.wait = nil
			return ch
		}
	}
	return f.wait
}

// Poll gives what changed since the last time; false when nothing of the followed tables did.
func (f *Follower) Poll() (Changes, bool) {
	now := f.store.root.Load()
	if !f.differs(f.seen.Load(), now) {
		return Changes{}, false
	}
	then := f.seen.Swap(now)
	c := Changes{Index: now.index}
	if f.tables[TableJobs] {
		c.Jobs = changesOf(then.records, now.records, func(rec *record) *structs.Job { return rec.job })
	}
	if f.tables[TableNodes] {
		c.Nodes = changesOf(then.nodes, now.nodes, itself)
	}
	if f.tables[TableAllocs] {
		c.Allocs = changesOf(then.allocs, now.allocs, itself)
	}
	if f.tables[TableEvals] {
		c.Evals = changesOf(then.evals, now.evals, itself)
	}
	if f.tables[TableDeployments] {
		c.Deployments = changesOf(then.deployments, now.deployments, itself)
	}
	if f.tables[TableQueues] && !then.queues.Same(now.queues) {
		c.Queues, c.QueuesChanged = slices.Collect(now.queues.All()), true
	}
	return c, true
}

// Next waits until something changed and gives it, or ctx's error.
func (f *Follower) Next(ctx context.Context) (Changes, error) {
	for {
		if c, ok := f.Poll(); ok {
			return c, nil
		}
		select {
		case <-f.Wait():
		case <-ctx.Done():
			return Changes{}, ctx.Err()
		}
	}
}

func (f *Follower) differs(then, now *root) bool {
	for t, follows := range f.tables {
		if !follows {
			continue
		}
		switch Table(t) {
		case TableJobs:
			follows = then.changed[TableJobs] != now.changed[TableJobs] || then.life != now.life
		case TableNodes:
			follows = !then.nodes.Same(now.nodes)
		case TableAllocs:
			follows = !then.allocs.Same(now.allocs)
		case TableEvals:
			follows = !then.evals.Same(now.evals)
		case TableDeployments:
			follows = !then.deployments.Same(now.deployments)
		case TablePeriodicLaunches: // told of, without its changes
			follows = !then.launches.Same(now.launches)
		case TableDisruptionBudgets: // told of, without its changes
			follows = !then.budgets.Same(now.budgets)
		case TableQueues:
			follows = !then.queues.Same(now.queues)
		default:
			follows = false
		}
		if follows {
			return true
		}
	}
	return false
}

// changesOf compares trees by an object of each of their values, nil for a value that has none.
func changesOf[K, V, T any](then, now sorted.Tree[K, V], of func(V) *T) []Change[T] {
	var list []Change[T]
	same := func(a, b V) bool { return of(a) == of(b) }
	sorted.Diff(then, now, same, func(before, after V, had, has bool) bool {
		var was, is *T
		if had {
			was = of(before)
		}
		if has {
			is = of(after)
		}
		switch {
		case is != nil:
			list = append(list, Change[T]{Object: is})
		case was != nil:
			list = append(list, Change[T]{Object: was, Deleted: true})
		}
		return true
	})
	return list
}

func itself[T any](v *T) *T { return v }

// wakeFollowers wakes those one of whose tables changed, and takes the others along; mu is held.
func (s *Store) wakeFollowers(before, now *root) {
	for f := range s.followers {
		switch {
		case f.wait != nil && f.differs(before, now):
			close(f.wait)
			f.wait = nil
		default:
			if seen := f.seen.Load(); !f.differs(seen, now) {
				f.seen.CompareAndSwap(seen, now)
			}
		}
	}
}
