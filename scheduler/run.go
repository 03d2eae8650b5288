package scheduler

import (
	"cmp"
	"slices"

	"berth/scheduler/budget"
	"berth/scheduler/feasible"
	"berth/scheduler/fleet"
	"berth/scheduler/rank"
	"berth/scheduler/reconcile"
	"berth/structs"
)

// Run is an evaluation under way. It belongs to one goroutine.
type Run struct {
	in     Input
	job    *structs.Job // nil when it is gone
	config *structs.SchedulerConfiguration
	rec    *reconcile.Result

	queue  []*batch // what is still to place
	groups map[groupKey]*group
	live   []rank.Live
	failed map[string]*structs.AllocMetric
	why    map[string]*structs.Explanation
	// unplaced counts what found no node, by group.
	unplaced map[string]int
	// dropped counts what will not be placed, by group: a job it depends on has failed.
	dropped map[string]int
	depends *depends // nil for a job that depends on none
	tenant  *tenant  // nil for a job of no queue
	// waiting are groups that only wait for allocations to stop.
	waiting map[string]bool
	// eligible and escaped say which freed room could help.
	eligible map[string]bool
	escaped  bool
	// peers is set when a new allocation of another job could help too.
	peers bool
	// evicted are rows that others leave for this job, disturbed the jobs that lose allocations.
	evicted   map[int32]bool
	disturbed []structs.JobKey

	// hadRoom is the room that was kept for this job, by row.
	hadRoom map[int32][]*fleet.Use
	keeps   map[int32]bool // where it is kept again
	// claimed is the room by row that placements wait for.
	claimed map[int32]structs.ComparableResources

	ledger *budget.Ledger // see budgets
	bad    []structs.ID   // nodes where the job keeps failing

	stops []*structs.PlanStop              // of the first plan
	held  map[structs.ID]*structs.PlanStop // see holdStops

	started bool
	plan    *structs.Plan // of the slice at work
}

// batch is a run of placements of one group: alike ones, or a single one with a history.
type batch struct {
	key    groupKey
	places []*reconcile.Place
}

// groupKey names a group of a job version.
type groupKey struct {
	version uint64
	name    string
}

// Begin reconciles the evaluation's job and prepares what is to place.
func Begin(in Input) *Run {
	r := &Run{
		in: in, job: in.State.Job(in.Eval.Namespace, in.Eval.JobID), config: in.State.SchedulerConfig(),
		groups: map[groupKey]*group{}, failed: map[string]*structs.AllocMetric{}, why: map[string]*structs.Explanation{},
		unplaced: map[string]int{}, waiting: map[string]bool{}, eligible: map[string]bool{},
	}
	if r.config == nil {
		r.config = structs.DefaultSchedulerConfiguration()
	}
	allocs := slices.Collect(in.State.AllocsByJob(in.Eval.Namespace, in.Eval.JobID))
	r.noteDepends(allocs)
	input := reconcile.Input{
		Job: r.job, Namespace: in.Eval.Namespace, JobID: in.Eval.JobID, Eval: in.Eval, Allocs: allocs,
		Node: in.Fleet.Node, EvalByID: in.State.Eval, Deployment: in.State.LatestDeployment(in.Eval.Namespace, in.Eval.JobID),
		Now: in.Now, IDs: in.IDs, StaysFeasible: r.staysFeasible,
	}
	input.Awaits, input.GaveUp = r.depends.awaits(r.job)
	switch r.jobType() {
	case structs.JobTypeSystem, structs.JobTypeSysBatch:
		r.rec = reconcile.System(reconcile.SystemInput{Input: input, Targets: r.targets, Stays: r.staysTainted})
	default:
		r.rec = reconcile.Reconcile(input)
	}
	r.hadRoom = in.Fleet.ReleaseHolds(structs.JobKey{Namespace: in.Eval.Namespace, ID: in.Eval.JobID})
	r.holdStops()
	r.noteLive(allocs)
	r.noteFailures(allocs)
	r.enqueue()
	r.noteGaveUp()
	return r
}

func (r *Run) jobType() string {
	if r.job != nil {
		return r.job.Type
	}
	return r.in.Eval.Type
}

// noteLive lists what holds resources and marks on the fleet what this plan stops.
func (r *Run) noteLive(allocs []*structs.Allocation) {
	stopped := make(map[structs.ID]bool, len(r.rec.Stop))
	lost := map[structs.ID]bool{}
	for _, s := range r.rec.Stop {
		stopped[s.AllocID] = true
		if s.ClientStatus != "" {
			lost[s.AllocID] = true // it holds nothing from now on
		}
		if r.held[s.AllocID] == nil {
			r.setStopping(s.AllocID, true)
		}
	}
	for _, a := range allocs {
		if a.HoldsResources() && !lost[a.ID] {
			r.live = append(r.live, rank.Live{Node: a.NodeID, Group: a.TaskGroup, Stopping: a.ServerTerminal() || stopped[a.ID]})
		}
	}
}

// enqueue orders the placements: for each group those with a history first, then the alike ones in one batch; last those
// that replace what runs well enough, for they can wait. Old versions come before new ones: what rules the new version has beside
// theirs it must keep against them.
func (r *Run) enqueue() {
	var order []groupKey
	plain := map[groupKey]*batch{}
	single, last := map[groupKey][]*batch{}, map[groupKey][]*batch{}
	for _, p := range r.rec.Place {
		if len(p.Group.Gates) > 0 {
			r.gated(p)
			continue
		}
		if r.awaitsJobs(p) {
			continue
		}
		key := groupKey{p.Job.Version, p.Group.Name}
		if r.groups[key] == nil {
			r.groups[key] = &group{run: r, job: p.Job, spec: p.Group}
			order = append(order, key)
		}
		if p.Plain() && p.Node.IsZero() && !r.groups[key].perIndex() {
			if plain[key] == nil {
				plain[key] = &batch{key: key}
			}
			plain[key].places = append(plain[key].places, p)
			continue
		}
		to := single
		if r.holdsFor(p) {
			to = last
		}
		to[key] = append(to[key], &batch{key: key, places: []*reconcile.Place{p}})
	}
	slices.SortStableFunc(order, func(a, b groupKey) int { return cmp.Compare(a.version, b.version) })
	for _, key := range order {
		r.queue = append(r.queue, single[key]...)
		if b := plain[key]; b != nil {
			r.queue = append(r.queue, b)
		}
		r.queue = append(r.queue, last[key]...)
	}
}

// Next decides up to limit placements and returns them as a plan; more is false when nothing is left. The first plan
// carries what is stopped, updated and deployed too.
func (r *Run) Next(limit int) (plan *structs.Plan, more bool) {
	r.plan = &structs.Plan{EvalID: r.in.Eval.ID, SnapshotIndex: r.in.Index, Priority: r.in.Eval.Priority}
	if r.job != nil {
		r.plan.AllAtOnce = r.job.AllAtOnce
	}
	if !r.started {
		r.started = true
		r.plan.Stop, r.plan.Update = r.stops, r.rec.Update
		r.plan.Deployment, r.plan.DeploymentUpdates = r.rec.Deployment, r.rec.DeploymentUpdates
	}
	r.noteQueue()
	if r.plan.AllAtOnce {
		limit = max(limit, len(r.rec.Place))
	}
	for limit > 0 && len(r.queue) > 0 {
		b := r.queue[0]
		if gang := r.groups[b.key].spec.Gang; gang != "" {
			limit -= r.placeGang(gang)
			continue
		}
		r.groups[b.key].admit(b)
		n := min(limit, len(b.places))
		r.groups[b.key].place(b.places[:n])
		limit -= n
		if b.places = b.places[n:]; len(b.places) == 0 {
			r.queue = r.queue[1:]
		}
	}
	if r.in.Eval.AnnotatePlan {
		r.plan.Annotations = &structs.PlanAnnotations{DesiredTGUpdates: r.rec.Desired}
	}
	return r.plan, len(r.queue) > 0
}

// staysTainted reports that the allocation's node has taints that keep new ones away, and would run the group but for them.
func (r *Run) staysTainted(a *structs.Allocation, g *structs.TaskGroup) bool {
	n := r.in.Fleet.Node(a.NodeID)
	return n != nil && n.Repels(r.job, g) != nil && r.staysFeasible(a, g)
}

// staysFeasible reports that the allocation's node may run the group as it is now written.
func (r *Run) staysFeasible(a *structs.Allocation, g *structs.TaskGroup) bool {
	row, ok := r.in.Fleet.Row(a.NodeID)
	if !ok {
		return false
	}
	n := r.in.Fleet.NodeAt(row)
	if !feasible.InPool(n, r.job.NodePool) || !feasible.InDatacenters(r.job.Datacenters, n.Datacenter) {
		return false
	}
	for _, s := range feasible.Steps(r.job, g) {
		if !s.Rows(r.in.Fleet).Has(row) {
			return false
		}
	}
	return true
}
