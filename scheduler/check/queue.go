package check

import (
	"slices"

	"berth/structs"
)

// queues looks at what the queues hold once the plan is carried out: who is given something has no more than its limit. What is told to
// stop counts no more.
func (c *planCheck) queues() {
	after := map[string]structs.QueueAmount{}
	given := map[string]bool{}
	add := func(a *structs.Allocation, placed bool) {
		q := c.w.QueueOf(a)
		if q == nil || a.ServerTerminal() || !a.HoldsResources() || c.stopped[a.ID] != nil {
			return
		}
		r := a.AllocatedResources.Comparable()
		after[q.Name] = after[q.Name].Plus(structs.QueueAmount{CPU: r.CPU, MemoryMB: r.MemoryMB}, 1)
		given[q.Name] = given[q.Name] || placed
	}
	for _, a := range c.w.Allocs {
		add(a, false)
	}
	for _, a := range c.placed {
		add(a, true)
	}
	for _, q := range c.w.Queues {
		if given[q.Name] && !after[q.Name].Within(q.Limit) {
			c.add("queue "+q.Name, "is given more than its limit: it holds %s of %s", after[q.Name], q.Limit.Bound())
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
