package cli

import (
	"strings"
	"testing"

	"berth/api"
	"berth/structs"
)

// changeRoutes answer every change with an evaluation that is over, of a job that runs.
func changeRoutes() map[string]any {
	routes := webRoutes()
	for k, v := range runRoutes(nil) {
		routes[k] = v
	}
	answer := map[string]any{"EvalID": evalOne}
	for _, key := range []string{"PUT /v1/job/web/evaluate", "PUT /v1/job/web/revert", "PUT /v1/job/web/scale", "PUT /v1/job/web/suspend", "PUT /v1/deployment/promote/" + deployOne.String(),
		"PUT /v1/deployment/fail/" + deployOne.String(), "PUT /v1/deployment/pause/" + deployOne.String(), "PUT /v1/allocation/" + allocOne.String() + "/stop",
		"PUT /v1/client/allocation/" + allocOne.String() + "/restart", "PUT /v1/client/allocation/" + allocOne.String() + "/signal",
		"PUT /v1/node/" + nodeOne.String() + "/eligibility", "PUT /v1/node/" + nodeOne.String() + "/drain", "PUT /v1/node/" + nodeOne.String() + "/taints",
		"PUT /v1/priority-class/low", "DELETE /v1/priority-class/low", "PUT /v1/disruption-budget/quorum", "DELETE /v1/disruption-budget/quorum", "PUT /v1/queue/ml", "DELETE /v1/queue/ml", "PUT /v1/system/gc"} {
		routes[key] = answer
	}
	routes["GET /v1/job/web/deployment"] = webDeployment("successful")
	return routes
}

func TestChangesSendWhatWasAskedFor(t *testing.T) {
	node := "PUT /v1/node/" + nodeOne.String()
	for _, c := range []struct{ args, key, want string }{
		{"job eval -force-reschedule web", "PUT /v1/job/web/evaluate", "true"},
		{"job revert web 1", "PUT /v1/job/web/revert", `"JobVersion":1`},
		{"job scale web 4", "PUT /v1/job/web/scale", `"Count":4`},
		{"job scale web web 0", "PUT /v1/job/web/scale", `"Count":0`},
		{"job suspend web", "PUT /v1/job/web/suspend", `"Suspend":true`},
		{"job resume -detach web", "PUT /v1/job/web/suspend", `"Suspend":false`},
		{"deployment promote -detach -group web d0", "PUT /v1/deployment/promote/" + deployOne.String(), `"Groups":["web"]`},
		{"deployment fail -detach d0", "PUT /v1/deployment/fail/" + deployOne.String(), ""},
		{"deployment pause d0", "PUT /v1/deployment/pause/" + deployOne.String(), `"Pause":true`},
		{"deployment resume d0", "PUT /v1/deployment/pause/" + deployOne.String(), `"Pause":false`},
		{"alloc stop -detach c0", "PUT /v1/allocation/" + allocOne.String() + "/stop", ""},
		{"alloc restart -task server c0", "PUT /v1/client/allocation/" + allocOne.String() + "/restart", "server"},
		{"alloc restart -all-tasks c0", "PUT /v1/client/allocation/" + allocOne.String() + "/restart", `"AllTasks":true`},
		{"alloc signal -s SIGHUP c0 server", "PUT /v1/client/allocation/" + allocOne.String() + "/signal", "SIGHUP"},
		{"node eligibility -disable one", node + "/eligibility", `"ineligible"`},
		{"node drain -enable -detach -deadline 5m -m moving one", node + "/drain", `"moving"`},
		{"node drain -enable -detach -force one", node + "/drain", `"Deadline":-1`},
		{"node drain -enable -detach -no-deadline -ignore-system one", node + "/drain", `"IgnoreSystemJobs":true`},
		{"node drain -disable one", node + "/drain", `"MarkEligible":true`},
		{"node drain -disable -keep-ineligible one", node + "/drain", `"MarkEligible":false`},
		{"node taint -add dedicated=gpu:NoSchedule one", node + "/taints", `"Effect":"NoSchedule"`},
		{"priority-class apply -value 20 -preemption never low", "PUT /v1/priority-class/low", `"PreemptionPolicy":"never"`},
		{"priority-class delete low", "DELETE /v1/priority-class/low", ""},
		{"disruption-budget apply -min-available 50% -job db-* -meta tier=data quorum", "PUT /v1/disruption-budget/quorum", `"MinAvailable":"50%"`},
		{"disruption-budget delete quorum", "DELETE /v1/disruption-budget/quorum", ""},
		{"queue apply -of ml,lab -weight 3 -guarantee-cpu 2000 -limit-memory 4096 -lending wait ml", "PUT /v1/queue/ml",
			`"Namespaces":["ml","lab"],"Weight":3,"Guarantee":{"CPU":2000,"MemoryMB":0},"Limit":{"CPU":0,"MemoryMB":4096},"Lending":"wait"`},
		{"queue apply -of ml, -of lab -weight 1 ml", "PUT /v1/queue/ml", `"Namespaces":["ml","lab"],"Weight":1`},
		{"queue delete ml", "DELETE /v1/queue/ml", ""},
		{"system gc", "PUT /v1/system/gc", ""},
	} {
		t.Run(c.args, func(t *testing.T) {
			f := newFake(t, changeRoutes())
			got := f.berth(t, strings.Fields(c.args)...)
			sent, asked := f.sent(c.key)
			if got.code != 0 || got.err != "" || !asked || !strings.Contains(string(sent), c.want) {
				t.Errorf("exit code %d, sent %q (%t)\n%s%s", got.code, sent, asked, got.err, got.out)
			}
		})
	}
}

