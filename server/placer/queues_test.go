package placer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"berth/structs"
)

// queues sets queues of one namespace each, named alike.
func (b *bed) queues(all ...*structs.Queue) {
	b.t.Helper()
	for _, q := range all {
		if q.Namespaces == nil {
			q.Namespaces = []string{q.Name}
		}
		b.write(structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: q.Namespaces[0]}}})
		b.write(structs.CmdQueue, &structs.QueueCommand{Queue: q})
	}
}

func of(ns string, more ...func(*structs.Job)) func(*structs.Job) {
	return func(j *structs.Job) {
		j.Namespace = ns
		for _, change := range more {
			change(j)
		}
	}
}

// running lists what runs in a namespace, and what of it takes of 500 MHz each.
func (b *bed) running(ns string) []*structs.Allocation {
	var all []*structs.Allocation
	for a := range b.store.Snapshot().Allocs() {
		if a.Namespace == ns && a.HoldsResources() && !a.ServerTerminal() {
			all = append(all, a)
		}
	}
	return all
}

func (b *bed) ends(allocs ...*structs.Allocation) {
	b.t.Helper()
	cmd := &structs.AllocClientUpdateCommand{}
	for _, a := range allocs {
		cmd.Updates = append(cmd.Updates, &structs.AllocClientUpdate{ID: a.ID, NodeID: a.NodeID, ClientStatus: structs.AllocClientComplete})
	}
	b.write(structs.CmdAllocClientUpdate, cmd)
}

// ended tells of what was told to stop that it has.
func (b *bed) ended() {
	b.t.Helper()
	var all []*structs.Allocation
	for a := range b.store.Snapshot().Allocs() {
		if a.HoldsResources() && a.ServerTerminal() {
			all = append(all, a)
		}
	}
	b.ends(all...)
}

// sameAccounts compares what the core counts for queues with what is there.
func (b *bed) sameAccounts() {
	b.t.Helper()
	b.core.absorb()
	for _, a := range b.core.fleet.Queues() {
		var sum structs.QueueAmount
		for _, al := range b.running(a.Queue.Name) {
			r := al.AllocatedResources.Comparable()
			sum = sum.Plus(structs.QueueAmount{CPU: r.CPU, MemoryMB: r.MemoryMB}, 1)
		}
		b.want("held by "+a.Queue.Name, a.Held, sum)
		var leaving structs.QueueAmount
		for al := range b.store.Snapshot().Allocs() {
			if al.Namespace == a.Queue.Name && al.HoldsResources() && al.ServerTerminal() {
				r := al.AllocatedResources.Comparable()
				leaving = leaving.Plus(structs.QueueAmount{CPU: r.CPU, MemoryMB: r.MemoryMB}, 1)
			}
		}
		b.want("leaving of "+a.Queue.Name, a.Leaving, leaving)
	}
}

// A tenant gets no second limit by stopping what it has: what is new waits until that has ended, and is woken then.
func TestWhatLeavesCountsAgainstItsLimit(t *testing.T) {
	b := newBed(t)
	b.node("n", 8000)
	b.queues(&structs.Queue{Name: "a", Limit: structs.QueueAmount{CPU: 1000}})
	b.job("one", 2, of("a", batch))
	b.run()
	b.job("one", 0, of("a", batch))
	b.job("two", 2, of("a", batch))
	b.run()
	b.want("running while one has not ended", len(b.running("a")), 0)
	b.sameAccounts()
	b.now = b.now.Add(countEvery)
	b.step()
	b.want("figures", fmt.Sprintf("%+v", b.core.Stats().Queues), "[{Name:a Held:0 MHz, 0 MB Leaving:1000 MHz, 600 MB Share:0 LineCounts:{Ready:0 Limited:1}}]")
	b.again() // as a new leader sees it
	b.run()
	b.want("running under a new leader", len(b.running("a")), 0)
	b.sameAccounts()
	b.ended()
	b.run()
	b.want("two", len(b.jobsIn("a", "two")), 2)
	b.sameAccounts()
}

