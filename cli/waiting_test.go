package cli

import (
	"strings"
	"testing"

	"berth/structs"
)

// stopsFirst is the evaluation of an update whose port is still held by what it replaces.
func stopsFirst() *structs.Evaluation {
	x := completeEval()
	x.BlockedEval = evalTwo
	x.Explanations = map[string]*structs.Explanation{"web": {Summary: "web/web needs 1 more: there is room once allocations that were told to stop have ended",
		Unblocks: []string{"a stopping allocation ends"}}}
	return x
}

// TestAnUpdateThatWaitsForWhatItReplacesIsNoFailure: a job with a fixed port is updated by stopping first; that is no failed
// placement, and the command goes on until the new allocation has started.
func TestAnUpdateThatWaitsForWhatItReplacesIsNoFailure(t *testing.T) {
	old := webAllocs()[0]
	old.ID, old.ClientStatus, old.DesiredStatus, old.JobVersion, old.CreateIndex = evalTwo, "running", structs.AllocDesiredStop, 41, 2
	stopping := []*structs.AllocListStub{old}
	started := append(allocAs("running"), old)
	f := newFake(t, runRoutes(map[string]any{
		"GET /v1/evaluation/" + evalOne.String(): story(pendingEval(), stopsFirst()),
		"GET /v1/job/web/allocations":            story(stopping, stopping, started),
	}))
	got := f.berth(t, "job", "run", jobFile(t, webFile))
	if got.code != 0 {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
	for _, want := range []string{`finished with status "complete"`, `Task Group "web" waits:`, "it goes on when a stopping allocation ends",
		`Allocation "c0000001" created: node "a0000001"`} {
		if !strings.Contains(got.out, want) {
			t.Errorf("does not say %q:\n%s", want, got.out)
		}
	}
	if strings.Contains(got.out, "failed to place") {
		t.Errorf("calls it a failure:\n%s", got.out)
	}
}
