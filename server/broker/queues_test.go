package broker

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"berth/scheduler/fleet"
	"berth/structs"
)

// shares are what the queues have, for a test to set.
type shares map[string]float64

func (s shares) of(queue string) fleet.Share { return fleet.Share{Held: s[queue]} }

func queuesNamed(names ...string) []*structs.Queue {
	var all []*structs.Queue
	for _, n := range names {
		all = append(all, &structs.Queue{Name: n, Namespaces: []string{n}, Weight: 1})
	}
	return all
}

// in puts an evaluation into a namespace, of a job of that type.
func in(e *structs.Evaluation, ns, jobType string) *structs.Evaluation {
	e.Namespace, e.Type = ns, jobType
	return e
}

// atLimit is an evaluation that waits until its queue's jobs hold less.
func atLimit(n int, job, ns string, snapshot uint64, priority int) *structs.Evaluation {
	e := in(blocked(n, job, snapshot, nil), ns, structs.JobTypeBatch)
	e.QuotaLimitReached, e.Priority = ns, priority
	return e
}

func TestTheQueueWithTheLeastIsNext(t *testing.T) {
	b, s := New(), shares{"a": 0.5, "b": 0.2}
	b.SetQueues(queuesNamed("a", "b"), 1, s.of)
	b.Set(in(eval(1, "x", 90), "a", structs.JobTypeBatch), start)
	b.Set(in(eval(2, "y", 10), "b", structs.JobTypeService), start)
	b.Set(in(eval(3, "z", 10), "b", structs.JobTypeService), start)
	if q, ok := b.Turn(start); !ok || q != "b" {
		t.Fatalf("it is the turn of %q, %t", q, ok)
	}
	if got := take(b, start); got != 2 {
		t.Fatalf("took %d", got)
	}
	s["b"] = 0.6
	if !b.OthersReady("a") || !b.OthersReady("b") || b.QueueOf(eval(9, "w", 1)) != "" {
		t.Error("both have something ready")
	}
	for _, want := range []int{1, 3, 0} {
		if got := take(b, start); got != want {
			t.Fatalf("took %d, want %d", got, want)
		}
	}
}

// The line that has waited longest is next where it is said so, and by the shares again after that.
func TestTheLineThatHasWaitedLongest(t *testing.T) {
	b, s := New(), shares{"b": 0.2, "c": 0.9}
	b.SetQueues(queuesNamed("a", "b", "c"), 1, s.of)
	for n := range 30 {
		ns := string(rune('a' + n%3))
		b.Set(in(eval(n+1, fmt.Sprint("j", n), 50), ns, structs.JobTypeBatch), start)
	}
	order := ""
	for _, longest := range []bool{false, true, true, true, false, false, true, true} {
		b.Longest(longest)
		q, _ := b.Turn(start)
		e, _ := b.Take(start)
		if e.Namespace != q {
			t.Fatalf("the turn of %q, and taken was one of %q", q, e.Namespace)
		}
		order += q
	}
	if order != "abcaaabc" {
		t.Errorf("taken were %s", order)
	}
}

// What is of no queue is ordered with the one whose turn it is by priority and age; system jobs are of none.
func TestOfNoQueue(t *testing.T) {
	b, s := New(), shares{}
	b.SetQueues(queuesNamed("a"), 1, s.of)
	b.Set(in(eval(1, "x", 50), "a", structs.JobTypeBatch), start)
	b.Set(in(eval(2, "y", 60), "other", structs.JobTypeBatch), start)
	b.Set(in(eval(3, "z", 55), "a", structs.JobTypeSystem), start)
	b.Set(in(eval(4, "v", 50), "other", structs.JobTypeBatch), start)
	if c := b.Counts(); c.Ready != 4 || c.Pending != 0 {
		t.Errorf("counts: %+v", c)
	}
	for _, want := range []int{2, 3, 1, 4, 0} {
		if got := take(b, start); got != want {
			t.Fatalf("took %d, want %d", got, want)
		}
	}
}

