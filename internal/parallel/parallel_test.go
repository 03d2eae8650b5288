package parallel_test

import (
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"berth/internal/parallel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEachDoesAllOnce(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		done := make([]atomic.Int32, n)
		parallel.Each(n, func(i int) { done[i].Add(1) })
		for i := range done {
			if done[i].Load() != 1 {
				t.Errorf("%d of %d done %d times", i, n, done[i].Load())
			}
		}
	}
}

// A fault in one piece is the caller's, as if it had done the work itself.
func TestEachFallsOverInTheCaller(t *testing.T) {
	defer func() {
		if p := recover(); p != "seven" {
			t.Errorf("it fell over with %v", p)
		}
	}()
	parallel.Each(100, func(i int) {
		if i == 7 {
			panic("seven")
		}
	})
}