// What happened just after the figures of queues were made is in them a second later, though nothing more happens.
func TestFiguresOfQueuesAreMadeInTime(t *testing.T) {
	b := newBed(t)
	b.node("n", 8000)
	b.queues(&structs.Queue{Name: "a"})
	b.run()
	b.job("one", 2, of("a", batch))
	b.run()
	at, ok := b.core.Next()
	b.want("a look is due in time", ok && !at.After(b.now.Add(countEvery)), true)
	b.now = at
	b.step()
	b.want("held", b.core.Stats().Queues[0].Held, structs.QueueAmount{CPU: 1000, MemoryMB: 600})
	b.want("share", b.core.Stats().Queues[0].Share, 0.125)
	_, ok = b.core.Next()
	b.want("another look is due", ok, false)
}

// With work waiting in all queues, what they hold comes to be as their weights are, whatever ends.
func TestSharesBecomeAsTheWeightsAre(t *testing.T) {
	names := []string{"a", "b", "c"}
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 1))
		b := newBed(t)
		for i := range 4 {
			b.node(fmt.Sprint("n", i), 4000) // 32 in all
		}
		weights, total := map[string]int{}, 0
		for _, ns := range names {
			weights[ns] = 1 + r.IntN(5)
			total += weights[ns]
			b.queues(&structs.Queue{Name: ns, Weight: weights[ns]})
		}
		b.job("first", 40, of(names[r.IntN(3)], batch))
		if seed%2 == 0 {
			b.run() // it has all there is
		}
		for _, ns := range names {
			b.job("more-"+ns, 200, of(ns, batch))
		}
		b.run()
		for range 50 {
			var all []*structs.Allocation
			for _, ns := range names {
				all = append(all, b.running(ns)...)
			}
			b.want("running", len(all), 32)
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			b.ends(all[:3]...)
			b.run()
		}
		for _, ns := range names {
			if got, want := float64(len(b.running(ns))), 32*float64(weights[ns])/float64(total); math.Abs(got-want) > 2.5 {
				t.Errorf("%d: %s has %v of 32 with weight %d of %d, want about %.1f", seed, ns, got, weights[ns], total, want)
			}
		}
		b.sameAccounts()
		b.again()
		b.run()
		b.sameAccounts()
	}
}

// Two large jobs that come together are given their parts together: the second does not wait for the first.
func TestLargeJobsOfQueuesShareFromTheStart(t *testing.T) {
	b := newBed(t)
	for i := range 8 {
		b.node(fmt.Sprint("n", i), 8000) // 128 in all
	}
	b.queues(&structs.Queue{Name: "a"}, &structs.Queue{Name: "b", Weight: 3})
	b.job("one", 1000, of("a", batch))
	b.job("two", 1000, of("b", batch))
	b.run()
	b.want("a and b", fmt.Sprint(len(b.running("a")), len(b.running("b"))), "32 96")
}

// A large job goes on while another queue has always an evaluation ready, of jobs that nothing can be placed of.
func TestALargeJobGoesOnBesideManyThatPlaceNothing(t *testing.T) {
	for name, change := range map[string]func(*structs.Job){
		"of a queue": of("b", batch),
		"of none":    func(j *structs.Job) { j.Type = structs.JobTypeBatch },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			for i := range 8 {
				b.node(fmt.Sprint("n", i), 8000) // 128 in all
			}
			b.queues(&structs.Queue{Name: "a"}, &structs.Queue{Name: "b"})
			large := b.job("large", 60, change)
			nowhere := of("a", batch, func(j *structs.Job) { j.Datacenters = []string{"nowhere"} })
			for i := range 200 {
				b.job(fmt.Sprint("nothing-", i), 1, nowhere)
			}
			more := 0
			for more < 2000 && b.status(large) == structs.EvalStatusPending {
				b.core.Step(func() {
					b.job(fmt.Sprint("more-", more), 1, nowhere)
					more++
				})
				for len(b.queue) > 0 {
					b.land()
				}
			}
			b.want("large", b.status(large), structs.EvalStatusComplete)
			b.want("others wait still", b.core.broker.Counts().Ready > 100, true)
		})
	}
}

