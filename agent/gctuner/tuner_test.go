package gctuner

import (
	"context"
	"errors"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

func TestPace(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{{0, slowest}, {1 << 20, slowest}, {16 << 20, 800}, {64 << 20, 200}, {128 << 20, normal}, {10 << 30, normal}} {
		if got := pace(c.live, 128<<20); got != c.want {
			t.Errorf("a heap of %d MiB may grow by %d %%, want %d", c.live>>20, got, c.want)
		}
	}
}

func TestABusyHeapGrowsByAShareOfTheMemory(t *testing.T) {
	for _, c := range []struct{ memory, want uint64 }{
		{0, leastExtra}, {512 << 20, leastExtra}, {4 << 30, 128 << 20}, {8 << 30, 256 << 20}, {16 << 30, mostExtra}, {1 << 40, mostExtra},
	} {
		if got := extraOf(c.memory); got != c.want {
			t.Errorf("of %d MiB it grows by %d MiB, want %d", c.memory>>20, got>>20, c.want>>20)
		}
	}
	if got := memory(); got < 64<<20 {
		t.Errorf("this machine has %d bytes", got)
	}
}

func TestABusyTimeBeginsWithManyCollectionsAndEndsWithNone(t *testing.T) {
	c := core{extra: 128 << 20}
	live, held := uint64(32<<20), uint64(little+1)
	look := func(cycles uint64, want decision) {
		t.Helper()
		if got := c.step(sample{cycles, live, live + held}); got != want {
			t.Fatalf("after %d collections: %+v, want %+v", cycles, got, want)
		}
	}
	look(1, decision{})
	look(2, decision{})
	look(4, decision{percent: 400})
	look(4, decision{})
	live, held = 64<<20, 16<<20+1
	look(5, decision{percent: 200}) // still busy: the pace follows the heap
	for range calm - 1 {
		look(5, decision{})
	}
	look(5, decision{percent: normal, free: true})
	look(5, decision{})
	look(6, decision{})
	for range calm - 1 {
		look(6, decision{})
	}
	look(6, decision{free: true}) // it was not busy, and yet holds much
	for range calm - 1 {
		look(6, decision{})
	}
	look(6, decision{free: true}) // and does so again: what is idle makes garbage too
	held = 16 << 20
	for range calm {
		look(6, decision{})
	}
	look(7, decision{})
	for range calm + 5 {
		look(7, decision{}) // a little is not worth it
	}
}

// What a burst left in pools, such as the buffers of its connections, is given back too.
func TestPoolsAreGivenBack(t *testing.T) {
	var pool sync.Pool
	var left []weak.Pointer[[4096]byte]
	for range 100 {
		b := new([4096]byte)
		left = append(left, weak.Make(b))
		pool.Put(b)
	}
	giveBack()
	for _, w := range left {
		if w.Value() != nil {
			t.Fatal("a pool keeps what was put into it")
		}
	}
	runtime.KeepAlive(&pool)
}

func TestRunLeavesTheNormalPaceBehind(t *testing.T) {
	for _, own := range []string{"", "77"} {
		t.Setenv("GOGC", own)
		synctest.Test(t, func(t *testing.T) {
			before := debug.SetGCPercent(150)
			defer debug.SetGCPercent(before)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if err := Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			want := normal
			if own != "" {
				want = 150 // who set it decides
			}
			if got := debug.SetGCPercent(100); got != want {
				t.Errorf("GOGC=%q: the pace is %d, want %d", own, got, want)
			}
		})
	}
}

// A heap does not grow over what the control group may have, as long as something can be collected.
func TestTheLimitOfTheControlGroupIsKept(t *testing.T) {
	const own = 1 << 40
	for _, c := range []struct {
		what, set string
		limit     memlimit.Provider
		want      int64
	}{
		{"a limit", "", memlimit.Limit(256 << 20), 256 << 20 / 10 * 9},
		{"a limit, and GOMEMLIMIT", "1TiB", memlimit.Limit(256 << 20), own},
		{"none that could be read", "", func() (uint64, error) { return 0, errors.New("no control groups") }, own},
		{"no limit", "", func() (uint64, error) { return 0, memlimit.ErrNoLimit }, math.MaxInt64},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Setenv("GOGC", "")
			if t.Setenv("GOMEMLIMIT", c.set); c.set == "" {
				if err := os.Unsetenv("GOMEMLIMIT"); err != nil {
					t.Fatal(err)
				}
			}
			before := debug.SetMemoryLimit(own)
			defer debug.SetMemoryLimit(before)
			defer debug.SetGCPercent(debug.SetGCPercent(normal))
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- run(ctx, c.limit) }()
				synctest.Wait()
				if got := debug.SetMemoryLimit(-1); got-c.want > 16 || c.want-got > 16 {
					t.Errorf("the limit is %d, want %d", got, c.want)
				}
				cancel()
				<-ended
			})
			if got := debug.SetMemoryLimit(-1); got != own {
				t.Errorf("afterwards it is %d", got)
			}
		})
	}
}
