package server

import (
	"iter"
	"time"

	"berth/scheduler"
	"berth/scheduler/fleet"
	"berth/server/placer"
	"berth/state"
	"berth/structs"
)

// JobPlan is what a job would change, were it registered now.
type JobPlan struct {
	Annotations  *structs.PlanAnnotations
	Failed       map[string]*structs.AllocMetric // by group that could not be placed
	Explanations map[string]*structs.Explanation
	Evals        []*structs.Evaluation // that registering it would make: blocked ones, follow-ups
}

// proposed is a state in which one job is as it was written and not yet registered.
type proposed struct {
	*state.Snapshot
	job *structs.Job
}

// Job gives the proposed job in place of the stored one.
func (p proposed) Job(namespace, id string) *structs.Job {
	if namespace == p.job.Namespace && id == p.job.ID {
		return p.job
	}
	return p.Snapshot.Job(namespace, id)
}

var _ scheduler.State = proposed{}

// PlanJob decides what a canonical and valid job would change, on a fleet of its own: the state is not touched.
func (s *Server) PlanJob(snap *state.Snapshot, job *structs.Job) *JobPlan {
	own := *job
	old := snap.Job(job.Namespace, job.ID)
	own.CreateIndex, own.JobModifyIndex = snap.Index()+1, snap.Index()+1
	if old != nil {
		own.CreateIndex, own.Version = old.CreateIndex, old.Version+1
		if d, err := structs.JobDiffOf(old, job, false); err == nil && d.Type == structs.DiffNone {
			own.Version, own.JobModifyIndex = old.Version, old.JobModifyIndex
		}
	}
	now := time.Now()
	out := scheduler.Evaluate(scheduler.Input{
		State: proposed{snap, &own}, Fleet: fleetOf(snap.Nodes(), snap.Allocs()), Index: snap.Index(), Now: now, IDs: s.cfg.IDs,
		Eval: &structs.Evaluation{
			ID: s.NewID(), Namespace: job.Namespace, JobID: job.ID, Type: job.Type, Priority: job.Priority, AnnotatePlan: true,
			TriggeredBy: structs.EvalTriggerJobRegister, JobModifyIndex: own.JobModifyIndex, Status: structs.EvalStatusPending,
			CreateTime: now.UnixNano(), ModifyTime: now.UnixNano(),
		},
	})
	plan := &JobPlan{}
	for i, e := range out.Evals {
		if i == 0 {
			plan.Annotations, plan.Failed, plan.Explanations = e.PlanAnnotations, e.FailedTGAllocs, e.Explanations
			continue
		}
		plan.Evals = append(plan.Evals, e)
	}
	return plan
}

func fleetOf(nodes iter.Seq[*structs.Node], allocs iter.Seq[*structs.Allocation]) *fleet.Fleet {
	f := fleet.New()
	for n := range nodes {
		f.SetNode(n)
	}
	for a := range allocs {
		f.SetAlloc(a)
	}
	return f
}

// PlacerStats are the figures of the placer's term; zero when this server does not lead.
func (s *Server) PlacerStats() placer.Stats {
	if t := s.currentTerm(); t != nil {
		return t.placer.Stats()
	}
	return placer.Stats{}
}

// ActiveNodes is how many nodes are heard of.
func (s *Server) ActiveNodes() int { return s.beats.Active() }