// A limit is kept with plans in flight, and what ends lets the first that waits go on, and no other.
func TestALimitIsKeptAndWakes(t *testing.T) {
	b := newBed(t)
	b.node("n", 8000)
	b.queues(&structs.Queue{Name: "a", Limit: structs.QueueAmount{CPU: 2000}})
	one := b.job("one", 3, of("a", batch))
	two := b.job("two", 3, of("a", batch))
	b.step() // nothing is written yet
	b.run()
	three := b.job("three", 1, of("a", batch))
	b.run()
	b.want("running", len(b.running("a")), 4)
	b.want("done", b.status(one), structs.EvalStatusComplete)
	snap := b.store.Snapshot()
	blocked := snap.Eval(snap.Eval(two.ID).BlockedEval)
	b.want("blocked", blocked.QuotaLimitReached, "a")
	x := blocked.Explanations["g"]
	b.want("why", fmt.Sprint(x.Queue.Name, x.Queue.Held.CPU, x.Queue.Asked.CPU, x.Queue.Limit.CPU), "a2000 500 2000")
	why := snap.Eval(snap.Eval(three.ID).BlockedEval).Explanations["g"]
	if why.Queue.Ahead != blocked.ID || !strings.Contains(why.Summary, `job "two" waits for the limit`) {
		t.Errorf("the third waits for %+v", why)
	}
	decided := b.core.Stats().Evaluations
	b.ends(b.running("a")[:1]...)
	b.run()
	b.want("running", len(b.running("a")), 4)
	b.want("placed", len(b.jobsIn("a", "two")), 2)
	b.want("decided", b.core.Stats().Evaluations-decided <= 2, true)
	for range 3 {
		b.ends(b.running("a")...)
		b.run()
	}
	b.want("three", len(b.jobsIn("a", "three")), 1)
	b.want("blocked", b.core.broker.Counts().Blocked, 0)
}

func (b *bed) jobsIn(ns, job string) []*structs.Allocation {
	var all []*structs.Allocation
	for a := range b.store.Snapshot().AllocsByJob(ns, job) {
		all = append(all, a)
	}
	return all
}

// What was lent is taken back, also by a new leader, and nobody else gets the room meanwhile.
func TestWhatWasLentIsTakenBack(t *testing.T) {
	b := newBed(t)
	b.node("n", 4000)
	b.queues(&structs.Queue{Name: "a", Guarantee: structs.QueueAmount{CPU: 2000}}, &structs.Queue{Name: "b"})
	b.job("lent", 20, of("b"))
	b.run()
	b.want("b", len(b.running("b")), 8)
	b.job("mine", 4, of("a"))
	b.run()
	b.want("b", len(b.running("b")), 4)
	b.again()
	b.run()
	b.want("b of a new leader", len(b.running("b")), 4)
	b.ended()
	b.run()
	b.want("a and b", fmt.Sprint(len(b.running("a")), len(b.running("b"))), "4 4")
	b.sameAccounts()
}

// A change of queues reaches what is being decided and what waits.
func TestQueuesChangeUnderWay(t *testing.T) {
	b := newBed(t)
	b.node("n", 8000)
	b.queues(&structs.Queue{Name: "a", Limit: structs.QueueAmount{CPU: 1000}})
	b.job("one", 10, of("a"))
	b.run()
	b.want("a", len(b.running("a")), 2)
	b.queues(&structs.Queue{Name: "a", Limit: structs.QueueAmount{CPU: 3000}})
	b.run()
	b.want("a with more", len(b.running("a")), 6)
	b.write(structs.CmdQueueDelete, &structs.NameDeleteCommand{Names: []string{"a"}})
	b.run()
	b.want("a without a queue", len(b.running("a")), 10)
}

// Memory that ends lets those at the limit go on as well.
func TestALimitOfMemoryWakes(t *testing.T) {
	b := newBed(t)
	b.node("n", 8000)
	b.queues(&structs.Queue{Name: "a", Limit: structs.QueueAmount{MemoryMB: 700}})
	idle := func(j *structs.Job) {
		j.TaskGroups[0].Tasks[0].Resources = &structs.Resources{CPU: new(1), MemoryMB: new(300)}
	}
	b.job("one", 2, of("a", batch, idle))
	b.job("two", 1, of("a", batch, idle))
	b.run()
	b.want("running", len(b.running("a")), 2)
	b.core.held[0].Held.CPU = 0 // less memory is held from now on, and no less CPU
	b.ends(b.running("a")[:1]...)
	b.run()
	b.want("two", len(b.jobsIn("a", "two")), 1)
}

