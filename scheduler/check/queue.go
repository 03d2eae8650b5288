package check

import (
	"slices"

	"berth/structs"
)

// queues looks at what the queues hold once the plan is carried out: who is given something has no more than its limit, and who is given
// something new has not even with what was told to stop and has not ended. What the plan puts in another's place may run beside it.
func (c *planCheck) queues() {
	type sums struct{ held, leaving structs.QueueAmount }
	after := map[string]sums{}
	given, anew := map[string]bool{}, map[string]bool{}
	replaced := map[structs.ID]bool{}
	amount := func(a *structs.Allocation) structs.QueueAmount {
		r := a.AllocatedResources.Comparable()
		return structs.QueueAmount{CPU: r.CPU, MemoryMB: r.MemoryMB}
	}
	for _, a := range c.placed {
		if q := c.w.QueueOf(a); q != nil {
			s := after[q.Name]
			s.held = s.held.Plus(amount(a), 1)
			if a.PreviousAllocation.IsZero() {
				anew[q.Name] = true
			} else {
				s.leaving = s.leaving.Plus(amount(a), -1) // the sum is of all but what replaces
			}
			after[q.Name], given[q.Name] = s, true
			replaced[a.PreviousAllocation] = true
		}
	}
	for _, a := range c.w.Allocs {
		q, stop := c.w.QueueOf(a), c.stopped[a.ID]
		if q == nil || !a.HoldsResources() || stop != nil && stop.ClientStatus != "" {
			continue
		}
		s := after[q.Name]
		switch {
		case !a.ServerTerminal() && stop == nil:
			s.held = s.held.Plus(amount(a), 1)
		case !replaced[a.ID]:
			s.leaving = s.leaving.Plus(amount(a), 1)
		}
		after[q.Name] = s
	}
	for _, q := range c.w.Queues {
		s := after[q.Name]
		switch all := s.held.Plus(s.leaving, 1); {
		case given[q.Name] && !s.held.Within(q.Limit):
			c.add("queue "+q.Name, "is given more than its limit: it holds %s of %s", s.held, q.Limit.Bound())
		case anew[q.Name] && !all.Within(q.Limit):
			c.add("queue "+q.Name, "is given something new while what leaves takes its limit: together %s of %s", all, q.Limit.Bound())
		}
	}
}

// QueueOf is the queue an allocation counts for, nil for none.
func (w *World) QueueOf(a *structs.Allocation) *structs.Queue { return w.queueOf(a.Job) }

func (w *World) queueOf(j *structs.Job) *structs.Queue {
	if j == nil || j.Type == "system" || j.Type == "sysbatch" {
		return nil
	}
	var rest *structs.Queue
	for _, q := range w.Queues {
		switch {
		case slices.Contains(q.Namespaces, j.Namespace):
			return q
		case slices.Contains(q.Namespaces, "*"):
			rest = q
		}
	}
	return rest
}

// evicted looks at who was chosen to leave for a job of another queue: nobody is taken below what is guaranteed to it.
func (c *planCheck) evicted() {
	by := c.w.queueOf(c.w.For)
	if by == nil {
		return
	}
	for _, s := range c.p.Stop {
		a := c.known[s.AllocID]
		if a == nil || s.DesiredStatus != structs.AllocDesiredEvict {
			continue
		}
		q := c.w.QueueOf(a)
		if q == nil || q == by {
			continue
		}
		var left structs.QueueAmount
		for _, o := range c.w.Allocs {
			if c.w.QueueOf(o) == q && !o.ServerTerminal() && o.HoldsResources() && c.stopped[o.ID] == nil {
				r := o.AllocatedResources.Comparable()
				left = left.Plus(structs.QueueAmount{CPU: r.CPU, MemoryMB: r.MemoryMB}, 1)
			}
		}
		if !q.Borrows(left) {
			c.add(allocSubject(a), "is taken from queue %s, which is left %s of the %s that are guaranteed to it", q.Name, left, q.Guarantee.Bound())
		}
	}
}
