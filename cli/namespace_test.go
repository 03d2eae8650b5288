package cli

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/api"
	"berth/structs"
)

func nothingToSay(http.ResponseWriter, *http.Request) {}

func TestNamespaces(t *testing.T) {
	dev := &structs.Namespace{Name: "dev", Description: "for tests", Meta: map[string]string{"team": "a"},
		Capabilities: &structs.NamespaceCapabilities{EnabledTaskDrivers: []string{"containerd", "docker"}, DisabledNetworkModes: []string{"host"}}}
	f := newFake(t, map[string]any{
		"GET /v1/namespaces":       []*structs.Namespace{{Name: "default", Description: "Default shared namespace"}, dev},
		"PUT /v1/namespace":        nothingToSay,
		"DELETE /v1/namespace/dev": nothingToSay,
	})
	golden(t, "namespace-list", f.berth(t, "namespace", "list").out)
	golden(t, "namespace-status", f.berth(t, "namespace", "status", "dev").out)
	sent := func() *structs.Namespace {
		t.Helper()
		ns := &structs.Namespace{}
		if err := json.Unmarshal(f.text("PUT /v1/namespace"), ns); err != nil {
			t.Fatal(err)
		}
		return ns
	}
	if got := f.berth(t, "namespace", "apply", "-description=more", "dev"); got.code != 0 || got.out != "Successfully applied namespace \"dev\"!\n" {
		t.Errorf("%+v", got)
	}
	if ns := sent(); ns.Description != "more" || ns.Meta["team"] != "a" || len(ns.Capabilities.EnabledTaskDrivers) != 2 {
		t.Errorf("what no flag names was changed: %+v", ns)
	}
	file := filepath.Join(t.TempDir(), "ops.hcl")
	if err := os.WriteFile(file, []byte("name = \"ops\"\ncapabilities {\n  disabled_task_drivers = [\"docker\"]\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := f.berth(t, "namespace", "apply", file); got.code != 0 {
		t.Errorf("%+v", got)
	}
	if ns := sent(); ns.Name != "ops" || ns.Capabilities.DisabledTaskDrivers[0] != "docker" {
		t.Errorf("sent %+v", ns)
	}
	if err := os.WriteFile(file, []byte("nmae = \"ops\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := f.berth(t, "namespace", "apply", file); got.code != 1 || !strings.Contains(got.err, "nmae") || !strings.Contains(got.err, "nothing was sent") {
		t.Errorf("%+v", got)
	}
	if got := f.berth(t, "namespace", "inspect", "dev"); got.code != 0 || !strings.Contains(got.out, `"EnabledTaskDrivers": [`) {
		t.Errorf("%+v", got)
	}
	if got := f.berth(t, "namespace", "status", "d"); got.code != 1 || !strings.Contains(got.err, "2 namespaces begin with") {
		t.Errorf("%+v", got)
	}
	if got := f.berth(t, "namespace", "delete", "dev"); got.code != 0 || !strings.Contains(got.out, "deleted") {
		t.Errorf("%+v", got)
	}
}

func TestNodePools(t *testing.T) {
	gpu := &structs.NodePool{Name: "gpu", Description: "cards", Meta: map[string]string{"owner": "sre"}}
	f := newFake(t, map[string]any{
		"GET /v1/node/pools":          []*structs.NodePool{{Name: "default", Description: "Default node pool"}, gpu},
		"GET /v1/node/pool/gpu/nodes": []*api.NodeListStub{{ID: structs.ID{0: 1}, Name: "n1", NodePool: "gpu", Datacenter: "dc1", SchedulingEligibility: "eligible", Status: "ready"}},
		"GET /v1/node/pool/gpu/jobs":  []*structs.JobListStub{{ID: "train", Namespace: "dev", Type: "batch", Priority: 50, Status: "running"}},
		"PUT /v1/node/pools":          nothingToSay,
		"DELETE /v1/node/pool/gpu":    nothingToSay,
	})
	golden(t, "node-pool-list", f.berth(t, "node", "pool", "list").out)
	golden(t, "node-pool-info", f.berth(t, "node", "pool", "info", "gpu").out)
	golden(t, "node-pool-nodes", f.berth(t, "node", "pool", "nodes", "gpu").out)
	golden(t, "node-pool-jobs", f.berth(t, "node", "pool", "jobs", "gpu").out)
	file := filepath.Join(t.TempDir(), "pool.hcl")
	if got := f.berth(t, "node", "pool", "init", file); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	if got := f.berth(t, "node", "pool", "apply", file); got.code != 0 {
		t.Fatalf("what init writes is not applied: %+v", got)
	}
	sent := &structs.NodePool{}
	if err := json.Unmarshal(f.text("PUT /v1/node/pools"), sent); err != nil || sent.Name != "example" || sent.Meta["owner"] != "sre" {
		t.Errorf("sent %+v, %v", sent, err)
	}
	if got := f.berth(t, "node", "pool", "delete", "gpu"); got.code != 0 {
		t.Errorf("%+v", got)
	}
}

func TestRegions(t *testing.T) {
	f := newFake(t, map[string]any{
		"GET /v1/operator/regions": []*api.Region{{Name: "east", Roots: []string{"13624016d82072890e32c5370fd0b096"}, Members: 3, Alive: 2},
			{Name: "north", Via: "east", Members: 1, Alive: 1}},
		"GET /v1/operator/replication": func(w http.ResponseWriter, r *http.Request) {
			at := time.Unix(1_700_000_000, 0).UTC()
			is := map[string]*api.ReplicationStatus{
				"":      {Region: "west", AuthoritativeRegion: "east", Follows: true, LastSuccess: &at, Age: 3_200_000_000, Applied: 41, Aside: []string{`namespace old: it has job "web", which is not dead`}},
				"north": {Region: "north", AuthoritativeRegion: "east", Follows: true, Error: `follow region "east": no server of it answers`, FailingSince: &at},
				"east":  {Region: "east", AuthoritativeRegion: "east"},
			}[r.URL.Query().Get("region")]
			_ = json.NewEncoder(w).Encode(is)
		},
		"PUT /v1/operator/region/join":    api.RegionJoinResponse{Regions: []string{"east", "north"}},
		"DELETE /v1/operator/region/east": nothingToSay,
		"PUT /v1/operator/join-token":     api.JoinToken{ID: "0b5c6a30-1111-4222-8333-444455556666", Role: "region", Token: "berth-join-region-AQ"},
	})
	golden(t, "region-list", f.berth(t, "operator", "region", "list").out)
	golden(t, "region-status", f.berth(t, "operator", "region", "status").out+"\n"+f.berth(t, "operator", "region", "status", "-region=north").out+"\n"+
		f.berth(t, "operator", "region", "status", "-region=east").out)
	golden(t, "region-token", f.berth(t, "operator", "join-token", "create", "-role=region").out)
	if got := f.berth(t, "server", "join", "berth-join-region-AQ"); got.code != 0 || got.out != "Joined with region east, north\n" ||
		!strings.Contains(string(f.text("PUT /v1/operator/region/join")), "berth-join-region-AQ") {
		t.Errorf("%+v", got)
	}
	if got := f.berth(t, "operator", "region", "forget", "east"); got.code != 0 || got.out != "Region east is no longer trusted\n" {
		t.Errorf("%+v", got)
	}
}

func TestTheAutopilotIsChanged(t *testing.T) {
	answer := true
	f := newFake(t, map[string]any{
		"GET /v1/operator/autopilot/configuration": api.AutopilotConfiguration{CleanupDeadServers: true, LastContactThreshold: "200ms", MaxTrailingLogs: 250,
			ServerStabilizationTime: "10s", ModifyIndex: 7},
		"PUT /v1/operator/autopilot/configuration": func(w http.ResponseWriter, r *http.Request) {
			_ = json.NewEncoder(w).Encode(answer && r.URL.Query().Get("cas") == "7")
		},
	})
	if got := f.berth(t, "operator", "autopilot", "set-config", "-cleanup-dead-servers=false", "-min-quorum=3"); got.code != 0 || got.out != "Configuration updated!\n" {
		t.Errorf("%+v", got)
	}
	answer = false
	if got := f.berth(t, "operator", "autopilot", "set-config", "-min-quorum=5"); got.code != 1 || !strings.Contains(got.err, "somebody else") {
		t.Errorf("%+v", got)
	}
}
