package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"berth/structs"
)

// asked registers a job and gives its evaluation as it was made.
func (r *rig) asked(req *structs.JobRegisterRequest) *structs.Evaluation {
	r.Helper()
	out := r.do(http.MethodPut, "/v1/jobs", req)
	var resp structs.JobRegisterResponse
	if err := json.Unmarshal([]byte(out.body), &resp); err != nil || out.status != http.StatusOK {
		r.Fatalf("register: %d %s", out.status, out.body)
	}
	e := r.server.State().Snapshot().Eval(resp.EvalID)
	if e == nil || e.CreateIndex != resp.EvalCreateIndex {
		r.Fatalf("evaluation %s is not what was answered: %+v", resp.EvalID, e)
	}
	return e
}

// TestAJobThatAsksForNothing: its evaluation is decided by its registration, one write, as long as there is nothing of the job; the job and
// its summary are as after a decision.
func TestAJobThatAsksForNothing(t *testing.T) {
	r := newRig(t)
	decided := func(what string, e *structs.Evaluation) {
		t.Helper()
		if e.Status != structs.EvalStatusComplete || e.ModifyIndex != e.CreateIndex || len(e.QueuedAllocations) != 1 {
			t.Errorf("%s is not decided by its registration: %+v", what, e)
		}
	}
	decided("a new job", r.asked(&structs.JobRegisterRequest{Job: job("web", 0)}))
	s := r.server.State().Snapshot()
	if j := s.Job("default", "web"); j.Status != structs.JobStatusDead || j.Version != 0 {
		t.Errorf("the job is %s, version %d", j.Status, j.Version)
	}
	if sum := s.JobSummary("default", "web").Summary["g"]; sum != (structs.TaskGroupSummary{}) {
		t.Errorf("its summary is %+v", sum)
	}
	again := job("web", 0)
	again.Meta = map[string]string{"a": "b"}
	decided("its next version", r.asked(&structs.JobRegisterRequest{Job: again}))
	current := r.server.State().Snapshot().Job("default", "web")
	decided("a version on top of the one that is named", r.asked(&structs.JobRegisterRequest{Job: job("web", 0), EnforceIndex: true, JobModifyIndex: current.JobModifyIndex}))
	out := r.do(http.MethodPut, "/v1/jobs", &structs.JobRegisterRequest{Job: again, EnforceIndex: true, JobModifyIndex: current.JobModifyIndex})
	if out.status != http.StatusConflict || !strings.HasPrefix(out.body, "Enforcing job modify index") {
		t.Errorf("on top of another: %d %s", out.status, out.body)
	}

	r.register(job("web", 2))
	if e := r.asked(&structs.JobRegisterRequest{Job: job("web", 0)}); e.ModifyIndex == e.CreateIndex && e.Status == structs.EvalStatusComplete {
		t.Error("what runs is not looked at when its job asks for nothing any more")
	}
	r.register(job("web", 0))
	for a := range r.server.State().Snapshot().AllocsByJob("default", "web") {
		if a.DesiredStatus != structs.AllocDesiredStop {
			t.Errorf("allocation %s goes on", a.Name())
		}
	}
}

// TestWhoseRegistrationMustBeDecided: what may place or stop something between the look and the write is looked at by the scheduler.
func TestWhoseRegistrationMustBeDecided(t *testing.T) {
	r := newRig(t)
	for i := range 3 { // versions of what the node cannot run: their evaluation waits
		j := job("waits", 1)
		j.Meta, j.Datacenters = map[string]string{"n": string(rune('0' + i))}, []string{"nowhere"}
		r.register(j)
	}
	s := r.server.State().Snapshot()
	for what, cmd := range map[string]*structs.JobRegisterCommand{
		"one that asks for something":             {Job: job("a", 1), Eval: &structs.Evaluation{}},
		"one that keeps the counts":               {Job: job("a", 0), Eval: &structs.Evaluation{}, PreserveCounts: true},
		"one without an evaluation":               {Job: job("a", 0)},
		"one on top of an index it does not have": {Job: job("a", 0), Eval: &structs.Evaluation{}, EnforceIndex: true, Index: 7},
		"one whose last version waits for room":   {Job: job("waits", 0), Eval: &structs.Evaluation{}},
	} {
		cmd.Job.Canonicalize()
		if _, ok := asksNothing(s, cmd); ok {
			t.Errorf("%s is said to ask for nothing", what)
		}
	}
}

// TestARegistrationInBetween: what was said of a job holds only for the version that was looked at.
func TestARegistrationInBetween(t *testing.T) {
	r := newRig(t)
	j := job("web", 0)
	j.Canonicalize()
	before := r.server.State().Snapshot()
	r.register(job("web", 2))
	e := r.api.newEval(j, structs.EvalTriggerJobRegister, 0)
	hr, err := http.NewRequestWithContext(t.Context(), http.MethodPut, r.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	applied, err := r.api.propose(&request{Request: hr, api: r.api}, before, &structs.JobRegisterCommand{Job: j, Eval: e})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.server.State().Snapshot().Eval(e.ID); got.CreateIndex != applied.Index || got.Status == structs.EvalStatusComplete && got.ModifyIndex == got.CreateIndex {
		t.Errorf("decided on a version that was replaced: %+v", got)
	}
}
