package sim

import (
	"container/heap"
	"crypto/sha256"
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"time"

	"berth/internal/idgen"
)

// epoch is where virtual time begins, Unix ns.
const epoch = int64(1_800_000_000) * int64(time.Second)

// world is virtual time, the events to come, randomness and the trace.
type world struct {
	seed   uint64
	now    int64 // Unix ns
	events eventHeap
	seq    uint64 // breaks ties between events of one instant, first come first served
	ran    int
	trace  io.Writer // nil: only hashed
	sum    hash.Hash
}

func newWorld(seed uint64, trace io.Writer) *world {
	return &world{seed: seed, now: epoch, trace: trace, sum: sha256.New()}
}

// event is something that will happen.
type event struct {
	at  int64
	seq uint64
	run func()
}

// after runs f when d has passed; never before events already due at that instant.
func (w *world) after(d time.Duration, f func()) {
	w.seq++
	heap.Push(&w.events, event{at: w.now + max(0, int64(d)), seq: w.seq, run: f})
}

// runUntil runs every event up to t and leaves the clock there.
func (w *world) runUntil(t int64) {
	for len(w.events) > 0 && w.events[0].at <= t {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		w.ran++
		e.run()
	}
	w.now = max(w.now, t)
}

// time is now as structs want it.
func (w *world) time() time.Time { return time.Unix(0, w.now).UTC() }

// say adds a line to the trace.
func (w *world) say(format string, args ...any) {
	line := fmt.Sprintf("%9.3f %s\n", float64(w.now-epoch)/float64(time.Second), fmt.Sprintf(format, args...))
	w.sum.Write([]byte(line))
	if w.trace != nil {
		_, _ = io.WriteString(w.trace, line) // a reader that went away does not change the run
	}
}

// rng is a generator of its own for whatever the name stands for.
func (w *world) rng(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// eventHeap orders by time, then by order of arrival.
type eventHeap []event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || (h[i].at == h[j].at && h[i].seq < h[j].seq)
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is for container/heap.
func (h *eventHeap) Push(x any) { *h = append(*h, x.(event)) }

// Pop is for container/heap.
func (h *eventHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}

// ids is a source of its own for whatever the name stands for.
func (w *world) ids(name string) *idgen.SeededSource { return idgen.Seeded(w.seed).Child(name) }

// between draws a duration from [low, high].
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)+1))
}

// chance is true with probability p.
func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }
