package scheduler_test

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"berth/internal/idgen"
	"berth/scheduler"
	"berth/scheduler/check"
	"berth/scheduler/fleet"
	"berth/structs"
)

// world is a cluster in memory: it holds what a server would store, carries plans out and says what follows from events.
// Objects are never changed once they are stored.
type world struct {
	now    time.Time
	index  uint64
	ids    *idgen.SeededSource
	fleet  *fleet.Fleet
	config *structs.SchedulerConfiguration
	pools  map[string]*structs.NodePool

	nodes       map[string]*structs.Node // by name
	jobs        map[string]*structs.Job
	versions    map[string][]*structs.Job
	allocs      map[structs.ID]*structs.Allocation
	deployments []*structs.Deployment
	budgets     []*structs.DisruptionBudget
	queues      []*structs.Queue

	pending []*structs.Evaluation          // also those that wait for a time
	blocked map[string]*structs.Evaluation // by job
	last    map[string]*structs.Evaluation // the newest that was decided, by job

	exit int // with which tasks fail; 0 for none that is known

	// What the evaluations since the last reset came to.
	plans  []*structs.Plan
	faults []string
	evals  int
}

func newWorld(seed uint64) *world {
	return &world{
		now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), index: 10, ids: idgen.Seeded(seed), fleet: fleet.New(),
		config: structs.DefaultSchedulerConfiguration(), pools: map[string]*structs.NodePool{},
		nodes: map[string]*structs.Node{}, jobs: map[string]*structs.Job{}, versions: map[string][]*structs.Job{},
		allocs: map[structs.ID]*structs.Allocation{}, blocked: map[string]*structs.Evaluation{},
		last: map[string]*structs.Evaluation{},
	}
}

// The methods of scheduler.State.

func (w *world) Job(_, id string) *structs.Job {
	j := w.jobs[id]
	if j == nil || w.last[id] == nil || w.live(id) {
		return j
	}
	dead := *j
	dead.Status = structs.JobStatusDead
	return &dead
}

// live reports that something of a job runs or is still to be looked at.
func (w *world) live(id string) bool {
	if w.blocked[id] != nil || slices.ContainsFunc(w.pending, func(e *structs.Evaluation) bool { return e.JobID == id }) {
		return true
	}
	return len(w.allocsOf(func(a *structs.Allocation) bool { return a.JobID == id && !a.ClientTerminal() })) > 0
}

func (w *world) AllocsByJob(_, id string) iter.Seq[*structs.Allocation] {
	return slices.Values(w.allocsOf(func(a *structs.Allocation) bool { return a.JobID == id }))
}

func (w *world) LatestDeployment(_, id string) *structs.Deployment {
	for _, d := range slices.Backward(w.deployments) {
		if d.JobID == id {
			return d
		}
	}
	return nil
}

func (w *world) Jobs() iter.Seq[*structs.Job] {
	return func(yield func(*structs.Job) bool) {
		for _, id := range slices.Sorted(maps.Keys(w.jobs)) {
			if !yield(w.jobs[id]) {
				return
			}
		}
	}
}

func (w *world) DisruptionBudgets() iter.Seq[*structs.DisruptionBudget] {
	return slices.Values(w.budgets)
}

func (w *world) Eval(id structs.ID) *structs.Evaluation {
	for _, e := range w.pending {
		if e.ID == id {
			return e
		}
	}
	return nil
}

func (w *world) NodePool(name string) *structs.NodePool { return w.pools[name] }

func (w *world) SchedulerConfig() *structs.SchedulerConfiguration { return w.config }

// allocsOf lists allocations, oldest first.
func (w *world) allocsOf(which func(*structs.Allocation) bool) []*structs.Allocation {
	var all []*structs.Allocation
	for _, a := range w.allocs {
		if which(a) {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b *structs.Allocation) int {
		return cmp.Or(cmp.Compare(a.CreateIndex, b.CreateIndex), cmp.Compare(a.JobID, b.JobID), cmp.Compare(a.TaskGroup, b.TaskGroup),
			cmp.Compare(a.Index, b.Index), a.ID.Compare(b.ID))
	})
	return all
}

func (w *world) sortedNodes() []*structs.Node {
	var all []*structs.Node
	for _, name := range slices.Sorted(maps.Keys(w.nodes)) {
		all = append(all, w.nodes[name])
	}
	return all
}

func (w *world) version(_, id string, version uint64) *structs.Job {
	for _, j := range w.versions[id] {
		if j.Version == version && j.CreateIndex == w.versions[id][len(w.versions[id])-1].CreateIndex {
			return j
		}
	}
	return nil
}

func (w *world) view() *check.World {
	v := &check.World{Nodes: w.sortedNodes(), Allocs: w.allocsOf(func(*structs.Allocation) bool { return true }), Deployments: w.deployments, Queues: w.queues}
	for _, id := range slices.Sorted(maps.Keys(w.jobs)) {
		v.Jobs = append(v.Jobs, w.jobs[id])
	}
	return v
}

// putNode stores a node and wakes what waits for it.
func (w *world) putNode(n *structs.Node) {
	w.index++
	n.ModifyIndex = w.index
	n.ComputedClass = fleet.ComputedClass(n)
	w.nodes[n.Name] = n
	w.fleet.SetNode(n)
	if n.Ready() {
		w.wake(fleet.ClassOf(n))
	}
}

// nodeEvent makes the evaluations that follow when a node changed.
func (w *world) nodeEvent(n *structs.Node, trigger string) {
	for _, a := range w.allocsOf(func(a *structs.Allocation) bool { return a.NodeID == n.ID && !a.ClientTerminal() }) {
		w.enqueue(a.JobID, trigger)
	}
	for _, id := range slices.Sorted(maps.Keys(w.jobs)) {
		if j := w.jobs[id]; (j.Type == structs.JobTypeSystem || j.Type == structs.JobTypeSysBatch) && !j.Stop {
			w.enqueue(id, trigger)
		}
	}
}

