package broker

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"berth/structs"
)

var start = time.Unix(1_700_000_000, 0)

func id(n int) structs.ID { return structs.ID{0: 1, 14: byte(n >> 8), 15: byte(n)} }

func eval(n int, job string, priority int) *structs.Evaluation {
	return &structs.Evaluation{ID: id(n), Namespace: "default", JobID: job, Priority: priority, Status: structs.EvalStatusPending,
		CreateIndex: uint64(n)}
}

func blocked(n int, job string, snapshot uint64, classes map[string]bool) *structs.Evaluation {
	e := eval(n, job, 50)
	e.Status, e.SnapshotIndex, e.ClassEligibility = structs.EvalStatusBlocked, snapshot, classes
	return e
}

// take names the next evaluation by its number, 0 for none.
func take(b *Broker, now time.Time) int {
	e, _ := b.Take(now)
	if e == nil {
		return 0
	}
	return int(e.ID[14])<<8 | int(e.ID[15])
}

func TestOrder(t *testing.T) {
	b := New()
	b.Set(eval(1, "a", 50), start)
	b.Set(eval(2, "b", 80), start)
	b.Set(eval(3, "c", 50), start)
	b.Set(eval(4, "a", 90), start) // of a job that has another: the urgent one first
	for i, want := range []int{4, 2, 3, 0} {
		if got := take(b, start); got != want {
			t.Fatalf("%d: took %d, want %d", i, got, want)
		}
	}
	b.Done(id(4)) // the job's other one may go on
	if got := take(b, start); got != 1 {
		t.Fatalf("took %d, want 1", got)
	}
}

func TestWaitingBecomesReadyAtItsTime(t *testing.T) {
	b := New()
	e := eval(1, "a", 50)
	e.WaitUntil = start.Add(time.Minute)
	b.Set(e, start)
	if got := take(b, start); got != 0 {
		t.Fatal("taken before its time")
	}
	if at, ok := b.Next(); !ok || !at.Equal(e.WaitUntil) {
		t.Fatalf("next is %v, %v", at, ok)
	}
	if got := take(b, start.Add(time.Minute)); got != 1 {
		t.Fatalf("took %d at its time", got)
	}
}

func TestBlockedWakesForWhatItMisses(t *testing.T) {
	classes := map[string]bool{"good": true, "bad": false}
	for name, c := range map[string]struct {
		class   string
		index   uint64
		escaped bool
		want    int
	}{
		"an eligible class":        {"good", 11, false, 1},
		"a class that cannot help": {"bad", 11, false, 0},
		"a class that is new":      {"new", 11, false, 1},
		"looks beyond classes":     {"bad", 11, true, 1},
		"room it has seen already": {"good", 10, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for _, order := range []string{"room after", "room before"} {
				b := New()
				e := blocked(1, "a", 10, classes)
				e.EscapedComputedClass = c.escaped
				if order == "room before" {
					b.Room(c.class, c.index)
				}
				b.Set(e, start)
				if order == "room after" {
					b.Room(c.class, c.index)
				}
				if got := take(b, start); got != c.want {
					t.Errorf("%s: took %d, want %d", order, got, c.want)
				}
			}
		})
	}
}

// Since when an evaluation could be taken is known, whatever it waited for before.
func TestReadySince(t *testing.T) {
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	b := New()
	ready := func(n int, want time.Time) {
		t.Helper()
		if got := take(b, at(100)); got != n {
			t.Fatalf("took %d, want %d", got, n)
		}
		if got := b.ReadySince(id(n)); !got.Equal(want) {
			t.Errorf("%d was ready since %s, want %s", n, got.Sub(start), want.Sub(start))
		}
	}
	b.At(at(1))
	b.Set(eval(1, "a", 50), at(1))
	ready(1, at(1))
	b.GiveBack(id(1), at(2), at(2))
	ready(1, at(2))
	b.GiveBack(id(1), at(30), at(3))
	ready(1, at(30))
	b.Set(blocked(2, "b", 10, nil), at(4))
	b.At(at(5))
	b.Room("any", 11)
	ready(2, at(5))
	if !b.ReadySince(id(9)).IsZero() {
		t.Error("one that is not known was ready")
	}
}

