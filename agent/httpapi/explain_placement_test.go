package httpapi

import (
	"testing"

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
	for _, f := range placementFacts(store.Snapshot(), al) {
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
