package cli

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"berth/api"
	"berth/structs"
)

func TestSchedulerConfiguration(t *testing.T) {
	cfg := structs.DefaultSchedulerConfiguration()
	cfg.ModifyIndex = 5
	f := newFake(t, map[string]any{
		"GET /v1/operator/scheduler/configuration": api.SchedulerConfigurationResponse{SchedulerConfig: cfg},
		"PUT /v1/operator/scheduler/configuration": api.SchedulerSetResponse{Updated: true},
	})
	if got := f.berth(t, "operator", "scheduler", "get-config"); got.code != 0 || !strings.Contains(got.out, "Scheduler Algorithm           = binpack") {
		t.Errorf("%+v", got)
	}
	got := f.berth(t, "operator", "scheduler", "set-config", "-scheduler-algorithm=spread", "-preempt-service-scheduler")
	if got.code != 0 {
		t.Fatalf("%+v", got)
	}
	sent := f.body(t, "PUT /v1/operator/scheduler/configuration")
	pre, _ := sent["PreemptionConfig"].(map[string]any)
	if sent["SchedulerAlgorithm"] != "spread" || pre["ServiceSchedulerEnabled"] != true || pre["SystemSchedulerEnabled"] != true || pre["BatchSchedulerEnabled"] != false ||
		sent["NodeLimitForFeasibilityChecks"] != 100.0 {
		t.Errorf("sent %v", sent)
	}
	if asked := f.last(); !strings.Contains(asked, "cas=5") {
		t.Error(asked)
	}
	f.routes["PUT /v1/operator/scheduler/configuration"] = api.SchedulerSetResponse{}
	if got := f.berth(t, "operator", "scheduler", "set-config", "-check-index=3"); got.code != 1 || !strings.Contains(got.err, "somebody changed") {
		t.Errorf("%+v", got)
	}
}

func TestServersAndTheirLeader(t *testing.T) {
	f := newFake(t, map[string]any{
		"GET /v1/agent/members": api.ServerMembers{Members: []*api.AgentMember{
			{Name: "a.global", Addr: "10.0.0.1", Port: 4648, Status: "alive", Tags: map[string]string{"dc": "dc1", "region": "global", "build": "0.1.0"}},
			{Name: "b.global", Addr: "10.0.0.2", Port: 4648, Status: "alive", Tags: map[string]string{"dc": "dc1", "region": "global", "build": "0.1.0"}},
			{Name: "c.north", Addr: "10.0.2.1", Port: 4648, Status: "failed", Tags: map[string]string{"dc": "dc3", "region": "north", "build": "0.1.0"}},
			{Name: "c.south", Addr: "10.0.3.1", Port: 4648, Status: "alive", Tags: map[string]string{"dc": "dc4", "region": "south", "build": "0.1.0"}},
			{Name: "d.west", Addr: "10.0.1.1", Port: 4648, Status: "alive", Tags: map[string]string{"dc": "dc2", "region": "west", "build": "0.1.0"}}}},
		"GET /v1/status/leader": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("region") == "south" { // it was just cut off
				<-r.Context().Done()
				return
			}
			_ = json.NewEncoder(w).Encode(map[string]string{"global": "10.0.0.2:4647", "west": "10.0.1.1:4647"}[r.URL.Query().Get("region")])
			if region := r.URL.Query().Get("region"); region == "north" {
				t.Error("a region of which nobody is alive was asked")
			}
		},
	})
	golden(t, "server-members", f.berth(t, "server", "members").out)
}

func TestAnyRequest(t *testing.T) {
	f := newFake(t, map[string]any{
		"GET /v1/jobs":       []string{"a"},
		"PUT /v1/system/gc":  func(http.ResponseWriter, *http.Request) {},
		"DELETE /v1/job/web": refusal{404, "job not found"},
		"PUT /v1/jobs/parse": map[string]string{"ID": "web"},
	})
	if got := f.berth(t, "operator", "api", "/v1/jobs?prefix=a"); got.code != 0 || got.out != "[\"a\"]\n" || !strings.Contains(f.requests()[0], "prefix=a") {
		t.Errorf("%+v %v", got, f.requests())
	}
	if got := f.berth(t, "operator", "api", "-X", "PUT", "v1/system/gc"); got.code != 0 {
		t.Errorf("%+v", got)
	}
	if got := f.berth(t, "operator", "api", "-X", "delete", "/v1/job/web"); got.code != 1 || !strings.Contains(got.err, "job not found") {
		t.Errorf("%+v", got)
	}
	if got := f.berth(t, "operator", "api", "/v1/jobs/parse", `{"JobHCL":"x"}`); got.code != 0 || f.body(t, "PUT /v1/jobs/parse")["JobHCL"] != "x" {
		t.Errorf("%+v", got)
	}
}
