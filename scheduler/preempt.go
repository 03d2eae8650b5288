package scheduler

import (
	"cmp"
	"slices"

	"berth/scheduler/fleet"
	"berth/scheduler/rank"
	"berth/structs"
)

// preemptGap is how much lower the priority of an allocation must be to be evicted for another.
const preemptGap = 10

// eviction is a way to make room on one row.
type eviction struct {
	row     int32
	victims []*fleet.Use
	breaks  int // victims of groups of which enough leave already
	highest int // priority among the victims
	count   int // of the victims
	tie     uint64
}

// better prefers to leave the budgets of groups alone, then lower priorities, then fewer victims.
func (e *eviction) better(o *eviction) bool {
	return cmp.Or(cmp.Compare(e.breaks, o.breaks), cmp.Compare(e.highest, o.highest), cmp.Compare(e.count, o.count), cmp.Compare(e.tie, o.tie)) < 0
}

// preempts reports that jobs of this type may evict others.
func (r *Run) preempts() bool {
	if r.job == nil {
		return false
	}
	switch r.job.PreemptionPolicy { // of its priority class
	case structs.PreemptNever:
		return false
	case structs.PreemptLower:
		return true
	}
	c := r.config.PreemptionConfig
	switch r.job.Type {
	case structs.JobTypeSystem:
		return c.SystemSchedulerEnabled
	case structs.JobTypeSysBatch:
		return c.SysBatchSchedulerEnabled
	case structs.JobTypeBatch:
		return c.BatchSchedulerEnabled
	}
	return c.ServiceSchedulerEnabled
}

// preempt evicts what makes room for one allocation that found none. Nothing is placed yet: what is evicted holds its room
// until it has ended, and that wakes the evaluation that waits.
//
// An allocation that was told to stop is never preferred anew: while something stops that makes enough room, preempt is not
// called (see waitsForStops).
func (g *group) preempt(node structs.ID) bool {
	r := g.run
	if !r.preempts() || g.spec.Gang != "" { // of a gang it is not known yet whether the others find room
		return false
	}
	best := g.bestEviction(node)
	if best == nil {
		return false
	}
	id := r.in.IDs.NewID()
	g.keepRoom(best.row, id, r.evict(best, g.spec.Name, id))
	return true
}

// takeHold takes the room that was kept for the group on the row, nil if there was none.
func (g *group) takeHold(row int32) *fleet.Use {
	kept := g.run.hadRoom[row]
	i := slices.IndexFunc(kept, func(u *fleet.Use) bool { return u.Group == g.spec.Name })
	if i < 0 {
		return nil
	}
	u := kept[i]
	g.run.hadRoom[row] = slices.Delete(kept, i, i+1)
	return u
}

