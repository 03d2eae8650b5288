package scheduler_test

import (
	"testing"

	"berth/scheduler"
	"berth/structs"
)

// A woken evaluation that waits on for the same is not stored again; one that waits for something else, or found something else, is.
func TestWhatGoesOnWaitingForTheSame(t *testing.T) {
	waits := func() *structs.Evaluation {
		return &structs.Evaluation{Status: structs.EvalStatusBlocked, ClassEligibility: map[string]bool{"a": true}, QueuedAllocations: map[string]int{"g": 1},
			FailedTGAllocs: map[string]*structs.AllocMetric{"g": {NodesEvaluated: 1}}, WaitsForJobs: []*structs.JobWait{{Job: "db", Condition: "healthy", Found: "0 of 1 serve"}}}
	}
	if !scheduler.SameWait(waits(), waits()) {
		t.Error("the same is another")
	}
	for what, change := range map[string]func(*structs.Evaluation){
		"over":         func(e *structs.Evaluation) { e.Status = structs.EvalStatusComplete },
		"any class":    func(e *structs.Evaluation) { e.EscapedComputedClass = true },
		"peers":        func(e *structs.Evaluation) { e.WaitsForPeers = true },
		"another job":  func(e *structs.Evaluation) { e.WaitsForJobs[0].Job = "x" },
		"a condition":  func(e *structs.Evaluation) { e.WaitsForJobs[0].Condition = "started" },
		"what is seen": func(e *structs.Evaluation) { e.WaitsForJobs[0].Found = "1 of 2 serve" },
		"no job":       func(e *structs.Evaluation) { e.WaitsForJobs = nil },
		"classes":      func(e *structs.Evaluation) { e.ClassEligibility["a"] = false },
		"how many":     func(e *structs.Evaluation) { e.QueuedAllocations["g"] = 2 },
		"nodes":        func(e *structs.Evaluation) { e.FailedTGAllocs["g"].NodesEvaluated = 2 },
	} {
		e := waits()
		if change(e); scheduler.SameWait(waits(), e) || scheduler.SameWait(e, waits()) {
			t.Errorf("%s: taken for the same", what)
		}
	}
}
