package dryrun

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"berth/internal/idgen"
	"berth/scheduler"
	"berth/scheduler/fleet"
	"berth/state"
	"berth/structs"
)

// Plan is what a job would change, were it registered now.
type Plan struct {
	Annotations  *structs.PlanAnnotations
	Failed       map[string]*structs.AllocMetric // by group that could not be placed
	Explanations map[string]*structs.Explanation
	Evals        []*structs.Evaluation // that registering it would make: blocked ones, follow-ups
	Placements   []*Placement          // by name
	Stops        []*Stop               // by name
}

// Placement is one allocation that would be made.
type Placement struct {
	Name      string
	TaskGroup string
	NodeID    structs.ID
	NodeName  string
	Canary    bool
	// Replaces is the allocation whose place it takes; zero for none.
	Replaces structs.ID
	// Best are the nodes it was chosen from with the parts of their scores, the chosen one first; alike allocations placed
	// together have those of the first of them.
	Best []*structs.NodeScoreMeta
}

// Stop is one allocation that would end.
type Stop struct {
	ID       structs.ID
	Name     string
	NodeName string
	Reason   string
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

// Job decides what a canonical and valid job would change.
func Job(snap *state.Snapshot, job *structs.Job, ids idgen.Source, now time.Time) *Plan {
	if job.IsPeriodic() || job.IsParameterized() { // their instances are placed, not they
		return &Plan{Annotations: &structs.PlanAnnotations{}}
	}
	return plan(snap, FleetOf(snap.Nodes(), snap.Allocs(), snap.Queues()), job, ids, now)
}

func plan(snap *state.Snapshot, f *fleet.Fleet, job *structs.Job, ids idgen.Source, now time.Time) *Plan {
	own := *job
	old := snap.Job(job.Namespace, job.ID)
	own.CreateIndex, own.JobModifyIndex = snap.Index()+1, snap.Index()+1
	if old != nil {
		own.CreateIndex, own.Version = old.CreateIndex, old.Version+1
		if d, err := structs.JobDiffOf(old, job, false); err == nil && d.Type == structs.DiffNone {
			own.Version, own.JobModifyIndex = old.Version, old.JobModifyIndex
		}
	}
	out := scheduler.Evaluate(scheduler.Input{
		State: proposed{snap, &own}, Fleet: f, Index: snap.Index(), Now: now, IDs: ids,
		Eval: &structs.Evaluation{
			ID: ids.NewID(), Namespace: job.Namespace, JobID: job.ID, Type: job.Type, Priority: job.Priority, AnnotatePlan: true,
			TriggeredBy: structs.EvalTriggerJobRegister, JobModifyIndex: own.JobModifyIndex, Status: structs.EvalStatusPending,
			CreateTime: now.UnixNano(), ModifyTime: now.UnixNano(),
		},
	})
	return planOf(snap, out)
}

// planOf tells an outcome.
func planOf(snap *state.Snapshot, out *scheduler.Outcome) *Plan {
	p := &Plan{}
	for i, e := range out.Evals {
		if i == 0 {
			p.Annotations, p.Failed, p.Explanations = e.PlanAnnotations, e.FailedTGAllocs, e.Explanations
			continue
		}
		p.Evals = append(p.Evals, e)
	}
	for _, slice := range out.Plans {
		p.take(snap, slice)
	}
	slices.SortFunc(p.Placements, func(a, b *Placement) int { return cmp.Or(natural(a.Name, b.Name), a.NodeID.Compare(b.NodeID)) })
	slices.SortFunc(p.Stops, func(a, b *Stop) int { return cmp.Or(natural(a.Name, b.Name), a.ID.Compare(b.ID)) })
	return p
}

// natural orders web[2] before web[10]: of one group, the shorter name has the lower number.
func natural(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

// take adds what a slice of the decision would do.
func (p *Plan) take(snap *state.Snapshot, slice *structs.Plan) {
	for _, g := range slice.Place {
		for _, it := range g.Items {
			m := it.Metrics
			if m == nil {
				m = g.Metrics
			}
			pl := &Placement{Name: structs.AllocName(g.JobID, g.TaskGroup, it.Index), TaskGroup: g.TaskGroup, NodeID: it.NodeID, NodeName: it.NodeName,
				Canary: it.Canary, Replaces: it.PreviousAllocation}
			if m != nil {
				pl.Best = m.ScoreMetaData
			}
			p.Placements = append(p.Placements, pl)
		}
	}
	for _, s := range slice.Stop {
		a := snap.Alloc(s.AllocID)
		if a == nil || s.DesiredStatus == "" {
			continue // told to stop before
		}
		if s.DesiredStatus == structs.AllocDesiredEvict {
			stub := a.Stub()
			stub.DesiredStatus, stub.DesiredDescription, stub.PreemptedByAllocation = s.DesiredStatus, s.Description, s.PreemptedBy
			if p.Annotations == nil {
				p.Annotations = &structs.PlanAnnotations{}
			}
			p.Annotations.PreemptedAllocs = append(p.Annotations.PreemptedAllocs, stub)
			continue
		}
		p.Stops = append(p.Stops, &Stop{ID: a.ID, Name: a.Name(), NodeName: a.NodeName, Reason: s.Description})
	}
}

// FleetOf is a fleet of nodes and what is on them.
func FleetOf(nodes iter.Seq[*structs.Node], allocs iter.Seq[*structs.Allocation], queues iter.Seq[*structs.Queue]) *fleet.Fleet {
	f := fleet.New()
	f.SetQueues(slices.Collect(queues))
	for n := range nodes {
		f.SetNode(n)
	}
	for a := range allocs {
		f.SetAlloc(a)
	}
	return f
}

func keyOf(al *structs.Allocation) structs.JobKey {
	return structs.JobKey{Namespace: al.Namespace, ID: al.JobID}
}
