package timing

import (
	"testing"
	"time"
)

// TestTimes: each is told once, in order, and not more are kept than may be.
func TestTimes(t *testing.T) {
	var times Times[string]
	for round := range 3 {
		for n := range Kept/2 + 1 {
			times.Add(Of[string]{"a", time.Duration(n)}, Of[string]{"b", time.Duration(n)})
		}
		n := 0
		times.Take(func(what string, took time.Duration) {
			if want := (Of[string]{[]string{"a", "b"}[n%2], time.Duration(n / 2)}); want != (Of[string]{what, took}) {
				t.Fatalf("%d: %s %d, want %v", n, what, took, want)
			}
			n++
		})
		if n != Kept {
			t.Errorf("round %d: %d are told, want %d", round, n, Kept)
		}
	}
	times.Take(func(string, time.Duration) { t.Error("told twice") })
}