// Who waits for a job alone is woken by that job, and by nothing else; nothing of it is missed.
func TestBlockedWakesForTheJobsItWaitsFor(t *testing.T) {
	waits := func(n int, snapshot uint64, jobs ...string) *structs.Evaluation {
		e := blocked(n, "web", snapshot, nil)
		for _, j := range jobs {
			e.WaitsForJobs = append(e.WaitsForJobs, &structs.JobWait{Namespace: "default", Job: j, Condition: "complete"})
		}
		return e
	}
	key := func(id string) structs.JobKey { return structs.JobKey{Namespace: "default", ID: id} }
	b := New()
	b.Set(waits(1, 10, "db", "load"), start)
	b.Room("x", 11)
	b.Came(11)
	b.Moved(key("other"), 11)
	b.Moved(structs.JobKey{Namespace: "else", ID: "db"}, 11)
	b.Moved(key("db"), 10) // seen already
	if take(b, start) != 0 {
		t.Fatal("woken by something else")
	}
	b.Moved(key("load"), 12)
	if take(b, start) != 1 {
		t.Fatal("not woken")
	}
	b.Moved(key("db"), 13)       // while it is decided on the state at 12
	b.WaitOn(waits(1, 12, "db")) // so what came after is not missed
	if take(b, start) != 1 {
		t.Fatal("what happened meanwhile was missed")
	}
	b.WaitOn(waits(1, 13, "db"))
	b.Moved(key("load"), 14) // for which it waits no longer
	if take(b, start) != 0 {
		t.Fatal("woken by a job it has waited for before")
	}
	b.Set(waits(2, 14, "db"), start) // a newer one of its job
	b.Forget(id(2))
	if len(b.watched) != 0 {
		t.Fatalf("%d jobs are watched for nobody", len(b.watched))
	}
	// A new leader's broker hears of all that is there before it hears of who waits.
	b = New()
	b.Moved(key("db"), 20)
	b.Set(waits(3, 15, "db"), start)
	if take(b, start) != 3 {
		t.Fatal("missed by a new leader")
	}
}

// Who waits only until people take its gates away is not looked at again for every node that gets room; with a group that lacks room, it is.
func TestGatesAreNoMatterOfRoom(t *testing.T) {
	for _, order := range []string{"room after", "room before"} {
		for _, other := range []string{"", "lacks room", "waits for a stop"} {
			b := New()
			e := blocked(1, "web", 10, nil)
			e.Explanations = map[string]*structs.Explanation{"held": {Summary: "held back by its gates"}}
			want := 0
			if other == "lacks room" {
				e.FailedTGAllocs = map[string]*structs.AllocMetric{"other": {}} // no node was there to look at
				want = 1
			}
			if other == "waits for a stop" {
				e.ClassEligibility = map[string]bool{"x": true}
				want = 1
			}
			if order == "room before" {
				b.Room("x", 11)
				b.Moved(structs.JobKey{Namespace: "default", ID: "load"}, 11)
			}
			b.Set(e, start)
			if order == "room after" {
				b.Room("x", 11)
			}
			b.Came(12)
			b.Moved(structs.JobKey{Namespace: "default", ID: "db"}, 12)
			if got := take(b, start); got != want {
				t.Errorf("%s, another group %q: took %d, want %d", order, other, got, want)
			}
		}
	}
}

func TestAWokenOneThatMustWaitOnMissesNoRoom(t *testing.T) {
	b := New()
	b.Set(blocked(1, "a", 10, nil), start)
	b.Room("x", 11)
	if take(b, start) != 1 {
		t.Fatal("not woken")
	}
	b.Room("x", 12) // while it was decided on the state at 11
	b.WaitOn(blocked(1, "a", 11, nil))
	if take(b, start) != 1 {
		t.Fatal("room that appeared meanwhile was missed")
	}
	b.WaitOn(blocked(1, "a", 12, nil))
	if take(b, start) != 0 {
		t.Fatal("woken for nothing")
	}
}

func TestTheNewerBlockedOneReplacesTheOlder(t *testing.T) {
	b := New()
	b.Set(blocked(1, "a", 10, nil), start)
	b.Set(blocked(2, "a", 10, nil), start)
	extra := b.Extra()
	if len(extra) != 1 || extra[0].ID != id(1) || len(b.Extra()) != 0 {
		t.Fatalf("extra: %v", extra)
	}
	if c := b.Counts(); c.Blocked != 1 {
		t.Fatalf("%+v", c)
	}
	b.Set(eval(3, "a", 50), start)
	if _, waits := b.Take(start); waits == nil || waits.ID != id(2) {
		t.Fatalf("the one that waits is %v", waits)
	}
}

// Ten thousand nodes that come at once leave one evaluation of a system job, which keeps its turn; what comes while it is decided is
// looked at afterwards.
func TestTheNewsOfManyNodesIsLookedAtOnce(t *testing.T) {
	b := New()
	came := func(n int, job string, priority int) *structs.Evaluation {
		e := eval(n, job, priority)
		e.TriggeredBy = structs.EvalTriggerNodeUpdate
		return e
	}
	b.Set(came(1, "system", 50), start)
	b.Set(eval(2, "web", 50), start)
	for n := 3; n < 10_000; n++ {
		b.Set(came(n, "system", 50), start)
	}
	if extra := b.Extra(); len(extra) != 9_997 || extra[0].ID != id(3) {
		t.Fatalf("%d are superfluous", len(extra))
	}
	if got := take(b, start); got != 1 {
		t.Fatalf("took %d: the job has lost its turn", got)
	}
	b.Set(came(10_001, "system", 50), start) // not seen by the one in flight
	b.Set(came(10_002, "system", 50), start)
	b.Set(came(10_003, "system", 80), start) // more urgent than what waits
	b.Set(eval(10_004, "system", 50), start) // somebody waits for this one
	b.GiveBack(id(1), start, start)          // it failed: it is tried again itself
	if extra := b.Extra(); len(extra) != 1 || extra[0].ID != id(10_002) {
		t.Fatalf("superfluous: %v", extra)
	}
	for i, want := range []int{10_003, 1, 2, 10_001, 10_004, 0} {
		if got := take(b, start); got != want {
			t.Fatalf("%d: took %d, want %d", i, got, want)
		}
		b.Done(id(want))
	}
	if len(b.items) != 0 || len(b.jobs) != 0 {
		t.Fatalf("left: %d items, %d jobs", len(b.items), len(b.jobs))
	}
}

