package cli

import (
	"strings"
	"testing"
	"time"

	"berth/api"
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

// waitsForDB is a job that a job it depends on holds back.
const waitsForDB = `web/web needs 1 more: it waits for job "db" to be healthy (0 of 1 serve)`

func heldBack() *structs.Explanation {
	return &structs.Explanation{Summary: waitsForDB, Unblocks: []string{`job "db" is healthy`}}
}

// Only the newest evaluation that is over tells whether a version was given up, and that nothing waits then.
func TestTheLastEvaluationFailed(t *testing.T) {
	gaveUp, done := completeEval(), completeEval()
	gaveUp.Status, gaveUp.Explanations = structs.EvalStatusFailed, map[string]*structs.Explanation{"web": heldBack()}
	done.ID = evalTwo
	for _, c := range []struct {
		failed, done uint64 // when each was made
		told         bool
	}{{7, 3, true}, {3, 7, false}} {
		gaveUp.CreateIndex, done.CreateIndex = c.failed, c.done
		all := []*structs.Evaluation{gaveUp, done}
		if c.told {
			all = []*structs.Evaluation{done, gaveUp}
		}
		routes := webRoutes()
		routes["GET /v1/job/web/evaluations"] = all
		got := newFake(t, routes).berth(t, "job", "status", "web")
		if told := strings.Contains(got.out, "Last Evaluation Failed\n    Task Group \"web\" is given up:\n      "+waitsForDB); got.code != 0 || told != c.told || strings.Contains(got.out, "Last Eval") != told {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

// What waits for other jobs fails nothing, but is not called allocated either.
func TestAPlanSaysWhatWaits(t *testing.T) {
	p := planOf(t, nil, webJob(), structs.DesiredUpdates{Place: 1})
	p.Explanations = map[string]*structs.Explanation{"web": heldBack()}
	p.NextPeriodicLaunch = time.Date(2098, 1, 1, 0, 0, 0, 0, time.UTC)
	f := newFake(t, map[string]any{"PUT /v1/job/web/plan": p})
	got := f.berth(t, "job", "plan", jobFile(t, webFile))
	if got.code != 1 || strings.Contains(got.out, "All tasks successfully allocated") || !strings.Contains(got.out, waitsForDB) || !strings.Contains(got.out, "not all tasks are allocated at once") ||
		!strings.Contains(got.out, "- If submitted now, next periodic launch would be at 2098-01-01T00:00:00Z (in ") {
		t.Errorf("%+v", got)
	}
}

// A wait is said once.
func TestWhySaysAWaitOnce(t *testing.T) {
	w := &api.Why{Kind: "job", ID: "web", Summary: "0 of 1 allocations run; group web: " + waitsForDB + ".", Facts: []api.WhyFact{{Label: "status", Value: "pending"}},
		Waiting: []api.WhyWaiting{{Subject: "group web", Reason: waitsForDB, Explanation: heldBack()}, {Subject: "group two", Reason: "no node can take it"}}}
	f := newFake(t, map[string]any{"GET /v1/explain/job/web": w})
	got := f.berth(t, "why", "web")
	if got.code != 0 || strings.Count(got.out, waitsForDB) != 1 || strings.Count(got.out, `it goes on when job "db" is healthy`) != 1 || !strings.Contains(got.out, "group two: no node can take it") {
		t.Errorf("%+v", got)
	}
}

// Who sets a job aside is told how it goes on.
func TestASuspendedJobSaysHowItGoesOn(t *testing.T) {
	for args, want := range map[string]bool{"job suspend web": true, "job suspend -detach web": false, "job resume web": false} {
		f := newFake(t, changeRoutes())
		if got := f.berth(t, strings.Fields(args)...); got.code != 0 || strings.Contains(got.out, "next: berth job resume web") != want {
			t.Errorf("%s: %+v", args, got)
		}
	}
	routes := changeRoutes()
	routes["PUT /v1/job/web/suspend"] = map[string]any{} // of a job that never runs itself
	if got := newFake(t, routes).berth(t, "job", "suspend", "web"); !strings.Contains(got.out, "next: berth job resume web") {
		t.Errorf("%+v", got)
	}
}

// What is next can be typed as it stands, also for a job of another namespace.
func TestWhatIsNextNamesTheNamespace(t *testing.T) {
	x := completeEval()
	x.Namespace, x.FailedTGAllocs = "ml", map[string]*structs.AllocMetric{"web": {NodesEvaluated: 1}}
	f := newFake(t, runRoutes(map[string]any{"GET /v1/evaluation/" + evalOne.String(): story(pendingEval(), x)}))
	if got := f.berth(t, "job", "run", jobFile(t, webFile)); got.code != 2 || !strings.Contains(got.out, "next: berth why -namespace ml web") {
		t.Errorf("%+v", got)
	}
}
