package timing

import (
	"sync"
	"time"
)

// Kept is how many times are kept until they are taken: several times what a server does in the second between two looks.
const Kept = 1 << 15

// Times are kept by what took them. The zero value is ready.
type Times[K comparable] struct {
	mu   sync.Mutex // guards what follows
	kept []Of[K]
	free []Of[K] // memory for the next ones
}

// Of is one.
type Of[K comparable] struct {
	What K
	Took time.Duration
}

// Add keeps some.
func (t *Times[K]) Add(more ...Of[K]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, more[:min(len(more), Kept-len(t.kept))]...)
}

// Take tells each to a function, and keeps it no longer. Only one may take at a time.
func (t *Times[K]) Take(tell func(what K, took time.Duration)) {
	t.mu.Lock()
	taken := t.kept
	t.kept, t.free = t.free[:0], nil
	t.mu.Unlock()
	for _, o := range taken {
		tell(o.What, o.Took)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free = taken
}