// A fleet that is made anew counts for queues what was counted before.
func TestAccountsOfAFleetMadeAnew(t *testing.T) {
	b := newBed(t)
	b.node("n", 8000)
	b.queues(&structs.Queue{Name: "a", Limit: structs.QueueAmount{CPU: 2000}})
	b.job("one", 3, of("a", batch))
	b.run()
	b.core.rebuild()
	b.sameAccounts()
	b.job("two", 3, of("a", batch))
	b.run()
	b.want("running", len(b.running("a")), 4)
}

// Whose turn it is, of works and of evaluations that were not taken yet.
func TestWhoseTurnItIs(t *testing.T) {
	b := newBed(t)
	b.node("n", 8000)
	b.queues(&structs.Queue{Name: "a"}, &structs.Queue{Name: "b"})
	b.job("one", 2, of("b", batch))
	b.run() // b has something, a has nothing
	of := func(queues ...string) []*work {
		var all []*work
		for _, q := range queues {
			all = append(all, &work{queue: q})
		}
		return all
	}
	for _, c := range []struct {
		ready string // the namespace of an evaluation that is ready, empty for none
		works []*work
		want  int
	}{
		{"", of("b", "a"), 1}, {"", of("a", "b"), 0}, {"", of("a", ""), 1}, {"", of("", "a"), 0}, {"", of("b", "b"), 0},
		{"a", of("b"), -1}, {"a", of("a"), -1}, {"b", of("a"), 0}, {"b", of("", "a"), 1}, {"b", of(""), -1}, {"default", of("a"), -1}, {"a", nil, -1},
	} {
		var e *structs.Evaluation
		if c.ready != "" {
			e = &structs.Evaluation{ID: b.ids.NewID(), Namespace: c.ready, JobID: "x", Type: structs.JobTypeBatch, Priority: 50, Status: structs.EvalStatusPending}
			b.core.broker.Set(e, b.now)
		}
		b.core.works = c.works
		if got := b.core.turn(); got != c.want {
			t.Errorf("%q is ready, the works are of %v: it is the turn of %d, want %d", c.ready, queuesOfWorks(c.works), got, c.want)
		}
		if e != nil {
			b.core.broker.Forget(e.ID)
		}
	}
	for _, c := range []struct {
		ready string
		works []*work
		own   string
		want  int
	}{
		{"", nil, "a", sliceMax}, {"", of("a", ""), "a", sliceMax}, {"", of("b"), "a", fairSlice}, {"b", nil, "a", fairSlice}, {"a", nil, "a", sliceMax}, {"b", of("b"), "", sliceMax},
	} {
		e := &structs.Evaluation{ID: b.ids.NewID(), Namespace: c.ready, JobID: "x", Type: structs.JobTypeBatch, Priority: 50, Status: structs.EvalStatusPending}
		b.core.broker.Set(e, b.now)
		b.core.works = c.works
		if got := b.core.sliceOf(&work{queue: c.own}); got != c.want {
			t.Errorf("%q is ready, the works are of %v: one of %q decides %d at a time, want %d", c.ready, queuesOfWorks(c.works), c.own, got, c.want)
		}
		b.core.broker.Forget(e.ID)
	}
	b.core.works = nil
}

func queuesOfWorks(works []*work) []string {
	var all []string
	for _, w := range works {
		all = append(all, w.queue)
	}
	return all
}

// Who waits because what is free is not lent goes on when there is more.
func TestWhatIsNotLentIsWaitedFor(t *testing.T) {
	b := newBed(t)
	b.node("n", 2000)
	b.queues(&structs.Queue{Name: "a", Guarantee: structs.QueueAmount{CPU: 1500}, Lending: structs.LendNever}, &structs.Queue{Name: "b"})
	b.job("one", 6, of("b", batch))
	b.run()
	b.want("running", len(b.running("b")), 1)
	b.node("m", 4000)
	b.run()
	b.want("running with more", len(b.running("b")), 6)
}
