package scheduler

import (
	"cmp"
	"math"
	"slices"

	"berth/scheduler/fleet"
	"berth/structs"
)

// Bounds of taking back.
const (
	// reclaimMax is for how many placements an evaluation has others leave at most; it is decided again when they have.
	reclaimMax = 256
	// reclaimTries is on how many rows room is looked for per placement, those with the least important borrowers first.
	reclaimTries = 64
)

// reclaim takes back what the job's queue has lent, for one allocation that is within its guarantee and found no room: others are
// evicted whose queues hold more than is guaranteed to them, the least important and youngest first, as far as disruption blocks and
// budgets allow. As with preempt, the room is kept until they have ended.
func (g *group) reclaim() bool {
	r := g.run
	q := r.tenant
	if q == nil || q.Queue.Lending == structs.LendWait || g.spec.Gang != "" || q.reclaimed >= reclaimMax {
		return false
	}
	if !q.Queue.Guarantees(q.held().Plus(g.amount(), 1)) {
		return false
	}
	if q.lenders == nil {
		q.findLenders()
	}
	var best *eviction
	tries := reclaimTries
	for _, row := range q.lenders {
		if !g.sel.Rows.Has(row) {
			continue
		}
		if e := g.reclaimAt(row); e != nil {
			e.tie = r.in.Fleet.Tie(fleet.HashID(r.in.Eval.ID), row)
			if best == nil || e.better(best) {
				best = e
			}
			if tries--; tries == 0 {
				break
			}
		}
	}
	if best == nil {
		return false
	}
	q.reclaimed++
	id := r.in.IDs.NewID()
	g.keepRoom(best.row, id, r.evict(best, g.spec.Name, id))
	return true
}

// findLenders lists the rows with allocations of other queues that borrow, by the lowest priority of those.
func (q *tenant) findLenders() {
	f := q.run.in.Fleet
	q.lenders = []int32{} // not nil: looked for
	lowest := map[int32]int{}
	for row := range int32(f.Len()) {
		least := math.MaxInt
		for _, u := range f.UsesAt(row) {
			if q.mayTake(u, nil) {
				least = min(least, u.Priority)
			}
		}
		if least < math.MaxInt {
			lowest[row] = least
			q.lenders = append(q.lenders, row)
		}
	}
	seed := fleet.HashID(q.run.in.Eval.ID)
	slices.SortFunc(q.lenders, func(a, b int32) int {
		return cmp.Or(cmp.Compare(lowest[a], lowest[b]), cmp.Compare(f.Tie(seed, a), f.Tie(seed, b)))
	})
}

// mayTake reports an allocation of another queue that has as much as is guaranteed to it without this one, and without those taken before.
func (q *tenant) mayTake(u *fleet.Use, taken map[*fleet.Account]structs.QueueAmount) bool {
	a := q.run.in.Fleet.AccountOf(u)
	if a == nil || a == q.Account || u.Stopping || u.Hold {
		return false
	}
	return a.Queue.Borrows(a.Held.Plus(taken[a], -1).Plus(fleet.QueueAmountOf(u.Res), -1))
}

// reclaimAt finds allocations of borrowers whose end would let the group's fit on the row, nil if there are none that may go.
func (g *group) reclaimAt(row int32) *eviction {
	if !g.evictable(row) {
		return nil
	}
	q := g.run.tenant
	need := g.needAt(row)
	var candidates []*fleet.Use
	for _, u := range g.run.in.Fleet.UsesAt(row) {
		switch {
		case u.Stopping:
			need.credit(u)
		case q.mayTake(u, nil):
			candidates = append(candidates, u)
		}
	}
	slices.SortFunc(candidates, func(a, b *fleet.Use) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(age(a), age(b)), cmp.Compare(need.serves(b), need.serves(a)), a.AllocID.Compare(b.AllocID))
	})
	e := &eviction{row: row}
	taken := map[*fleet.Account]structs.QueueAmount{}
	for _, u := range candidates {
		if need.met() {
			break
		}
		if !need.helps(u) || !q.mayTake(u, taken) || g.run.exceeds(e.victims, u) {
			continue
		}
		a := g.run.in.Fleet.AccountOf(u)
		taken[a] = taken[a].Plus(fleet.QueueAmountOf(u.Res), 1)
		need.credit(u)
		e.victims = append(e.victims, u)
	}
	if !need.met() || len(e.victims) == 0 {
		return nil
	}
	e.spare(need)
	e.count = len(e.victims)
	for _, u := range e.victims {
		e.highest = max(e.highest, u.Priority)
	}
	return e
}

// age orders allocations, the youngest first.
func age(u *fleet.Use) uint64 {
	if u.Since == 0 {
		return 0 // being written
	}
	return math.MaxUint64 - u.Since
}

// owned reports an allocation that another queue has a right to: priority alone does not take it from there. Taken are those taken before.
func (r *Run) owned(u *fleet.Use, taken map[*fleet.Account]structs.QueueAmount) bool {
	if r.tenant == nil {
		return false
	}
	a := r.in.Fleet.AccountOf(u)
	return a != nil && a != r.tenant.Account && !r.tenant.mayTake(u, taken)
}
