package trigger

import (
	"iter"
	"slices"
	"testing"
	"time"

	"berth/internal/idgen"
	"berth/structs"
)

// world is a tiny state.
type world struct {
	jobs   []*structs.Job
	allocs []*structs.Allocation
}

func (w *world) Jobs() iter.Seq[*structs.Job] { return slices.Values(w.jobs) }
func (w *world) Job(ns, id string) *structs.Job {
	for _, j := range w.jobs {
		if j.Namespace == ns && j.ID == id {
			return j
		}
	}
	return nil
}
func (w *world) Alloc(id structs.ID) *structs.Allocation {
	for _, a := range w.allocs {
		if a.ID == id {
			return a
		}
	}
	return nil
}
func (w *world) AllocsByNode(node structs.ID) iter.Seq[*structs.Allocation] {
	return func(yield func(*structs.Allocation) bool) {
		for _, a := range w.allocs {
			if a.NodeID == node && !yield(a) {
				return
			}
		}
	}
}

func job(id, kind string) *structs.Job {
	return &structs.Job{Namespace: "default", ID: id, Type: kind, Priority: 50}
}

func alloc(n byte, j *structs.Job, node byte, desired, client string) *structs.Allocation {
	return &structs.Allocation{ID: structs.ID{n}, Namespace: "default", JobID: j.ID, Job: j, NodeID: structs.ID{node},
		DesiredStatus: desired, ClientStatus: client}
}

func names(evals []*structs.Evaluation) []string {
	out := []string{}
	for _, e := range evals {
		out = append(out, e.JobID+" "+e.TriggeredBy)
	}
	return out
}

func TestNodeChangeConcernsItsJobsAndThoseOfEveryNode(t *testing.T) {
	web, db, old, sys := job("web", "service"), job("db", "service"), job("old", "batch"), job("logs", "system")
	stopped := job("gone", "system")
	stopped.Stop = true
	w := &world{jobs: []*structs.Job{web, db, old, sys, stopped}, allocs: []*structs.Allocation{
		alloc(1, web, 1, "run", "running"), alloc(2, web, 1, "run", "pending"),
		alloc(3, db, 2, "run", "running"), alloc(4, old, 1, "run", "complete"),
	}}
	evals := Node(w, structs.ID{1}, 7, structs.EvalTriggerNodeUpdate, time.Unix(5, 0), idgen.Seeded(1))
	if got := names(evals); !slices.Equal(got, []string{"logs node-update", "web node-update"}) {
		t.Fatalf("got %v", got)
	}
	for _, e := range evals {
		if e.ID.IsZero() || e.NodeID != (structs.ID{1}) || e.NodeModifyIndex != 7 || e.Status != "pending" || e.CreateTime != 5e9 {
			t.Errorf("%+v", e)
		}
	}
}

func TestReportsThatNeedALook(t *testing.T) {
	svc, bat, few := job("svc", "service"), job("bat", "batch"), job("few", "batch")
	few.TaskGroups = []*structs.TaskGroup{{Name: "", Completion: &structs.Completion{Success: new(1)}}}
	for _, c := range []struct {
		name          string
		job           *structs.Job
		desired, from string
		to            string
		want          []string
	}{
		{"a failure", svc, "run", "running", "failed", []string{"svc alloc-failure"}},
		{"a failure told twice", svc, "run", "failed", "failed", []string{}},
		{"a failure of what should stop", svc, "stop", "running", "failed", []string{}},
		{"a service that ended", svc, "run", "running", "complete", []string{"svc alloc-failure"}},
		{"a batch job that ended", bat, "run", "running", "complete", []string{}},
		{"one of which few are needed", few, "run", "running", "complete", []string{"few completion"}},
		{"a start", svc, "run", "pending", "running", []string{}},
		{"a return", svc, "run", "unknown", "running", []string{"svc reconnect"}},
	} {
		w := &world{jobs: []*structs.Job{svc, bat, few}, allocs: []*structs.Allocation{alloc(1, c.job, 1, c.desired, c.from)}}
		got := names(Reports(w, []*structs.AllocClientUpdate{{ID: structs.ID{1}, ClientStatus: c.to}}, time.Unix(1, 0), idgen.Seeded(1)))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestReportsOfUnknownAndStoppedJobsAreQuiet(t *testing.T) {
	gone := job("gone", "service")
	gone.Stop = true
	w := &world{jobs: []*structs.Job{gone}, allocs: []*structs.Allocation{alloc(1, gone, 1, "run", "running")}}
	updates := []*structs.AllocClientUpdate{{ID: structs.ID{1}, ClientStatus: "failed"}, {ID: structs.ID{9}, ClientStatus: "failed"}}
	if got := Reports(w, updates, time.Unix(1, 0), idgen.Seeded(1)); len(got) != 0 {
		t.Fatalf("got %v", names(got))
	}
}
