package httpapi

import (
	"slices"
	"strings"
	"testing"
	"time"

	"berth/state"
	"berth/structs"
)

func TestAPlacementSaysWhyItIsWhereItIs(t *testing.T) {
	store := state.New()
	txn := store.Begin(1)
	for i, name := range []string{"one", "two"} {
		txn.PutNode(&structs.Node{ID: structs.ID{byte(i + 1)}, Name: name, Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible})
	}
	job := &structs.Job{ID: "web", Name: "web", Namespace: "default"}
	txn.PutJob(job)
	txn.PutJobVersion(job)
	txn.PutEval(&structs.Evaluation{ID: structs.ID{9}, Namespace: "default", JobID: "web", TriggeredBy: structs.EvalTriggerJobRegister, Status: structs.EvalStatusComplete})
	low := &structs.Allocation{ID: structs.ID{8}, Namespace: "default", JobID: "web", TaskGroup: "g", NodeName: "one", ClientStatus: structs.AllocClientComplete}
	txn.PutAlloc(low)
	txn.Commit()
	al := &structs.Allocation{
		ID: structs.ID{7}, Namespace: "default", JobID: "web", TaskGroup: "g", EvalID: structs.ID{9}, NodeID: structs.ID{1}, NodeName: "one",
		ClientStatus: structs.AllocClientRunning, DesiredStatus: structs.AllocDesiredRun, PreemptedAllocations: []structs.ID{{8}},
		Metrics: &structs.AllocMetric{ScoreMetaData: []*structs.NodeScoreMeta{
			{NodeID: structs.ID{1}, NormScore: 0.5, Scores: map[string]float64{"binpack": 0.5, "node-affinity": 0}},
			{NodeID: structs.ID{2}, NormScore: 0.25, Scores: map[string]float64{"binpack": 0.25}},
		}},
	}
	want := map[string]string{
		"its node's score":   "0.500 (binpack 0.500)",
		"the next best node": "two: 0.250 (binpack 0.250)",
		"decided by":         "evaluation " + structs.ID{9}.Short() + " (job-register)",
		"left for it":        "web.g[0] (" + structs.ID{8}.Short() + ") on one: complete",
	}
	got := map[string]string{}
	for _, f := range placementFacts(toldAll(store), al) {
		got[f.Label] = f.Value
	}
	for label, value := range want {
		if got[label] != value {
			t.Errorf("%s: %q, want %q", label, got[label], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("facts %v", got)
	}
}

func TestWhatLacksRoomIsToldBeforeWhatWaitsForATime(t *testing.T) {
	store := state.New()
	txn := store.Begin(1)
	job := &structs.Job{ID: "web", Name: "web", Namespace: "default", TaskGroups: []*structs.TaskGroup{{Name: "g"}}}
	txn.PutJob(job)
	for i := byte(1); i <= 2; i++ {
		txn.PutEval(&structs.Evaluation{ID: structs.ID{i}, Namespace: "default", JobID: "web", Status: structs.EvalStatusPending, WaitUntil: time.Unix(60, 0)})
	}
	txn.PutEval(&structs.Evaluation{ID: structs.ID{3}, Namespace: "default", JobID: "web", Status: structs.EvalStatusBlocked,
		FailedTGAllocs: map[string]*structs.AllocMetric{"g": {NodesExhausted: 1}}})
	txn.Commit()
	w := explainJob(toldAll(store), job)
	if len(w.Waiting) != 2 || w.Waiting[0].Subject != "group g" || !strings.Contains(w.Summary, "group g") {
		t.Errorf("%s\n%+v", w.Summary, w.Waiting)
	}
}

func TestAJobTellsWhatItDependsOn(t *testing.T) {
	store := state.New()
	txn := store.Begin(1)
	txn.PutJob(&structs.Job{ID: "load", Namespace: "default", Type: structs.JobTypeBatch, TaskGroups: []*structs.TaskGroup{{Name: "g", Count: new(2)}}})
	job := &structs.Job{ID: "web", Name: "web", Namespace: "default", Status: structs.JobStatusDead, TaskGroups: []*structs.TaskGroup{{Name: "g"}},
		DependsOn: []*structs.Dependency{{Job: "load", Condition: structs.DependComplete}, {Job: "db", Condition: structs.DependHealthy}}}
	txn.PutJob(job)
	txn.PutEval(&structs.Evaluation{ID: structs.ID{1}, Namespace: "default", JobID: "web", Status: structs.EvalStatusFailed, StatusDescription: "job load has failed", ModifyIndex: 1})
	txn.Commit()
	w := explainJob(toldAll(store), job)
	got := map[string]string{}
	for _, f := range w.Facts {
		got[f.Label] = f.Value
	}
	if got["depends on load"] != "to be complete: not yet, 0 of 2 ended well" || got["depends on db"] != "to be healthy: not yet, does not exist" {
		t.Errorf("facts %v", got)
	}
	if !strings.Contains(w.Summary, "its last evaluation failed: job load has failed") {
		t.Error(w.Summary)
	}
	if want := []string{"berth job status web", "berth job eval web"}; !slices.Equal(w.Next, want) {
		t.Errorf("next %q, want %q", w.Next, want)
	}
}

// A job that only launches others is said to do so, and a task that is tried again is told with what it failed for.
func TestWhatAJobOnlyLaunchesAndWhatIsTriedAgain(t *testing.T) {
	groups := []*structs.TaskGroup{{Name: "g", Count: new(1)}}
	job := func(periodic *structs.PeriodicConfig, params *structs.ParameterizedJobConfig) *structs.Job {
		return &structs.Job{ID: "web", Namespace: "ml", Status: structs.JobStatusRunning, TaskGroups: groups, Periodic: periodic, ParameterizedJob: params}
	}
	yearly := func(on bool) *structs.PeriodicConfig {
		return &structs.PeriodicConfig{Specs: []string{"0 0 1 1 * 2098"}, Enabled: new(on), TimeZone: new("UTC")}
	}
	for want, j := range map[string]*structs.Job{
		"It is launched by its schedule, next at 2098-01-01T00:00:00Z; nothing of it runs by itself.": job(yearly(true), nil),
		"Its schedule launches nothing: it is switched off, or over; nothing of it runs by itself.":   job(yearly(false), nil),
		"It is launched by berth job dispatch -namespace ml web; nothing of it runs by itself.":       job(nil, &structs.ParameterizedJobConfig{}),
		"0 of 1 allocations run; task t of 01000000: no image \"x\"; Task restarting in 15s.":         job(nil, nil),
	} {
		store := state.New()
		txn := store.Begin(1)
		txn.PutJob(j)
		template := j.Periodic != nil || j.ParameterizedJob != nil
		if !template {
			txn.PutAlloc(&structs.Allocation{ID: structs.ID{1}, Namespace: "ml", JobID: "web", TaskGroup: "g", DesiredStatus: structs.AllocDesiredRun, ClientStatus: structs.AllocClientPending,
				TaskStates: map[string]*structs.TaskState{"t": {State: structs.TaskStatePending, Events: []*structs.TaskEvent{
					{Type: structs.TaskDriverFailure, DisplayMessage: `no image "x"`}, {Type: structs.TaskRestarting, DisplayMessage: "Task restarting in 15s"}}}}})
		}
		txn.Commit()
		w := explainJob(toldAll(store), j)
		if counted := strings.HasPrefix(w.Facts[0].Label, "group"); w.Summary != want || counted == template {
			t.Errorf("%q with %v, want %q", w.Summary, w.Facts, want)
		}
	}
}

// toldAll tells everything.
func toldAll(s *state.Store) teller { return teller{s.Snapshot(), func(string) bool { return true }} }

// What a job that is over, or set aside, is said to have done is so; and what is next can be typed as it stands.
func TestAJobThatIsOverSaysHow(t *testing.T) {
	alloc := func(id byte, version uint64, desired, status string) *structs.Allocation {
		return &structs.Allocation{ID: structs.ID{id}, Namespace: "ml", JobID: "web", TaskGroup: "g", DesiredStatus: desired, ClientStatus: status, JobVersion: version}
	}
	over := structs.Job{ID: "web", Namespace: "ml", Type: structs.JobTypeBatch, Version: 2, Status: structs.JobStatusDead, TaskGroups: []*structs.TaskGroup{{Name: "g", Count: new(2)}}}
	aside := over
	aside.Suspended, aside.Status = true, structs.JobStatusPending
	again := alloc(3, 2, structs.AllocDesiredRun, structs.AllocClientFailed)
	again.NextAllocation = structs.ID{2}
	for _, c := range []struct {
		job    *structs.Job
		allocs []*structs.Allocation
		want   string
	}{
		{&over, []*structs.Allocation{alloc(1, 2, structs.AllocDesiredRun, structs.AllocClientComplete), alloc(2, 2, structs.AllocDesiredRun, structs.AllocClientFailed)},
			"The job has ended; 1 of 2 failed and are not tried again."},
		{&over, []*structs.Allocation{alloc(1, 1, structs.AllocDesiredRun, structs.AllocClientFailed), alloc(2, 2, structs.AllocDesiredRun, structs.AllocClientComplete), again},
			"The job has ended: everything it was to do is done."},
		{&aside, []*structs.Allocation{alloc(1, 2, structs.AllocDesiredStop, structs.AllocClientRunning), alloc(2, 2, structs.AllocDesiredStop, structs.AllocClientComplete)},
			"The job is suspended; 1 of its allocations still run."},
	} {
		store := state.New()
		txn := store.Begin(1)
		txn.PutJob(c.job)
		for _, al := range c.allocs {
			txn.PutAlloc(al)
		}
		txn.Commit()
		w := explainJob(toldAll(store), c.job)
		if w.Summary != c.want || w.Next[0] != "berth job status -namespace ml web" {
			t.Errorf("%q, next %q; want %q", w.Summary, w.Next, c.want)
		}
		if c.job.Suspended && !strings.Contains(w.Waiting[0].Reason, "berth job resume -namespace ml web") {
			t.Errorf("waits for %q", w.Waiting[0].Reason)
		}
	}
}