// The counts of each queue, in the order of the queues.
func TestLines(t *testing.T) {
	b := New()
	b.SetQueues(queuesNamed("a", "b"), 1, shares{}.of)
	for _, e := range []*structs.Evaluation{atLimit(1, "x", "b", 10, 50), in(eval(2, "y", 50), "a", structs.JobTypeBatch), in(eval(3, "y", 50), "a", structs.JobTypeBatch),
		in(eval(4, "z", 50), "a", structs.JobTypeBatch), in(eval(5, "w", 50), "other", structs.JobTypeBatch)} {
		b.Set(e, start)
	}
	if got, want := b.Lines(), []LineCounts{{Ready: 2}, {Limited: 1}}; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Of those that wait for a limit, one at a time is looked at again, the first one; the next has its turn when that got what it wants,
// or is there no more, and not while it waits on.
func TestOneAtATimeAtTheLimit(t *testing.T) {
	b := New()
	b.SetQueues(queuesNamed("a"), 1, shares{}.of)
	for _, e := range []*structs.Evaluation{atLimit(1, "x", "a", 10, 50), atLimit(2, "y", "a", 10, 50), atLimit(3, "z", "a", 10, 80), atLimit(4, "w", "a", 10, 20)} {
		b.Set(e, start)
	}
	b.Room("any", 11)
	if got := take(b, start); got != 0 {
		t.Fatalf("room on a node woke %d", got)
	}
	b.Held("a", 12)
	if got, more := take(b, start), take(b, start); got != 3 || more != 0 {
		t.Fatalf("took %d and %d, want 3 alone", got, more)
	}
	b.WaitOn(atLimit(3, "z", "a", 12, 80))
	if got := take(b, start); got != 0 {
		t.Fatalf("%d overtook the first", got)
	}
	b.Held("a", 13)
	if got := take(b, start); got != 3 {
		t.Fatalf("took %d, want the first again", got)
	}
	b.Held("a", 14) // while it is decided on what was before
	if got := take(b, start); got != 0 {
		t.Fatalf("%d is looked at beside the first", got)
	}
	b.WaitOn(atLimit(3, "z", "a", 13, 80))
	if got := take(b, start); got != 3 {
		t.Fatalf("took %d: what was freed meanwhile was missed", got)
	}
	b.Done(id(3))
	if got := take(b, start); got != 1 {
		t.Fatalf("took %d, want the next", got)
	}
	roomless := in(blocked(1, "x", 14, map[string]bool{"full": true}), "a", structs.JobTypeBatch)
	b.WaitOn(roomless) // not for the limit: the next may be luckier
	if got := take(b, start); got != 2 {
		t.Fatalf("took %d, want the one behind who waits for a node", got)
	}
	b.WaitOn(atLimit(2, "y", "a", 14, 50))
	b.Forget(id(2)) // the first of the line is gone
	if got := take(b, start); got != 4 {
		t.Fatalf("took %d, want the one that was behind it", got)
	}
}

func TestWhoIsAhead(t *testing.T) {
	b := New()
	b.SetQueues(queuesNamed("a", "b"), 1, shares{}.of)
	b.Set(atLimit(5, "x", "a", 10, 50), start)
	for _, c := range []struct {
		what string
		e    *structs.Evaluation
		want bool
	}{
		{"a later one", in(eval(6, "y", 50), "a", structs.JobTypeService), true},
		{"an earlier one", in(eval(4, "y", 50), "a", structs.JobTypeService), false},
		{"a more important one", in(eval(6, "y", 51), "a", structs.JobTypeService), false},
		{"one of the same job", in(eval(6, "x", 50), "a", structs.JobTypeBatch), false},
		{"one of another queue", in(eval(6, "y", 50), "b", structs.JobTypeBatch), false},
		{"one of no queue", in(eval(6, "y", 50), "c", structs.JobTypeBatch), false},
		{"a system job", in(eval(6, "y", 50), "a", structs.JobTypeSystem), false},
	} {
		if got := b.Ahead(c.e) != nil; got != c.want {
			t.Errorf("%s: somebody is ahead: %t", c.what, got)
		}
	}
	b.Held("a", 11) // the first has its turn: it is ahead as long as it is looked at
	if b.Ahead(in(eval(6, "y", 50), "a", structs.JobTypeService)) == nil || take(b, start) != 5 {
		t.Error("nobody is ahead")
	}
}

// While the first is looked at, another may come that goes before it: of both, the first is ahead of the rest.
func TestWhoCameBeforeTheOneThatHasItsTurn(t *testing.T) {
	b := New()
	b.SetQueues(queuesNamed("a"), 1, shares{}.of)
	b.Set(atLimit(1, "x", "a", 10, 50), start)
	b.Held("a", 11)
	if got := take(b, start); got != 1 {
		t.Fatalf("took %d", got)
	}
	b.Set(atLimit(2, "y", "a", 12, 80), start)
	for priority, want := range map[int]int{90: 0, 70: 2, 40: 2} {
		got := 0
		if e := b.Ahead(in(eval(3, "z", priority), "a", structs.JobTypeBatch)); e != nil {
			got = int(e.ID[15])
		}
		if got != want {
			t.Errorf("ahead of one of priority %d is %d, want %d", priority, got, want)
		}
	}
}

// When queues change, what is ready changes its line, and what is blocked is looked at again.
func TestQueuesThatChange(t *testing.T) {
	b, s := New(), shares{"a": 1}
	b.Set(in(eval(1, "x", 50), "a", structs.JobTypeBatch), start)
	b.Set(in(eval(2, "y", 40), "b", structs.JobTypeBatch), start)
	b.Set(in(blocked(3, "z", 10, map[string]bool{"c": true}), "c", structs.JobTypeBatch), start)
	b.SetQueues(queuesNamed("a", "b"), 11, s.of)
	for _, want := range []int{2, 1, 0} {
		if got := take(b, start); got != want {
			t.Fatalf("took %d, want %d", got, want)
		}
	}
	b.WaitOn(atLimit(1, "x", "a", 12, 50))
	b.WaitOn(atLimit(2, "y", "b", 10, 40)) // decided before they changed
	if got := take(b, start); got != 2 {
		t.Fatalf("took %d, want the one that was decided on queues of before", got)
	}
	b.SetQueues(nil, 13, s.of)
	if got := take(b, start); got != 1 {
		t.Fatalf("took %d, want the one that waits for a queue that is gone", got)
	}
	if c := b.Counts(); c.Blocked != 1 || c.InFlight != 2 {
		t.Errorf("counts: %+v", c)
	}
}

// Whatever happens, who waits for a limit is looked at again after the queue's jobs held less, and nobody twice at once.
func TestTheLineMovesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := New()
		b.SetQueues(queuesNamed("a", "b"), 1, shares{"a": 0.5}.of)
		index, next := uint64(10), 1
		evals, flying := map[int]*structs.Evaluation{}, []int{}
		freed := map[string]bool{} // something was freed that nobody took yet
		num := func(e *structs.Evaluation) int { return int(e.ID[14])<<8 | int(e.ID[15]) }
		end := func(n int) {
			delete(evals, n)
			flying = slices.DeleteFunc(flying, func(x int) bool { return x == n })
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			index++
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0, 1:
				ns := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "queue")
				e := atLimit(next, fmt.Sprint("job", next), ns, index, rapid.IntRange(1, 3).Draw(t, "priority"))
				evals[next] = e
				next++
				b.Set(e, start)
			case 2:
				ns := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "queue")
				freed[ns] = true
				b.Held(ns, index)
			case 3:
				if e, _ := b.Take(start); e != nil {
					if slices.Contains(flying, num(e)) {
						t.Fatalf("%d is taken twice", num(e))
					}
					flying = append(flying, num(e))
				}
			case 4:
				if len(flying) > 0 {
					n := rapid.SampledFrom(flying).Draw(t, "lands")
					if e := evals[n]; rapid.Bool().Draw(t, "waits on") {
						w := *e
						w.SnapshotIndex = index
						evals[n] = &w
						flying = slices.DeleteFunc(flying, func(x int) bool { return x == n })
						freed[e.Namespace] = false
						b.WaitOn(&w)
					} else {
						b.Done(id(n))
						end(n)
					}
				}
			case 5:
				if len(evals) > 0 {
					n := rapid.SampledFrom(slices.Sorted(func(yield func(int) bool) {
						for n := range evals {
							if !yield(n) {
								return
							}
						}
					})).Draw(t, "goes")
					if !slices.Contains(flying, n) {
						b.Forget(id(n))
						end(n)
					}
				}
			}
		}
		// All that lands now is done: then nobody waits whose queue has less.
		for _, n := range slices.Clone(flying) {
			b.Done(id(n))
			end(n)
		}
		index++
		for _, q := range []string{"a", "b"} {
			b.Held(q, index)
		}
		for range 200 {
			e, _ := b.Take(start)
			if e == nil {
				break
			}
			b.Done(e.ID)
			end(num(e))
		}
		if len(evals) > 0 {
			t.Fatalf("%v wait for ever", evals)
		}
	})
}
