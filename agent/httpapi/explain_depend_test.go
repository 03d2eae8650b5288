package httpapi

import (
	"strings"
	"testing"

	"berth/api"
	"berth/state"
	"berth/structs"
)

// A wait for other jobs is told with what is found of them now, whatever the evaluation found, and not once more among the facts.
func TestAWaitForAJobIsAsItIsNow(t *testing.T) {
	store := state.New()
	txn := store.Begin(1)
	load := &structs.Job{ID: "load", Namespace: "data", Type: structs.JobTypeBatch, TaskGroups: []*structs.TaskGroup{{Name: "g", Count: new(2)}}}
	db := &structs.Job{ID: "db", Namespace: "default", Type: structs.JobTypeService, TaskGroups: []*structs.TaskGroup{{Name: "g", Count: new(1)}}}
	web := &structs.Job{ID: "web", Namespace: "default", Type: structs.JobTypeService, Status: structs.JobStatusPending, TaskGroups: []*structs.TaskGroup{{Name: "g", Count: new(1)}},
		DependsOn: []*structs.Dependency{{Job: "load", Namespace: "data", Condition: structs.DependComplete}, {Job: "db", Condition: structs.DependStarted}}}
	for _, j := range []*structs.Job{load, db, web} {
		txn.PutJob(j)
		txn.PutJobVersion(j)
	}
	const before = `web/g needs 1 more: it waits for job "load" of namespace data to be complete (0 of 2 ended well)`
	blocked := &structs.Evaluation{ID: structs.ID{9}, Namespace: "default", JobID: "web", Status: structs.EvalStatusBlocked,
		WaitsForJobs: []*structs.JobWait{{Namespace: "data", Job: "load", Condition: structs.DependComplete, Found: "0 of 2 ended well"}},
		Explanations: map[string]*structs.Explanation{"g": {Summary: before}}}
	txn.PutEval(blocked)
	txn.PutAlloc(&structs.Allocation{ID: structs.ID{7}, Namespace: "data", JobID: "load", TaskGroup: "g", ClientStatus: structs.AllocClientComplete, DesiredStatus: structs.AllocDesiredRun, Job: load})
	txn.PutAlloc(&structs.Allocation{ID: structs.ID{8}, Namespace: "default", JobID: "db", TaskGroup: "g", ClientStatus: structs.AllocClientRunning, DesiredStatus: structs.AllocDesiredRun, Job: db})
	txn.Commit()
	w := explainJob(toldAll(store), web)
	now := strings.Replace(before, "0 of 2", "1 of 2", 1)
	if len(w.Waiting) != 1 || w.Waiting[0].Reason != now || w.Waiting[0].Explanation.Summary != now || !strings.Contains(w.Summary, now) {
		t.Errorf("%s\n%+v", w.Summary, w.Waiting)
	}
	if blocked.Explanations["g"].Summary != before {
		t.Error("the stored evaluation was changed")
	}
	facts := map[string]string{}
	for _, f := range w.Facts {
		facts[f.Label] = f.Value
	}
	if facts["depends on db"] != "to be started: it is, 1 of 1 started" || facts["depends on load"] != "" {
		t.Errorf("facts %v", facts)
	}
	// Nothing waits by now: the facts tell of all.
	txn = store.Begin(2)
	over := *blocked
	over.Status = structs.EvalStatusCancelled
	txn.PutEval(&over)
	txn.Commit()
	if w = explainJob(toldAll(store), web); !hasFact(w, "depends on load", "to be complete: not yet, 1 of 2 ended well") {
		t.Errorf("facts %+v", w.Facts)
	}
}

func hasFact(w *api.Why, label, value string) bool {
	for _, f := range w.Facts {
		if f.Label == label && f.Value == value {
			return true
		}
	}
	return false
}
