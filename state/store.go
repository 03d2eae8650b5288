package state

import (
	"context"
	"sync"
	"sync/atomic"
)

// Store holds the newest version of the state. Safe for any number of goroutines.
type Store struct {
	root    atomic.Pointer[root]
	writing sync.Mutex // held by the write transaction; taken before mu

	mu        sync.Mutex // guards what follows and orders it with changes of root
	watches   map[watchKey]chan struct{}
	advanced  chan struct{} // closed by the next commit; nil when nobody waits
	followers map[*Follower]struct{}

	feed feed // has its own lock, taken after mu

	// The write transaction's.
	idle  idleLines
	spare []Write // memory for what the next one writes
}

// spareMax is how many writes there is memory kept for.
const spareMax = 4096

// New is the state of a cluster that has just been made.
func New() *Store {
	s := &Store{watches: map[watchKey]chan struct{}{}, followers: map[*Follower]struct{}{}}
	s.root.Store(newRoot())
	return s
}

// Snapshot is the state as it is now.
func (s *Store) Snapshot() *Snapshot {
	return &Snapshot{reader: reader{r: s.root.Load()}, store: s}
}

// Index is the log index of the last transaction.
func (s *Store) Index() uint64 { return s.root.Load().index }

// WaitIndex returns when the state's index is at least min, or with ctx's error.
func (s *Store) WaitIndex(ctx context.Context, min uint64) error {
	for {
		s.mu.Lock()
		if s.Index() >= min {
			s.mu.Unlock()
			return nil
		}
		if s.advanced == nil {
			s.advanced = make(chan struct{})
		}
		advanced := s.advanced
		s.mu.Unlock()
		select {
		case <-advanced:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// publish makes a version the newest and wakes who waits for one of the changes.
func (s *Store) publish(r *root, changes []Write) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.root.Load()
	parts := r.noteNamespaces(changes)
	s.root.Store(r)
	if s.advanced != nil {
		close(s.advanced)
		s.advanced = nil
	}
	if len(s.watches) > 0 {
		for _, p := range parts {
			s.fire(watchKey{table: p.table, by: byNamespace, ns: p.ns})
		}
		for _, c := range changes {
			s.wake(c, before, r)
		}
		for t := range TableCount {
			if r.changed[t] != before.changed[t] {
				s.fire(watchKey{table: Table(t), by: byTable})
			}
		}
	}
	s.wakeFollowers(before, r)
	s.feed.add(r.index, changes)
	clear(changes)
	if s.spare = changes[:0]; cap(changes) > spareMax {
		s.spare = nil
	}
}

// replace makes a restored version the newest and wakes everybody.
func (s *Store) replace(r *root) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.root.Load()
	r.life = before.life + 1
	s.root.Store(r)
	if s.advanced != nil {
		close(s.advanced)
		s.advanced = nil
	}
	s.fireAll()
	s.wakeFollowers(before, r)
	s.feed.replaced(r.index)
}
