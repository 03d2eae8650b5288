package scheduler

import (
	"maps"
	"reflect"

	"berth/scheduler/feasible"
	"berth/scheduler/rank"
	"berth/scheduler/reconcile"
	"berth/structs"
)

// BlockedDesc describes the evaluation that waits for room.
const BlockedDesc = "created to place remaining allocations"

// fail accounts for n placements of the group that found no node.
func (g *group) fail(p *reconcile.Place, ch *rank.Choice, n int) {
	r, name := g.run, g.spec.Name
	r.unplaced[name] += n
	eligible, escaped := g.sel.Classes(r.in.Fleet)
	r.noteClasses(eligible)
	r.escaped = r.escaped || escaped || g.rank.Elsewhere()
	r.peers = r.peers || len(g.spec.Peers) > 0
	// Each node of a system job is a case of its own.
	if r.failed[name] == nil || !p.Node.IsZero() || r.holdsFor(p) {
		waits := false
		for i := 0; i < n && (g.waitsFor(p) || g.preempt(p.Node) || g.reclaim()); i++ {
			waits = true
		}
		if waits {
			r.waiting[name] = true
			if r.why[name] == nil {
				r.why[name] = g.explainWait(n)
			}
			return
		}
	}
	if m := r.failed[name]; m != nil {
		m.CoalescedFailures += n
		return
	}
	m := g.metric(ch)
	m.CoalescedFailures = n - 1
	if m.NodesExhausted > 0 {
		m.ClassExhausted = g.rank.ClassExhausted()
		m.ResourcesExhausted = g.resources()
	}
	r.failed[name] = m
	r.why[name] = g.explain(m, n)
}

// noteClasses adds to the classes of nodes that may help.
func (r *Run) noteClasses(eligible map[string]bool) {
	if len(r.eligible) == 0 {
		r.eligible = eligible
		return
	}
	for class, ok := range eligible {
		r.eligible[class] = r.eligible[class] || ok
	}
}

// waitsFor reports that the placement has room once something ended that stops already, or that it replaces: this is
// stopped then. What failed gives no room, and is not told to stop before it is replaced: its history would be lost.
func (g *group) waitsFor(p *reconcile.Place) bool {
	if !g.run.holdsFor(p) || g.run.in.Fleet.Use(p.Previous.ID) == nil {
		return g.waitsForStops(p)
	}
	g.run.setStopping(p.Previous.ID, true)
	if g.waitsForStops(p) {
		g.run.release(p)
		return true
	}
	g.run.setStopping(p.Previous.ID, false)
	return false
}

// resources is what the group's tasks asked for, for the account of a failure.
func (g *group) resources() map[string]*structs.Resources {
	all := make(map[string]*structs.Resources, len(g.spec.Tasks))
	for _, t := range g.spec.Tasks {
		if t.Resources != nil {
			all[t.Name] = t.Resources
		}
	}
	return all
}

// Finish is the evaluation's result, to be stored with the last plan: the evaluation itself, the blocked one, follow-ups.
func (r *Run) Finish() []*structs.Evaluation {
	ev := *r.in.Eval
	ev.Status, ev.StatusDescription = structs.EvalStatusComplete, ""
	ev.ModifyTime = r.in.Now.UnixNano()
	ev.SnapshotIndex = r.in.Index
	ev.FailedTGAllocs, ev.Explanations, ev.WaitsForJobs, ev.QuotaLimitReached = nil, nil, nil, ""
	if len(r.dropped) > 0 {
		ev.Status, ev.StatusDescription = structs.EvalStatusFailed, r.depends.fails
	}
	if len(r.failed) > 0 {
		ev.FailedTGAllocs = r.failed
	}
	if len(r.why) > 0 {
		ev.Explanations = r.why
	}
	if r.rec.GivenUp != "" {
		ev.Status, ev.StatusDescription = structs.EvalStatusFailed, "the job is given up: "+r.rec.GivenUp
	}
	ev.QueuedAllocations = map[string]int{}
	if r.job != nil && !r.job.Stopped() {
		for _, g := range r.job.TaskGroups {
			ev.QueuedAllocations[g.Name] = r.unplaced[g.Name] + r.dropped[g.Name]
		}
	}
	ev.WaitUntil = r.in.Eval.WaitUntil
	if r.in.Eval.AnnotatePlan {
		ev.PlanAnnotations = &structs.PlanAnnotations{DesiredTGUpdates: r.rec.Desired}
	}
	if d := r.rec.Deployment; d != nil {
		ev.DeploymentID = d.ID
	}
	evals := append([]*structs.Evaluation{&ev}, r.rec.FollowUps...)
	evals = append(evals, r.disturbedEvals()...)
	return append(evals, r.block(&ev)...)
}

