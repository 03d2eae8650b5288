package scheduler

import (
	"fmt"
	"math"

	"berth/scheduler/fleet"
	"berth/scheduler/rank"
	"berth/scheduler/reconcile"
	"berth/structs"
)

// tenant is what a run knows of the queue of its job.
type tenant struct {
	*fleet.Account
	run *Run
	// waits is for what placements wait until others have ended, where no room is kept for them.
	waits structs.QueueAmount
	// full is set when something is held back until the queue's jobs hold less.
	full bool
	// lenders are the rows where something could be taken back, see reclaim; nil while not looked for.
	lenders   []int32
	reclaimed int
}

// noteQueue finds the queue of the job, which may be another one than it was a slice before; nothing is looked at where there are none.
func (r *Run) noteQueue() {
	if r.job == nil || !structs.InQueues(r.job.Type) {
		return
	}
	switch a := r.in.Fleet.QueueOf(r.job.Namespace); {
	case a == nil:
		r.tenant = nil
	case r.tenant == nil || r.tenant.Account != a:
		r.tenant = &tenant{Account: a, run: r}
	}
}

// held is what the queue's jobs hold, and will hold when those told to stop have ended.
func (q *tenant) held() structs.QueueAmount { return q.Held.Plus(q.waits, 1) }

// admit leaves in the batch what its queue lets be placed now, and accounts for the rest.
func (g *group) admit(b *batch) {
	q := g.run.tenant
	if q == nil || len(b.places) == 0 {
		return
	}
	if n, why := q.spare(b.places, g.amount()); n < len(b.places) {
		q.holdBack(g, n, len(b.places)-n, why)
		b.places = b.places[:n]
	}
}

// amount is what one allocation of the group counts for: with cores, on the nodes whose cores are worth the most.
func (g *group) amount() structs.QueueAmount {
	if g.ask == nil {
		g.prepare()
	}
	a := structs.QueueAmount{CPU: g.ask.CPU, MemoryMB: g.ask.MemoryMB}
	if g.ask.Cores > 0 {
		a.CPU += g.ask.Cores * g.run.in.Fleet.CoreMHzMax()
	}
	return a
}

// restraint is why a queue holds something back.
type restraint uint8

const (
	unrestrained restraint = iota
	outranked              // another evaluation of the queue waits for its limit, and comes first
	limited                // the queue is at its limit
	tooLarge               // one is more than the limit
	unlent                 // what is free belongs to queues that do not lend it
)

// spare is how many of the placements may be made, and why not the others. What replaces another allocation takes its part, and goes
// before what is new. It may run beside what it replaces until that has ended, as long as no more is leaving than one limit: nothing is
// stopped for what has to wait. What is new waits for all that leaves.
func (q *tenant) spare(places []*reconcile.Place, ask structs.QueueAmount) (int, restraint) {
	if !ask.Within(q.Queue.Limit) {
		return 0, tooLarge // whoever comes first: no end of others helps
	}
	held, leaving := q.held(), q.Leaving
	bound := held.Plus(leaving, 1)
	if prev := places[0].Previous; prev != nil {
		if u := q.run.in.Fleet.Use(prev.ID); u != nil && q.run.in.Fleet.AccountOf(u) == q.Account {
			switch {
			case u.Stopping:
				leaving = leaving.Plus(fleet.QueueAmountOf(u.Res), -1)
			case q.run.holdsFor(places[0]):
				held = held.Plus(fleet.QueueAmountOf(u.Res), -1)
			}
		}
		bound = held.Most(leaving)
	} else if q.run.in.Ahead != nil {
		return 0, outranked
	}
	n, why := int64(len(places)), unrestrained
	if left := fits(q.Queue.Limit.Plus(bound, -1), ask, q.Queue.Limit); left < n {
		n, why = left, limited
	}
	if keep := q.run.in.Fleet.Unlent(q.Account); !keep.IsZero() {
		own := int64(0)
		if !q.Queue.Guarantee.IsZero() {
			own = fits(q.Queue.Guarantee.Plus(held, -1), ask, q.Queue.Guarantee)
		}
		room := q.run.in.Fleet.Room()
		free := structs.QueueAmount{CPU: room.FreeCPU, MemoryMB: room.FreeMem}.Plus(keep, -1)
		if left := max(own, fits(free, ask, structs.QueueAmount{CPU: math.MaxInt64, MemoryMB: math.MaxInt64})); left < n {
			n, why = left, unlent
		}
	}
	return int(n), why
}

