package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"berth/structs"
)

// story answers a route with one value after the other, each to the question that waits for a change of the one before. The last
// one stays.
func story(values ...any) func(http.ResponseWriter, *http.Request) {
	var mu sync.Mutex
	at := 0
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if r.URL.Query().Get("index") == fmt.Sprint(10+at) {
			at++
		}
		n := at
		mu.Unlock()
		if n >= len(values) {
			mu.Lock()
			at = len(values) - 1
			mu.Unlock()
			<-r.Context().Done()
			return
		}
		w.Header().Set("X-Nomad-Index", fmt.Sprint(10+n))
		if v, ok := values[n].(refusal); ok {
			http.Error(w, v.text, v.status)
			return
		}
		_ = json.NewEncoder(w).Encode(values[n])
	}
}

const webFile = `job "web" {
  group "web" {
    task "server" {
      driver = "docker"
      config {
        image = "web:1"
      }
    }
  }
}
`

func jobFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "web.hcl")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func pendingEval() *structs.Evaluation {
	return &structs.Evaluation{ID: evalOne, Namespace: "default", JobID: "web", TriggeredBy: structs.EvalTriggerJobRegister, Status: "pending", CreateIndex: 5, ModifyIndex: 5}
}

func completeEval() *structs.Evaluation {
	x := pendingEval()
	x.Status, x.ModifyIndex = "complete", 6
	return x
}

// allocAs is the job's allocation in a state.
func allocAs(status string, events ...*structs.TaskEvent) []*structs.AllocListStub {
	a := webAllocs()[0]
	a.ClientStatus = status
	a.TaskStates = map[string]*structs.TaskState{"server": {State: "pending", Failed: status == "failed", Events: events}}
	return []*structs.AllocListStub{a}
}

func rolloutAs(status, description string, healthy, unhealthy int) *structs.Deployment {
	d := webDeployment(status)
	d.StatusDescription = description
	d.TaskGroups["web"].HealthyAllocs, d.TaskGroups["web"].UnhealthyAllocs = healthy, unhealthy
	return d
}

// runRoutes are those of a job that was just registered.
func runRoutes(more map[string]any) map[string]any {
	routes := map[string]any{
		"PUT /v1/jobs":                             structs.JobRegisterResponse{EvalID: evalOne, JobModifyIndex: 7},
		"GET /v1/evaluation/" + evalOne.String():   story(pendingEval(), completeEval()),
		"GET /v1/job/web":                          webJob(),
		"GET /v1/job/web/deployment":               nil,
		"GET /v1/job/web/allocations":              story(allocAs("running")),
		"GET /v1/allocation/" + allocOne.String():  webAlloc(),
		"GET /v1/deployment/" + deployOne.String(): rolloutAs("running", "", 0, 0),
	}
	for k, v := range more {
		routes[k] = v
	}
	return routes
}

func TestRunFollowsWhatBecomesOfAJob(t *testing.T) {
	failedEval, noPlace, canary := completeEval(), completeEval(), rolloutAs("running", structs.DeploymentDescNeedsPromotion, 1, 0)
	failedEval.Status, failedEval.StatusDescription = "failed", "maximum attempts reached (5)"
	noPlace.FailedTGAllocs, noPlace.Explanations, noPlace.BlockedEval = noRoom().FailedTGAllocs, noRoom().Explanations, evalTwo
	canary.TaskGroups["web"].DesiredCanaries = 1
	eval, allocs := "GET /v1/evaluation/"+evalOne.String(), "GET /v1/job/web/allocations"
	latest, deployment := "GET /v1/job/web/deployment", "GET /v1/deployment/"+deployOne.String()
	for _, c := range []struct {
		name   string
		code   int
		routes map[string]any
		says   []string
	}{
		{"a service that becomes healthy", 0, map[string]any{
			latest:     rolloutAs("running", "", 0, 0),
			deployment: story(rolloutAs("running", "", 0, 0), rolloutAs("running", "", 1, 0), rolloutAs("successful", structs.DeploymentDescSuccessful, 1, 0)),
		}, []string{`finished with status "complete"`, `Allocation "c0000001" created: node "a0000001", group "web"`, "web 1 of 1 healthy", `Deployment "d0000001" successful`,
			"port http at 127.0.0.1:8080", "berth job status web"}},
		{"a batch job that starts", 0, map[string]any{allocs: story(allocAs("pending"), allocAs("running"))},
			[]string{`status changed: "pending" -> "running"`, "berth alloc logs -job web"}},
		{"a batch job that is over at once", 0, map[string]any{allocs: story(allocAs("complete"))}, []string{`"pending" -> "complete"`}},
		{"a task that cannot start", 1, map[string]any{allocs: story(allocAs("pending"), allocAs("failed",
			&structs.TaskEvent{Type: structs.TaskDriverFailure, Time: 2, DisplayMessage: "image web:1 was not found"}))},
			[]string{`Task "server" of "c0000001": Driver Failure: image web:1 was not found`, "berth alloc status c0000001"}},
		{"no room", 2, map[string]any{eval: story(noPlace)}, []string{"failed to place all allocations", `Dimension "memory" exhausted on 2 nodes`,
			`Evaluation "e0000002" waiting for additional capacity`, "berth why web"}},
		{"an evaluation that fails", 1, map[string]any{eval: story(failedEval)}, []string{`status "failed"`, "maximum attempts reached"}},
		{"a rollout that fails", 1, map[string]any{
			latest:     rolloutAs("running", "", 0, 0),
			deployment: story(rolloutAs("running", "", 0, 1), rolloutAs("failed", structs.DeploymentDescProgressDeadline, 0, 1)),
		}, []string{"web 0 of 1 healthy, 1 unhealthy", "failed: " + structs.DeploymentDescProgressDeadline, "next: berth "}},
		{"canaries", 0, map[string]any{latest: canary, deployment: story(canary)}, []string{"1 of 1 canaries healthy", "berth deployment promote d0000001"}},
		{"the agent goes away", 1, map[string]any{allocs: refusal{500, "no leader"}}, []string{"no leader", "goes on without this command"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t, runRoutes(c.routes))
			got := f.berth(t, "job", "run", jobFile(t, webFile))
			if got.code != c.code {
				t.Errorf("exit code %d", got.code)
			}
			for _, text := range c.says {
				if !strings.Contains(got.out+got.err, text) {
					t.Errorf("does not say %q", text)
				}
			}
			if t.Failed() {
				t.Log(got.out + got.err)
			}
		})
	}
}

