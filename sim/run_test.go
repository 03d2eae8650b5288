package sim

import (
	"fmt"
	"testing"
	"time"
)

// seeds is how many clusters every test run simulates, and fullSeeds how many full ones; `make sim` tries more.
const (
	seeds     = 40
	fullSeeds = 6
)

// upTo are the first n seeds, few of them when the race detector looks on.
func upTo(n uint64) uint64 {
	if racing {
		return max(1, n/10)
	}
	return n
}

func TestClustersKeepTheirPromises(t *testing.T) {
	for seed := uint64(1); seed <= upTo(seeds); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := Run(DefaultConfig(seed))
			t.Log(r)
			for _, p := range r.Problems {
				t.Errorf("%s (replay with: make sim SEED=%d)", p, seed)
			}
			if r.Allocs == 0 || r.Faults == 0 || r.Entries == 0 {
				t.Errorf("nothing happened: %s", r)
			}
		})
	}
}

// Few nodes for many jobs: what drains, taints, budgets and priorities ask for meets in every one of them.
func TestFullClustersKeepTheirPromises(t *testing.T) {
	preempted := 0
	for seed := uint64(1); seed <= upTo(fullSeeds); seed++ {
		r := Run(FullConfig(seed))
		t.Log(r)
		preempted += r.Preempted
		for _, p := range r.Problems {
			t.Errorf("%s (seed %d, 6 nodes)", p, seed)
		}
	}
	if preempted == 0 && !racing {
		t.Error("nobody left for another")
	}
}

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	run := func(seed uint64) *Report {
		c := DefaultConfig(seed)
		if racing {
			c.Faults, c.Jobs = time.Minute, 10
		}
		return Run(c)
	}
	a, b, other := run(7), run(7), run(8)
	if a.Trace != b.Trace || a.State != b.State || a.Events != b.Events {
		t.Errorf("twice the same seed:\n%s\n%s", a, b)
	}
	if a.Trace == other.Trace {
		t.Error("another seed gives the same trace")
	}
}
