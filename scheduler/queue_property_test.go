package scheduler_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"berth/structs"
)

// recount is what a queue's jobs hold, counted from allocations.
func (w *world) recount(queue string) structs.QueueAmount {
	var sum structs.QueueAmount
	for _, a := range w.allocsOf(func(a *structs.Allocation) bool { return a.HoldsResources() && !a.ServerTerminal() }) {
		if q := w.view().QueueOf(a); q != nil && q.Name == queue && w.nodes[a.NodeName] != nil {
			r := a.AllocatedResources.Comparable()
			sum = sum.Plus(structs.QueueAmount{CPU: r.CPU, MemoryMB: r.MemoryMB}, 1)
		}
	}
	return sum
}

// held is what the fleet says of it, less the room that is kept for what is to come.
func (w *world) held(queue string) structs.QueueAmount {
	for _, a := range w.fleet.Queues() {
		if a.Queue.Name != queue {
			continue
		}
		sum := a.Held
		for row := range int32(w.fleet.Len()) {
			for _, u := range w.fleet.UsesAt(row) {
				if u.Hold && w.fleet.AccountOf(u) == a {
					sum = sum.Plus(structs.QueueAmount{CPU: u.Res.CPU, MemoryMB: u.Res.MemoryMB}, -1)
				}
			}
		}
		return sum
	}
	return structs.QueueAmount{}
}

func drawQueue(t *rapid.T) string {
	of := rapid.SampledFrom([]string{"one ns=one", "two ns=two", "rest ns=*"}).Draw(t, "queue")
	if rapid.IntRange(0, 5).Draw(t, "gone") == 0 {
		return "no-queue " + strings.Fields(of)[0]
	}
	guarantee := 100 * rapid.IntRange(0, 20).Draw(t, "guarantee")
	limit := 100 * rapid.IntRange(0, 30).Draw(t, "limit")
	if limit > 0 {
		limit = max(limit, guarantee)
	}
	return fmt.Sprintf("queue %s weight=%d guarantee=%d/0 limit=%d/%d lending=%s", of, rapid.IntRange(1, 5).Draw(t, "weight"), guarantee, limit,
		100*rapid.IntRange(0, 30).Draw(t, "memory"), rapid.SampledFrom([]string{"reclaim", "wait", "never"}).Draw(t, "lending"))
}

// Whatever befalls a cluster with queues, no queue is given more than its limit, nobody is taken below a guarantee (both of which the
// checker looks at), and what is counted is what is there.
func TestQueuesKeepTheirBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sc := &script{w: newWorld(1)}
		var lines []string
		do := func(line string) {
			lines = append(lines, line)
			if err := tell(sc, line); err != nil {
				t.Fatalf("%v\n%s\nstory:\n%s", err, sc.w.picture(), strings.Join(lines, "\n"))
			}
			for _, q := range sc.w.queues {
				if held, want := sc.w.held(q.Name), sc.w.recount(q.Name); held != want {
					t.Fatalf("queue %s holds %s, its account says %s\nstory:\n%s", q.Name, want, held, strings.Join(lines, "\n"))
				}
			}
		}
		for i := range rapid.IntRange(1, 4).Draw(t, "nodes") {
			do(fmt.Sprintf("node node-%d cpu=1000 mem=2000", i))
		}
		space := map[string]string{} // of jobs: it never changes
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
				do(drawQueue(t))
				continue
			}
			line := drawEvent(t, sc.w)
			if words := strings.Fields(line); words[0] == "job" {
				if space[words[1]] == "" {
					space[words[1]] = rapid.SampledFrom([]string{"one", "two", "three"}).Draw(t, "namespace")
				}
				line, _, _ = strings.Cut(line, " depends=") // on jobs of its namespace alone
				line += " ns=" + space[words[1]]
			}
			do(line)
		}
	})
}