func TestADrainIsWatchedToItsEnd(t *testing.T) {
	draining, ended := webNode(), webNode()
	draining.DrainStrategy = &structs.DrainStrategy{}
	ended.SchedulingEligibility = structs.NodeIneligible
	gone := webAlloc()
	gone.DesiredStatus, gone.ClientStatus = structs.AllocDesiredStop, structs.AllocClientComplete
	routes := changeRoutes()
	routes["GET /v1/node/"+nodeOne.String()] = steps(draining, draining, ended)
	routes["GET /v1/node/"+nodeOne.String()+"/allocations"] = steps([]*api.Allocation{webAlloc()}, []*api.Allocation{gone})
	f := newFake(t, routes)
	got := f.berth(t, "node", "drain", "-enable", "one")
	if got.code != 0 || !strings.Contains(got.out, `Alloc "c0000001" has ended: complete`) || !strings.Contains(got.out, "Drain complete for node") {
		t.Errorf("%+v", got)
	}
}

func TestWrongChangesAreRefusedBeforeTheyAreSent(t *testing.T) {
	for args, want := range map[string]string{
		"job scale web many": "not a number", "node drain -enable -deadline -1s one": "-force",
		"node drain -enable -disable one": "disable", "node drain -enable -meta x one": "key=value", "node eligibility -enable": "-self",
		"node taint -add x one": "no effect", "node taint -remove x one": "has no taint",
	} {
		f := newFake(t, changeRoutes())
		got := f.berth(t, strings.Fields(args)...)
		if got.code != 1 || !strings.Contains(got.err, want) {
			t.Errorf("%s: %+v", args, got)
		}
		for _, a := range f.requests() {
			if strings.HasPrefix(a, "PUT") {
				t.Errorf("%s sent %s", args, a)
			}
		}
	}
}

func TestAStoppedJobIsStartedAsItWas(t *testing.T) {
	routes := changeRoutes()
	stopped := webJob()
	stopped.Stop, stopped.JobModifyIndex = true, 7
	routes["GET /v1/job/web"] = stopped
	routes["GET /v1/job/web/submission"] = &structs.JobSubmission{Source: "as it was written", Format: "hcl2"}
	routes["PUT /v1/jobs"] = &structs.JobRegisterResponse{EvalID: evalOne}
	f := newFake(t, routes)
	if got := f.berth(t, "job", "start", "-detach", "web"); got.code != 0 || !strings.Contains(got.out, evalOne.String()) {
		t.Fatalf("%+v", got)
	}
	sent, _ := f.sent("PUT /v1/jobs")
	for _, want := range []string{`"Stop":false`, `"EnforceIndex":true`, `"JobModifyIndex":7`, "as it was written"} {
		if !strings.Contains(string(sent), want) {
			t.Errorf("not sent: %s\n%s", want, sent)
		}
	}
	f = newFake(t, changeRoutes())
	if got := f.berth(t, "start", "web"); got.code != 1 || !strings.Contains(got.err, `job "web" is not stopped`) {
		t.Errorf("%+v", got)
	}
}