// keepRoom keeps the row's room for the allocation that waits: what is free there already must not be filled with what was
// evicted, or it would be evicted again and again. The id is the one it will have, evicted are those that leave for it.
func (g *group) keepRoom(row int32, id structs.ID, evicted []structs.ID) {
	r, f := g.run, g.run.in.Fleet
	if r.keeps == nil {
		r.keeps = map[int32]bool{}
	}
	r.keeps[row] = true
	f.Hold(&fleet.Use{
		AllocID: id, Job: g.job.Key(), Group: g.spec.Name, Priority: g.job.Priority, Evicted: evicted, Queued: structs.InQueues(g.job.Type),
		Res: structs.ComparableResources{
			CPU: g.ask.CPU + g.ask.Cores*f.CoreMHz(row), MemoryMB: g.ask.MemoryMB, DiskMB: g.ask.DiskMB,
		},
	}, row)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// evictable reports a row where the group's allocation would fit if others left.
func (g *group) evictable(row int32) bool {
	// Why apart from the amounts: a full row that a rule closes is closed when it is empty, and would be emptied again and again.
	switch g.rank.Beyond(row) {
	case rank.DistinctHosts, rank.DistinctProperty, rank.PeerRule, rank.Skew:
		return false
	}
	return g.rank.Room(row) != rank.Fits
}

// evictionAt finds a small set of allocations whose end would let the group's fit on the row, nil if there is none.
func (g *group) evictionAt(row int32) *eviction {
	if !g.evictable(row) {
		return nil
	}
	f := g.run.in.Fleet
	need := g.needAt(row)
	var candidates []*fleet.Use
	for _, u := range f.UsesAt(row) {
		switch {
		case u.Stopping || u.Hold && u.Priority < g.job.Priority:
			need.credit(u)
		case !u.Hold && u.Job != g.job.Key() && u.Priority <= g.job.Priority-preemptGap:
			candidates = append(candidates, u)
		}
	}
	slices.SortFunc(candidates, func(a, b *fleet.Use) int {
		return cmp.Or(compareBool(g.run.overBudget(a), g.run.overBudget(b)), cmp.Compare(a.Priority, b.Priority), cmp.Compare(need.serves(b), need.serves(a)), a.AllocID.Compare(b.AllocID))
	})
	e := &eviction{row: row}
	taken := map[*fleet.Account]structs.QueueAmount{}
	for _, u := range candidates {
		if need.met() {
			break
		}
		if need.helps(u) && !g.run.owned(u, taken) {
			need.credit(u)
			e.victims = append(e.victims, u)
			if a := f.AccountOf(u); a != nil {
				taken[a] = taken[a].Plus(fleet.QueueAmountOf(u.Res), 1)
			}
		}
	}
	if !need.met() || len(e.victims) == 0 {
		return nil
	}
	e.spare(need)
	e.count = len(e.victims)
	e.breaks = g.run.breaks(e.victims)
	for _, u := range e.victims {
		e.highest = max(e.highest, u.Priority)
	}
	return e
}

// spare leaves out victims without whom there is room all the same, those of the highest priority first.
func (e *eviction) spare(need *need) {
	for i := len(e.victims) - 1; i >= 0; i-- {
		need.debit(e.victims[i])
		if need.met() && len(e.victims) > 1 {
			e.victims = slices.Delete(e.victims, i, i+1)
		} else {
			need.credit(e.victims[i])
		}
	}
}

// need is what a row lacks: amounts at or below zero are there already.
type need struct {
	cpu, memory, disk, cores, slots int64
	ports                           map[int]int   // static ports asked for, and how many hold each
	devices                         *rank.Devices // nil where none are asked for
}

func (g *group) needAt(row int32) *need {
	f := g.run.in.Fleet
	free := f.Free(row)
	n := &need{
		cpu: g.ask.CPU + g.ask.Cores*f.CoreMHz(row) - free.CPU, memory: g.ask.MemoryMB - free.MemoryMB,
		disk: g.ask.DiskMB - free.DiskMB, cores: g.ask.Cores - f.FreeCores(row), ports: map[int]int{},
	}
	if f.Full(row) {
		n.slots = 1
	}
	for i := range g.ask.Ports {
		if ok, port := f.StaticPortsFree(row, g.ask.Ports[i:i+1]); !ok {
			n.ports[port] = 0
		}
	}
	for _, u := range f.UsesAt(row) {
		for _, p := range u.Ports {
			if _, asked := n.ports[p.Port]; asked {
				n.ports[p.Port]++
			}
		}
	}
	if len(g.ask.Devices) > 0 {
		n.devices = rank.DevicesAt(f, row, g.ask)
	}
	for port, holders := range n.ports {
		if holders == 0 {
			n.ports[port] = 1 // the node itself keeps it: nobody can give it up
		}
	}
	return n
}

func (n *need) met() bool {
	for _, holders := range n.ports {
		if holders > 0 {
			return false
		}
	}
	return n.cpu <= 0 && n.memory <= 0 && n.disk <= 0 && n.cores <= 0 && n.slots <= 0 && n.devices.Fit()
}

func (n *need) credit(u *fleet.Use) { n.change(u, -1) }
func (n *need) debit(u *fleet.Use)  { n.change(u, 1) }

func (n *need) change(u *fleet.Use, sign int64) {
	n.cpu += sign * u.Res.CPU
	n.memory += sign * u.Res.MemoryMB
	n.disk += sign * u.Res.DiskMB
	n.cores += sign * int64(len(u.Cores))
	n.slots += sign
	n.devices.Free(u.Devices, -int(sign))
	for _, p := range u.Ports {
		if _, asked := n.ports[p.Port]; asked {
			n.ports[p.Port] += int(sign)
		}
	}
}

// helps reports that the row lacks something the allocation holds.
func (n *need) helps(u *fleet.Use) bool { return n.serves(u) > 0 }

// serves counts the shares of what is lacking that the allocation holds.
func (n *need) serves(u *fleet.Use) float64 {
	var sum float64
	share := func(lack, has int64) {
		if lack > 0 && has > 0 {
			sum += min(1, float64(has)/float64(lack))
		}
	}
	share(n.cpu, u.Res.CPU)
	share(n.memory, u.Res.MemoryMB)
	share(n.disk, u.Res.DiskMB)
	share(n.cores, int64(len(u.Cores)))
	share(n.slots, 1)
	if len(u.Devices) > 0 && !n.devices.Fit() {
		share(n.devices.Asked(), n.devices.Serve(u.Devices))
	}
	for _, p := range u.Ports {
		if n.ports[p.Port] > 0 {
			sum++
		}
	}
	return sum
}

// evict adds the stops to the plan at work, notes whose jobs must be looked at, and tells who leaves. By is the allocation to
// come.
func (r *Run) evict(e *eviction, group string, by structs.ID) []structs.ID {
	gone := make([]structs.ID, 0, len(e.victims))
	if r.evicted == nil {
		r.evicted = map[int32]bool{}
	}
	r.evicted[e.row] = true
	r.take(e.victims)
	slices.SortFunc(e.victims, func(a, b *fleet.Use) int { return a.AllocID.Compare(b.AllocID) })
	for _, u := range e.victims {
		r.in.Fleet.SetStopping(u, true)
		told := structs.AllocPreempted + by.String()
		if u.Job.Namespace == r.job.Namespace { // who may read the one job may not know the other
			told += " of job " + r.job.ID
		}
		r.plan.Stop = append(r.plan.Stop, &structs.PlanStop{
			AllocID: u.AllocID, DesiredStatus: structs.AllocDesiredEvict, Description: told, PreemptedBy: by,
		})
		gone = append(gone, u.AllocID)
		if !slices.Contains(r.disturbed, u.Job) {
			r.disturbed = append(r.disturbed, u.Job)
		}
	}
	if d := r.rec.Desired[group]; d != nil {
		d.Preemptions += uint64(len(e.victims))
	}
	return gone
}

// disturbedEvals has the jobs looked at that lost allocations.
func (r *Run) disturbedEvals() []*structs.Evaluation {
	var evals []*structs.Evaluation
	for _, key := range r.disturbed {
		job := r.in.State.Job(key.Namespace, key.ID)
		if job.Stopped() {
			continue
		}
		evals = append(evals, &structs.Evaluation{
			ID: r.in.IDs.NewID(), Namespace: key.Namespace, JobID: key.ID, Type: job.Type, Priority: job.Priority,
			TriggeredBy: structs.EvalTriggerPreemption, Status: structs.EvalStatusPending, JobModifyIndex: job.JobModifyIndex,
			PreviousEval: r.in.Eval.ID, CreateTime: r.in.Now.UnixNano(), ModifyTime: r.in.Now.UnixNano(),
		})
	}
	return evals
}