// A queue that wants it gets what is guaranteed to it, however much others have borrowed.
func TestGuaranteesAreKept(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sc := &script{w: newWorld(1)}
		w := sc.w
		var lines []string
		do := func(line string) {
			lines = append(lines, line)
			if err := tell(sc, line); err != nil {
				t.Fatalf("%v\n%s\nstory:\n%s", err, w.picture(), strings.Join(lines, "\n"))
			}
		}
		nodes := rapid.IntRange(1, 4).Draw(t, "nodes")
		do(fmt.Sprintf("nodes %d cpu=1000 mem=100000", nodes))
		room, guarantee := nodes*10, map[string]int{} // in allocations
		names := []string{"one", "two", "three"}
		for _, name := range names {
			guarantee[name] = rapid.IntRange(0, room).Draw(t, "guarantee")
			room -= guarantee[name]
			do(fmt.Sprintf("queue %s ns=%s guarantee=%d/0 lending=%s", name, name, guarantee[name]*100, rapid.SampledFrom([]string{"reclaim", "never"}).Draw(t, "lending")))
		}
		wants := map[string]int{}
		for _, name := range rapid.Permutation(names).Draw(t, "order") {
			for i := range rapid.IntRange(1, 3).Draw(t, "jobs") {
				n := rapid.IntRange(1, nodes*10).Draw(t, "count")
				wants[name] += n
				do(fmt.Sprintf("job %s-%d ns=%s cpu=100 count=%d priority=%d", name, i, name, n, rapid.SampledFrom([]int{20, 50, 80}).Draw(t, "priority")))
				do("start")
			}
		}
		for range 5 {
			do("ended")
			do("start")
		}
		for _, name := range names {
			if got := int(w.recount(name).CPU / 100); got < min(wants[name], guarantee[name]) {
				t.Fatalf("%s has %d of %d that are guaranteed, and wants %d\n%s\nstory:\n%s", name, got, guarantee[name], wants[name], w.picture(), strings.Join(lines, "\n"))
			}
		}
	})
}

// Work that ends makes room for what waits: at last nothing waits any more, whatever its size, priority and queue.
func TestNobodyWaitsForEver(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sc := &script{w: newWorld(1)}
		w := sc.w
		var lines []string
		do := func(line string) {
			lines = append(lines, line)
			if err := tell(sc, line); err != nil {
				t.Fatalf("%v\n%s\nstory:\n%s", err, w.picture(), strings.Join(lines, "\n"))
			}
		}
		do(fmt.Sprintf("nodes %d cpu=1000 mem=100000", rapid.IntRange(1, 3).Draw(t, "nodes")))
		for _, name := range []string{"one", "two"} {
			do(fmt.Sprintf("queue %s ns=%s limit=%d/0 guarantee=%d/0 lending=%s", name, name, 500+100*rapid.IntRange(0, 10).Draw(t, "limit"),
				100*rapid.IntRange(0, 4).Draw(t, "guarantee"), rapid.SampledFrom([]string{"reclaim", "wait"}).Draw(t, "lending")))
		}
		for i := range rapid.IntRange(1, 12).Draw(t, "jobs") {
			do(fmt.Sprintf("job job-%d ns=%s type=batch cpu=%d count=%d priority=%d", i, rapid.SampledFrom([]string{"one", "two"}).Draw(t, "namespace"),
				100*rapid.IntRange(1, 5).Draw(t, "cpu"), rapid.IntRange(1, 6).Draw(t, "count"), rapid.SampledFrom([]int{20, 50, 80}).Draw(t, "priority")))
		}
		for range 200 {
			if len(w.blocked) == 0 {
				break
			}
			do("start")
			do("ended")
			running := w.allocsOf(func(a *structs.Allocation) bool { return !a.Terminal() })
			if len(running) == 0 {
				t.Fatalf("nothing runs, and %v wait\n%s\nstory:\n%s", slices.Sorted(maps.Keys(w.blocked)), w.picture(), strings.Join(lines, "\n"))
			}
			do("complete " + running[0].Name())
		}
		if len(w.blocked) > 0 {
			t.Fatalf("%v wait for ever\n%s\nstory:\n%s", slices.Sorted(maps.Keys(w.blocked)), w.picture(), strings.Join(lines, "\n"))
		}
	})
}
