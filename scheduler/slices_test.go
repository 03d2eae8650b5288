package scheduler_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"berth/scheduler"
	"berth/scheduler/check"
	"berth/structs"
)

// However a decision is cut into plans, and whatever other jobs are decided in between, each plan is right by itself and all
// of them together place what one would.
func TestSlicesTogetherAreTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SampledFrom([]string{"", "port=http", "distinct_hosts", "spread=${meta.rack}"}).Draw(t, "words")
		count := rapid.IntRange(1, 140).Draw(t, "count")
		placed := func(limit int) int {
			sc := &script{w: newWorld(1)}
			w := sc.w
			for _, line := range []string{
				"nodes 3 prefix=a meta.rack=r1 cpu=4100", "nodes 3 prefix=b meta.rack=r2 cpu=4100", "job other count=3 cpu=10",
				fmt.Sprintf("job web count=%d cpu=200 %s", count, words),
			} {
				if err := sc.do(line); err != nil {
					t.Fatal(err)
				}
			}
			other := w.due()
			e := w.due()
			run := scheduler.Begin(scheduler.Input{State: w, Fleet: w.fleet, Eval: e, Index: w.index, Now: w.now, IDs: w.ids})
			n := 0
			for more := true; more; {
				var p *structs.Plan
				p, more = run.Next(limit)
				if faults := check.Plan(w.view(), p, w.version); len(faults) > 0 {
					t.Fatalf("slices of %d: %v", limit, faults)
				}
				w.apply(p)
				for _, g := range p.Place {
					n += len(g.Items)
				}
				if other != nil && limit < 1000 {
					w.decide(other)
					other = nil
				}
			}
			if got := run.Finish()[0].QueuedAllocations["web"]; got != count-n {
				t.Fatalf("slices of %d: %d placed of %d, %d queued", limit, n, count, got)
			}
			if faults := check.State(w.view()); len(faults) > 0 || len(w.faults) > 0 {
				t.Fatalf("slices of %d: %v %v", limit, faults, w.faults)
			}
			return n
		}
		whole, sliced := placed(1000), placed(rapid.IntRange(1, 50).Draw(t, "limit"))
		if whole != sliced {
			t.Fatalf("%d placed in one plan, %d in slices", whole, sliced)
		}
	})
}