func TestRunSendsTheJobAndItsText(t *testing.T) {
	f := newFake(t, runRoutes(nil))
	got := f.berth(t, "job", "run", "-detach", "-check-index", "7", "-preserve-counts", jobFile(t, webFile))
	if got.code != 0 || got.out != "Job registration successful\nEvaluation ID: "+evalOne.String()+"\n" {
		t.Fatalf("%+v", got)
	}
	body := f.body(t, "PUT /v1/jobs")
	job, _ := body["Job"].(map[string]any)
	sub, _ := body["Submission"].(map[string]any)
	if job["ID"] != "web" || sub["Source"] != webFile || sub["Format"] != "hcl2" || body["EnforceIndex"] != true || body["JobModifyIndex"] != 7.0 || body["PreserveCounts"] != true {
		t.Errorf("sent %v", body)
	}
}

func TestABrokenFileIsNotSent(t *testing.T) {
	f := newFake(t, runRoutes(nil))
	got := f.berth(t, "job", "run", jobFile(t, strings.Replace(webFile, "driver", "drvier", 1)))
	if got.code != 1 || !strings.Contains(got.err, "web.hcl:4:7") || !strings.Contains(got.err, "driver") || len(f.requests()) > 0 {
		t.Errorf("%+v; asked %v", got, f.requests())
	}
}

func TestStopWaitsUntilEverythingHasEnded(t *testing.T) {
	stopped := webJob()
	stopped.Stop = true
	x := completeEval()
	x.TriggeredBy = structs.EvalTriggerJobDeregister
	for name, job := range map[string]any{"stopped": stopped, "purged": refusal{404, "job not found"}} {
		f := newFake(t, map[string]any{
			"GET /v1/jobs":                           []*structs.JobListStub{webStub()},
			"DELETE /v1/job/web":                     map[string]any{"EvalID": evalOne},
			"GET /v1/evaluation/" + evalOne.String(): story(x),
			"GET /v1/job/web":                        job,
			"GET /v1/job/web/allocations":            story(allocAs("running"), allocAs("complete")),
		})
		got := f.berth(t, "job", "stop", "web")
		if got.code != 0 || !strings.Contains(got.out, `"running" -> "complete"`) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A job that was not named whole is stopped or started only when somebody says that it is meant.
func TestAJobThatWasNotNamedWhole(t *testing.T) {
	for _, command := range []string{"stop -detach", "start -detach", "restart"} {
		for _, c := range []struct {
			args, stdin string
			meant       bool
		}{{"we", "", false}, {"we", "n\n", false}, {"we", "y\n", true}, {"-yes we", "", true}, {"web", "", true}} {
			job := webJob()
			job.Stop = true
			f := newFake(t, map[string]any{
				"GET /v1/jobs":                           []*structs.JobListStub{webStub()},
				"DELETE /v1/job/web":                     map[string]any{"EvalID": evalOne},
				"GET /v1/job/web":                        job,
				"GET /v1/job/web/submission":             refusal{404, "none"},
				"PUT /v1/jobs":                           map[string]any{"EvalID": evalOne},
				"GET /v1/job/web/allocations":            []any{},
				"GET /v1/job/web/deployments":            []any{},
				"GET /v1/evaluation/" + evalOne.String(): story(completeEval()),
			})
			t.Setenv("NOMAD_ADDR", f.URL)
			got := berth(t, c.stdin, strings.Fields("job "+command+" "+c.args)...)
			if went := len(f.requests()) > 1; went != c.meant {
				t.Errorf("%s %s after %q: asked %v, said %+v", command, c.args, c.stdin, f.requests(), got)
			}
			if c.meant != (got.code == 0) || !c.meant && !strings.Contains(got.err, `nothing was changed: give the whole id "web", or -yes`) {
				t.Errorf("%s %s after %q: %+v", command, c.args, c.stdin, got)
			}
			if asked := strings.Contains(got.out, `No job has the id "we"; is "web" meant?`); asked != (c.args == "we") {
				t.Errorf("%s %s: %+v", command, c.args, got)
			}
		}
	}
}

// steps answers a route with one value after the other, whatever is asked; the last one stays.
func steps(values ...any) func(http.ResponseWriter, *http.Request) {
	var mu sync.Mutex
	at := 0
	return func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		v := values[min(at, len(values)-1)]
		at++
		mu.Unlock()
		_ = json.NewEncoder(w).Encode(v)
	}
}