func TestOverWhileInFlightIsForgotten(t *testing.T) {
	b := New()
	b.Set(eval(1, "a", 50), start)
	take(b, start)
	done := eval(1, "a", 50)
	done.Status = structs.EvalStatusComplete
	b.Set(done, start)
	b.GiveBack(id(1), start, start)
	if got := take(b, start); got != 0 {
		t.Fatalf("took %d again", got)
	}
	if len(b.items) != 0 || len(b.jobs) != 0 {
		t.Fatalf("left: %d items, %d jobs", len(b.items), len(b.jobs))
	}
}

// Whatever happens in whatever order: one in flight per job, nothing lost, nothing left.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, now, next := New(), start, 1
		alive := map[structs.ID]*structs.Evaluation{}
		flying := map[structs.JobKey]structs.ID{}
		index := uint64(100)
		drop := func() {
			for _, x := range b.Extra() {
				delete(alive, x.ID)
			}
		}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			job := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "job")
			switch rapid.IntRange(0, 7).Draw(t, "op") {
			case 0, 1:
				e := eval(next, job, rapid.IntRange(1, 3).Draw(t, "priority"))
				e.Type = rapid.SampledFrom(Types[:]).Draw(t, "type")
				if rapid.Bool().Draw(t, "waits") {
					e.WaitUntil = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "s")) * time.Second)
				}
				if rapid.Bool().Draw(t, "of nodes") {
					e.TriggeredBy = structs.EvalTriggerNodeUpdate
				}
				b.Set(e, now)
				alive[e.ID] = e
				next++
			case 2:
				e := blocked(next, job, index, map[string]bool{"x": rapid.Bool().Draw(t, "eligible")})
				e.EscapedComputedClass = rapid.Bool().Draw(t, "escaped")
				b.Set(e, now)
				alive[e.ID] = e
				next++
			case 3:
				index++
				b.Room("x", index)
			case 4:
				now = now.Add(time.Duration(rapid.IntRange(0, 15).Draw(t, "s")) * time.Second)
			case 5:
				e, _ := b.Take(now)
				if e == nil {
					continue
				}
				if alive[e.ID] == nil {
					t.Fatalf("took %v, which is over", e.ID)
				}
				if other, ok := flying[e.JobKey()]; ok {
					t.Fatalf("took %v while %v of the same job is in flight", e.ID, other)
				}
				if e.WaitUntil.After(now) {
					t.Fatalf("took %v before its time", e.ID)
				}
				flying[e.JobKey()] = e.ID
			case 7: // the store has another one, or it is over
				e, over := alive[id(rapid.IntRange(1, next).Draw(t, "changed"))], rapid.Bool().Draw(t, "over")
				if e == nil || over && flying[e.JobKey()] == e.ID {
					continue
				}
				changed := *e
				if over {
					changed.Status = structs.EvalStatusCancelled
					delete(alive, e.ID)
				} else {
					changed.EscapedComputedClass = !e.EscapedComputedClass
					alive[e.ID] = &changed
				}
				b.Set(&changed, now)
			case 6:
				for key, id := range flying {
					delete(flying, key)
					switch rapid.IntRange(0, 2).Draw(t, "end") {
					case 0:
						b.Done(id)
						delete(alive, id)
					case 1:
						b.GiveBack(id, now.Add(time.Second), now)
					case 2:
						e := *alive[id]
						e.Status, e.SnapshotIndex, e.EscapedComputedClass = structs.EvalStatusBlocked, index, rapid.Bool().Draw(t, "escaped now")
						alive[id] = &e
						b.WaitOn(&e)
					}
					break
				}
			}
			drop()
			if c := b.Counts(); c != b.recount() {
				t.Fatalf("%+v, counted anew %+v", c, b.recount())
			} else if c.Ready+c.Waiting+c.InFlight+c.Blocked != len(alive) || c.InFlight != len(flying) {
				t.Fatalf("%+v, want %d in all and %d in flight", c, len(alive), len(flying))
			}
		}
		// Let everything end.
		for key, id := range flying {
			b.GiveBack(id, now, now)
			delete(flying, key)
		}
		now, index = now.Add(time.Hour), index+1
		for {
			b.Room("new", index)
			e, _ := b.Take(now)
			if e == nil {
				drop()
				break
			}
			b.Done(e.ID)
			delete(alive, e.ID)
			drop()
		}
		if len(alive) != 0 || len(b.items) != 0 || len(b.jobs) != 0 || b.waiting.Len() != 0 || len(b.blocked) != 0 {
			t.Fatalf("left: %d alive, %d items, %d jobs", len(alive), len(b.items), len(b.jobs))
		}
	})
}