// enqueue asks for a job to be looked at, once.
func (w *world) enqueue(job, trigger string) {
	for _, e := range w.pending {
		if e.JobID == job && e.WaitUntil.IsZero() && e.Status == structs.EvalStatusPending {
			return
		}
	}
	e := &structs.Evaluation{
		ID: w.ids.NewID(), Namespace: "default", JobID: job, TriggeredBy: trigger, Status: structs.EvalStatusPending,
		CreateTime: w.now.UnixNano(), Priority: 50, Type: structs.JobTypeService,
	}
	w.index++
	e.CreateIndex = w.index
	if j := w.jobs[job]; j != nil {
		e.Namespace, e.Type, e.Priority = j.Namespace, j.Type, j.Priority
	} else if vs := w.versions[job]; len(vs) > 0 {
		e.Type = vs[len(vs)-1].Type
	}
	w.pending = append(w.pending, e)
}

// wake puts blocked evaluations that room on a node of the class could help back into the queue.
func (w *world) wake(class string) {
	for _, job := range slices.Sorted(maps.Keys(w.blocked)) {
		e := w.blocked[job]
		eligible, seen := e.ClassEligibility[class]
		elsewhere := (len(e.WaitsForJobs) > 0 || e.QuotaLimitReached != "") && len(e.ClassEligibility) == 0 && len(e.FailedTGAllocs) == 0
		if e.EscapedComputedClass || eligible || !seen && !elsewhere {
			delete(w.blocked, job)
			w.pending = append(w.pending, e)
		}
	}
}

// wakePeers puts blocked evaluations back into the queue that wait for allocations of others.
func (w *world) wakePeers() {
	for _, job := range slices.Sorted(maps.Keys(w.blocked)) {
		if e := w.blocked[job]; e.WaitsForPeers {
			delete(w.blocked, job)
			w.pending = append(w.pending, e)
		}
	}
}

// wakeDependents puts blocked evaluations back into the queue that wait for a job.
func (w *world) wakeDependents(job string) {
	for _, waits := range slices.Sorted(maps.Keys(w.blocked)) {
		e := w.blocked[waits]
		if slices.ContainsFunc(e.WaitsForJobs, func(x *structs.JobWait) bool { return x.Job == job }) {
			delete(w.blocked, waits)
			w.pending = append(w.pending, e)
		}
	}
}

// putAlloc stores an allocation; one that ended makes room.
func (w *world) putAlloc(a *structs.Allocation) {
	old := w.allocs[a.ID]
	if old == nil {
		w.wakePeers()
	}
	a.ModifyIndex, a.ModifyTime = w.index, w.now.UnixNano()
	w.allocs[a.ID] = a
	if old != nil && old.HoldsResources() && (!old.ServerTerminal() && a.ServerTerminal() || !a.HoldsResources()) {
		w.wakeQueue(w.view().QueueOf(old))
	}
	w.wakeDependents(a.JobID)
	w.fleet.SetAlloc(a)
	if old != nil && old.HoldsResources() && !a.HoldsResources() {
		for _, n := range w.nodes {
			if n.ID == a.NodeID && n.Ready() {
				w.wake(fleet.ClassOf(n))
			}
		}
	}
}

// due takes the evaluation that is to be decided next, nil if none is due.
func (w *world) due() *structs.Evaluation {
	best := -1
	for i, e := range w.pending {
		if !e.WaitUntil.After(w.now) && (best < 0 || w.before(e, w.pending[best])) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	e := w.pending[best]
	w.pending = slices.Delete(w.pending, best, best+1)
	return e
}

// evaluate decides all that is due; it gives up where evaluations follow upon each other without end.
func (w *world) evaluate() error {
	w.plans, w.evals = nil, 0
	for range 1000 {
		e := w.due()
		if e == nil {
			return nil
		}
		w.decide(e)
	}
	return fmt.Errorf("1000 evaluations, and still some to do")
}

// decide runs one evaluation and carries its plans out.
func (w *world) decide(e *structs.Evaluation) *scheduler.Outcome {
	w.evals++
	e = new(*e)
	e.AnnotatePlan = true
	blocked, held := w.blocked[e.JobID], w.heldByAll()
	out := scheduler.Evaluate(scheduler.Input{
		State: w, Fleet: w.fleet, Eval: e, Blocked: blocked, Ahead: w.ahead(e), Index: w.index, Now: w.now, IDs: w.ids,
	})
	for _, p := range out.Plans {
		v := w.view()
		v.For = w.jobs[e.JobID]
		for _, f := range check.Plan(v, p, w.version) {
			w.faults = append(w.faults, "plan: "+f.String())
		}
		w.apply(p)
		w.plans = append(w.plans, p)
	}
	for _, f := range check.State(w.view()) {
		w.faults = append(w.faults, "state: "+f.String())
	}
	for _, ev := range out.Evals {
		switch {
		case ev.Status == structs.EvalStatusBlocked:
			if ev.CreateIndex == 0 {
				ev.CreateIndex = w.index
			}
			w.blocked[ev.JobID] = ev
		case ev.Status == structs.EvalStatusCancelled && w.blocked[ev.JobID] != nil && w.blocked[ev.JobID].ID == ev.ID:
			delete(w.blocked, ev.JobID)
		case ev.Status == structs.EvalStatusPending:
			w.pending = append(w.pending, ev)
		}
	}
	w.last[e.JobID] = out.Evals[0]
	w.wakeDependents(e.JobID)
	w.wakeHeld(held)
	return out
}