// fits is how many times an amount is in another one, of the kinds a bound speaks of.
func fits(room, ask, bound structs.QueueAmount) int64 {
	n := int64(math.MaxInt64)
	if bound.CPU > 0 && ask.CPU > 0 {
		n = min(n, max(room.CPU, 0)/ask.CPU)
	}
	if bound.MemoryMB > 0 && ask.MemoryMB > 0 {
		n = min(n, max(room.MemoryMB, 0)/ask.MemoryMB)
	}
	return n
}

// holdBack accounts for n placements that the queue does not let be made, beside those that it does.
func (q *tenant) holdBack(g *group, admitted, n int, why restraint) {
	r, name, ask := q.run, g.spec.Name, g.amount()
	held := q.held().Plus(ask, int64(admitted))
	r.unplaced[name] += n
	r.waiting[name] = true
	r.holdDeadline(name)
	x := &structs.Explanation{Since: r.in.Now.UnixNano(), Queue: &structs.ExplainQueue{
		Name: q.Queue.Name, Held: held, Asked: ask, Guarantee: q.Queue.Guarantee, Limit: q.Queue.Limit,
	}}
	needs := fmt.Sprintf("%s/%s needs %d more: ", g.job.ID, name, r.unplaced[name])
	switch why {
	case outranked:
		x.Queue.Ahead = r.in.Ahead.ID
		who := "a job of another namespace" // whose name is not for everybody
		if r.in.Ahead.Namespace == g.job.Namespace {
			who = fmt.Sprintf("job %q", r.in.Ahead.JobID)
		}
		x.Summary = needs + fmt.Sprintf("%s waits for the limit of their queue %s too, and comes first", who, q.Queue.Name)
		x.Unblocks = []string{who + " gets what it waits for, or wants it no more"}
		q.full = true
	case limited:
		x.Summary = needs + fmt.Sprintf("its queue %s is at its limit: it holds %s of %s%s, and one more takes %s", q.Queue.Name, held, q.Queue.Limit.Bound(), q.leaves(), ask)
		x.Unblocks = []string{"an allocation of queue " + q.Queue.Name + " stops"}
		q.full = true
	case tooLarge:
		x.Summary = needs + fmt.Sprintf("one takes %s, and the limit of its queue %s is %s", ask, q.Queue.Name, q.Queue.Limit.Bound())
	case unlent:
		x.Summary = needs + fmt.Sprintf("what is free is guaranteed to queues that do not lend it, and beyond what is guaranteed to its queue %s (%s, of which it holds %s)",
			q.Queue.Name, q.Queue.Guarantee.Bound(), held)
		x.Unblocks = []string{"an allocation of another queue stops, or a node joins", "the guarantee of queue " + q.Queue.Name + " is raised"}
		r.escaped = true
	}
	if why == limited || why == tooLarge {
		x.Unblocks = append(x.Unblocks, "the limit of queue "+q.Queue.Name+" is raised")
	}
	r.why[name] = x
}

// leaves says what of the queue's jobs was told to stop and runs still, in words that follow what they hold.
func (q *tenant) leaves() string {
	if q.Leaving.IsZero() {
		return ""
	}
	return fmt.Sprintf(", %s more until what was told to stop has ended", q.Leaving)
}

// expect counts a placement that waits until others have ended.
func (q *tenant) expect(ask *rank.Ask, coreMHz int64) {
	if q != nil {
		q.waits = q.waits.Plus(structs.QueueAmount{CPU: ask.CPU + ask.Cores*coreMHz, MemoryMB: ask.MemoryMB}, 1)
	}
}

// limitReached is the queue's name if something of the job waits until its jobs hold less; empty otherwise.
func (q *tenant) limitReached() string {
	if q == nil || !q.full {
		return ""
	}
	return q.Queue.Name
}