// block keeps or makes the evaluation that waits for room; without anything unplaced the one that waited is cancelled.
func (r *Run) block(ev *structs.Evaluation) []*structs.Evaluation {
	waits := r.in.Blocked
	if len(r.unplaced) == 0 {
		if waits == nil {
			return nil
		}
		done := *waits
		done.Status = structs.EvalStatusCancelled
		done.StatusDescription = "evaluation " + ev.ID.String() + " placed what was left"
		done.ModifyTime = r.in.Now.UnixNano()
		return []*structs.Evaluation{&done}
	}
	if r.in.Eval.Status == structs.EvalStatusBlocked {
		// It was woken and must go on waiting.
		ev.Status, ev.StatusDescription = structs.EvalStatusBlocked, r.in.Eval.StatusDescription
		r.fillBlocked(ev)
		return nil
	}
	var b structs.Evaluation
	if waits != nil {
		b = *waits
	} else {
		b = structs.Evaluation{
			ID: r.in.IDs.NewID(), Namespace: ev.Namespace, Type: ev.Type, JobID: ev.JobID,
			TriggeredBy: structs.EvalTriggerQueuedAllocs, Status: structs.EvalStatusBlocked, StatusDescription: BlockedDesc,
			CreateTime: r.in.Now.UnixNano(),
		}
	}
	b.Priority, b.JobModifyIndex, b.PreviousEval = ev.Priority, ev.JobModifyIndex, ev.ID
	b.ModifyTime = r.in.Now.UnixNano()
	b.FailedTGAllocs, b.Explanations, b.QueuedAllocations = ev.FailedTGAllocs, ev.Explanations, ev.QueuedAllocations
	r.fillBlocked(&b)
	ev.BlockedEval = b.ID
	return []*structs.Evaluation{&b}
}

func (r *Run) fillBlocked(b *structs.Evaluation) {
	b.ClassEligibility = maps.Clone(r.eligible)
	b.EscapedComputedClass = r.escaped
	b.WaitsForPeers = r.peers
	b.WaitsForJobs = r.waitsForJobs()
	b.QuotaLimitReached = r.tenant.limitReached()
	b.SnapshotIndex = r.in.Index
}

// SameWait reports that a woken evaluation waits on for just what it waited for: nothing needs to be stored.
func SameWait(before, after *structs.Evaluation) bool {
	return after.Status == structs.EvalStatusBlocked && before.Status == structs.EvalStatusBlocked &&
		before.EscapedComputedClass == after.EscapedComputedClass && before.WaitsForPeers == after.WaitsForPeers &&
		sameWaits(before.WaitsForJobs, after.WaitsForJobs) && before.QuotaLimitReached == after.QuotaLimitReached &&
		maps.Equal(before.ClassEligibility, after.ClassEligibility) &&
		maps.Equal(before.QueuedAllocations, after.QueuedAllocations) &&
		reflect.DeepEqual(before.FailedTGAllocs, after.FailedTGAllocs)
}

// targets are the nodes a system job's group should run on.
func (r *Run) targets(g *structs.TaskGroup) []structs.ID {
	sel := feasible.Select(r.in.Fleet, r.job, g)
	ids := make([]structs.ID, 0, sel.Rows.Count())
	for row := range sel.Rows.Rows {
		ids = append(ids, r.in.Fleet.NodeAt(row).ID)
	}
	return ids
}
