package dryrun

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"berth/internal/idgen"
	"berth/scheduler"
	"berth/scheduler/fleet"
	"berth/state"
	"berth/structs"
)

// Question is what might happen to a cluster, all of it at once.
type Question struct {
	// Lose names nodes that fail: a node's name or the beginning of its id, a datacenter, or attribute=value, such as meta.rack=r1.
	Lose []string
	// Add are nodes that join.
	Add []Add
	// Jobs are run after that, in this order; canonical and valid.
	Jobs []*structs.Job
}

// Add is some nodes like one of a class.
type Add struct {
	Count int
	Class string
}

// Answer is what would follow.
type Answer struct {
	Lost  []string // names of the nodes
	Added int
	Jobs  []*JobAnswer // that something changes for: those hit, those that waited, and those asked for
}

// JobAnswer is what would follow for one job.
type JobAnswer struct {
	Namespace string
	ID        string
	Lost      int // allocations on lost nodes
	Plan      *Plan
	// Unplaced is how many allocations have no node, by group.
	Unplaced map[string]int
}

// WhatIf answers a question about a state. What is lost is looked at as if its nodes were down for good.
func WhatIf(snap *state.Snapshot, q Question, ids idgen.Source, now time.Time) (*Answer, error) {
	f := FleetOf(snap.Nodes(), snap.Allocs(), snap.Queues())
	a := &Answer{}
	hit := map[structs.JobKey]int{}
	for _, what := range q.Lose {
		lost := lose(snap, f, what, hit)
		if len(lost) == 0 {
			return nil, &structs.Error{Kind: structs.KindNotFound, Op: "lose " + what, Err: fmt.Errorf("no node has that name, id, datacenter or attribute"),
				Hint: "name a node or a datacenter, or say attribute=value, such as meta.rack=r1"}
		}
		a.Lost = append(a.Lost, lost...)
	}
	slices.Sort(a.Lost)
	a.Lost = slices.Compact(a.Lost)
	for _, add := range q.Add {
		if err := join(snap, f, add, ids, a.Added); err != nil {
			return nil, err
		}
		a.Added += add.Count
	}
	for _, job := range concerned(snap, hit, a.Added > 0) {
		j := decide(snap, f, job, job, ids, now)
		if j.Lost = hit[job.Key()]; j.Lost > 0 || len(j.Plan.Placements) > 0 {
			a.Jobs = append(a.Jobs, j)
		}
	}
	for _, job := range q.Jobs {
		a.Jobs = append(a.Jobs, decide(snap, f, job, nil, ids, now))
	}
	return a, nil
}

// lose takes down the nodes that are meant, counts their allocations by job and gives their names.
func lose(snap *state.Snapshot, f *fleet.Fleet, what string, hit map[structs.JobKey]int) []string {
	attribute, value, byAttribute := strings.Cut(what, "=")
	var names []string
	for n := range snap.Nodes() {
		have, ok := fleet.Resolve("${"+attribute+"}", n)
		if !(byAttribute && ok && have == value) && n.Name != what && n.Datacenter != what && (len(what) < 4 || !strings.HasPrefix(n.ID.String(), what)) {
			continue
		}
		if n := f.Node(n.ID); n.Status == structs.NodeStatusDown {
			names = append(names, n.Name)
			continue // it was, or another answer took it
		}
		down := *n
		down.Status = structs.NodeStatusDown
		f.SetNode(&down)
		names = append(names, n.Name)
		for al := range snap.AllocsByNode(n.ID) {
			if !al.ServerTerminal() && !al.ClientTerminal() {
				hit[keyOf(al)]++
			}
		}
	}
	return names
}

// join adds nodes like the first of their class.
func join(snap *state.Snapshot, f *fleet.Fleet, add Add, ids idgen.Source, from int) error {
	var like *structs.Node
	for n := range snap.Nodes() {
		if n.NodeClass == add.Class && (like == nil || n.Ready() && !like.Ready()) {
			like = n
		}
	}
	if like == nil {
		return &structs.Error{Kind: structs.KindNotFound, Op: "add nodes", Err: fmt.Errorf("no node has the class %q", add.Class), Hint: "name the class of a node that is there"}
	}
	for i := range add.Count {
		n := *like
		n.ID, n.Name = ids.NewID(), fmt.Sprintf("new-%d", from+i+1)
		n.Status, n.SchedulingEligibility, n.DrainStrategy = structs.NodeStatusReady, structs.NodeEligible, nil
		f.SetNode(&n)
	}
	return nil
}

// concerned are the jobs to look at: those that lost something, and those that wait for room, highest priority first.
func concerned(snap *state.Snapshot, hit map[structs.JobKey]int, waiting bool) []*structs.Job {
	keys := map[structs.JobKey]bool{}
	for key := range hit {
		keys[key] = true
	}
	if waiting {
		for e := range snap.Evals() {
			if e.Status == structs.EvalStatusBlocked {
				keys[e.JobKey()] = true
			}
		}
	}
	var jobs []*structs.Job
	for key := range keys {
		if j := snap.Job(key.Namespace, key.ID); !j.Stopped() {
			jobs = append(jobs, j)
		}
	}
	slices.SortFunc(jobs, func(a, b *structs.Job) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.CreateIndex, b.CreateIndex), cmp.Compare(a.ID, b.ID))
	})
	return jobs
}

// decide decides a job on the fleet as it is now; stored is nil for a job that is asked for.
func decide(snap *state.Snapshot, f *fleet.Fleet, job, stored *structs.Job, ids idgen.Source, now time.Time) *JobAnswer {
	j := &JobAnswer{Namespace: job.Namespace, ID: job.ID, Unplaced: map[string]int{}}
	if stored == nil {
		j.Plan = plan(snap, f, job, ids, now)
		for name, m := range j.Plan.Failed {
			j.Unplaced[name] = 1 + m.CoalescedFailures
		}
		return j
	}
	out := scheduler.Evaluate(scheduler.Input{
		State: snap, Fleet: f, Index: snap.Index(), Now: now, IDs: ids,
		Eval: &structs.Evaluation{
			ID: ids.NewID(), Namespace: job.Namespace, JobID: job.ID, Type: job.Type, Priority: job.Priority, AnnotatePlan: true,
			TriggeredBy: structs.EvalTriggerNodeUpdate, Status: structs.EvalStatusPending, CreateTime: now.UnixNano(), ModifyTime: now.UnixNano(),
		},
	})
	j.Plan = planOf(snap, out)
	for name, n := range out.Evals[0].QueuedAllocations {
		if n > 0 {
			j.Unplaced[name] = n
		}
	}
	return j
}
