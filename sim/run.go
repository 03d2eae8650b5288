package sim

import (
	"encoding/hex"
	"fmt"
	"io"
	"time"
)

// Config says what to simulate. Everything else follows from the seed.
type Config struct {
	Seed uint64
	// Nodes is how many nodes the cluster has, 50 by default.
	Nodes int
	// Faults is how long things go wrong, in virtual time; 4 minutes by default.
	Faults time.Duration
	// Quiet is how long the cluster then has to come to rest; 5 minutes by default: a failed allocation's next try, a deployment's
	// deadline and the slowest node all fit in.
	Quiet time.Duration
	// Jobs is how many jobs are registered at most, 25 by default.
	Jobs int
	// Preempt lets jobs of all types make others of lower priority leave.
	Preempt bool
	// Trace gets a line for every event; nil for none.
	Trace io.Writer
}

// DefaultConfig is the cluster of `make sim` with a seed.
func DefaultConfig(seed uint64) Config {
	return Config{Seed: seed, Nodes: 50, Faults: 4 * time.Minute, Quiet: 5 * time.Minute, Jobs: 25}
}

// FullConfig is the cluster of `make sim FULL=1`: as many jobs on few nodes, where every type preempts. What waits needs longer to find room.
func FullConfig(seed uint64) Config {
	c := DefaultConfig(seed)
	c.Nodes, c.Preempt, c.Quiet = 6, true, 10*time.Minute
	return c
}

// Report is how a run ended.
type Report struct {
	Seed    uint64
	Events  int
	Entries int
	Allocs  int // ever placed
	Faults  int
	// Preempted is how many allocations left for others.
	Preempted int
	Virtual   time.Duration
	Problems  []string // what the checkers found; empty is good
	// Trace is a hash of the whole trace, State one of the final state.
	Trace, State string
}

// String is one line.
func (r *Report) String() string {
	verdict := "ok"
	if len(r.Problems) > 0 {
		verdict = fmt.Sprintf("%d PROBLEMS", len(r.Problems))
	}
	return fmt.Sprintf("seed %d: %s, %d events, %d entries, %d allocations, %d faults, %s virtual, trace %.12s, state %.12s",
		r.Seed, verdict, r.Events, r.Entries, r.Allocs, r.Faults, r.Virtual, r.Trace, r.State)
}

// problemsMax ends a run early: what follows a broken invariant explains nothing.
const problemsMax = 5

// Run simulates one cluster.
func Run(c Config) *Report {
	w := newWorld(c.Seed, c.Trace)
	cl := newCluster(w, c)
	cl.begin()
	for t := epoch; t < epoch+int64(c.Faults+c.Quiet) && len(cl.problems) < problemsMax; t += int64(time.Second) {
		if t == epoch+int64(c.Faults) {
			cl.calm()
		}
		w.runUntil(t + int64(time.Second))
	}
	if len(cl.problems) == 0 {
		cl.judge()
	}
	final := digest(cl.log.store)
	if again := digest(cl.log.replayed()); again != final {
		cl.problem("I1: the log replayed gives state %.12s, not %.12s", again, final)
	}
	return &Report{
		Seed: c.Seed, Events: w.ran, Entries: len(cl.log.entries), Allocs: len(cl.seen), Faults: cl.faults, Preempted: cl.preempted, Virtual: time.Duration(w.now - epoch),
		Problems: cl.problems, Trace: hex.EncodeToString(w.sum.Sum(nil)), State: final,
	}
}
