package sim

import (
	"fmt"
	"testing"
)

// seeds is how many clusters every test run simulates; `make sim` tries more.
const seeds = 40

func TestClustersKeepTheirPromises(t *testing.T) {
	for seed := uint64(1); seed <= seeds; seed++ {
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

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	a, b, other := Run(DefaultConfig(7)), Run(DefaultConfig(7)), Run(DefaultConfig(8))
	if a.Trace != b.Trace || a.State != b.State || a.Events != b.Events {
		t.Errorf("twice the same seed:\n%s\n%s", a, b)
	}
	if a.Trace == other.Trace {
		t.Error("another seed gives the same trace")
	}
}
