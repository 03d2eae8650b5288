package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"berth/api"
)

func TestWhatANamespaceAndAPoolMayBe(t *testing.T) {
	r := newRig(t)
	long := strings.Repeat("x", 257)
	for _, c := range []struct {
		path string
		body map[string]any
		code int
		want string
	}{
		{"/v1/namespace", map[string]any{"Name": "dev-1"}, 200, ""},
		{"/v1/namespace", map[string]any{"Name": "under_score"}, 400, "invalid name"},
		{"/v1/namespace", map[string]any{"Name": ""}, 400, "invalid name"},
		{"/v1/namespace", map[string]any{"Name": strings.Repeat("n", 129)}, 400, "invalid name"},
		{"/v1/namespace", map[string]any{"Name": "dev", "Description": long}, 400, "description longer than 256"},
		{"/v1/namespace", map[string]any{"Name": "dev", "Quota": "q"}, 400, "there are no quotas"},
		{"/v1/namespace/other", map[string]any{"Name": "dev"}, 400, "does not match"},
		{"/v1/node/pools", map[string]any{"Name": "gpu_1-a"}, 200, ""},
		{"/v1/node/pools", map[string]any{"Name": "a.b"}, 400, "invalid name"},
		{"/v1/node/pools", map[string]any{"Name": "all"}, 400, "stands for all nodes"},
		{"/v1/node/pools", map[string]any{"Name": "gpu", "Description": long}, 400, "description longer than 256"},
		{"/v1/node/pools", map[string]any{"Name": "gpu", "SchedulerConfiguration": map[string]any{"SchedulerAlgorithm": "best"}}, 400, "invalid scheduler algorithm"},
	} {
		if got := r.do("PUT", c.path, c.body); got.status != c.code || !strings.Contains(got.body, c.want) {
			t.Errorf("%s %v: %d %s", c.path, c.body, got.status, got.body)
		}
	}
	for _, path := range []string{"/v1/node/pool/none/nodes", "/v1/node/pool/none/jobs"} {
		if got := r.do("GET", path, nil); got.status != http.StatusNotFound || got.body != "node pool not found" {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := r.do("GET", "/v1/node/pool/default/jobs?prefix=w", nil); got.status != http.StatusBadRequest {
		t.Errorf("prefix of a pool's jobs: %d %s", got.status, got.body)
	}
	if got := r.do("DELETE", "/v1/namespace/default", nil); got.status != http.StatusBadRequest || !strings.Contains(got.body, "cannot be deleted") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// A job may use what its namespace allows, is in no other, and keeps its namespace from being deleted.
func TestNamespacesKeepJobsApart(t *testing.T) {
	r := newRig(t)
	r.do("PUT", "/v1/namespace", map[string]any{"Name": "dev", "Capabilities": map[string]any{"EnabledTaskDrivers": []string{"docker"}}})
	register := func() reply { return r.do("PUT", "/v1/jobs?namespace=dev", map[string]any{"Job": job("web", 1)}) }
	if got := register(); got.status != 500 || !strings.Contains(got.body, `used task driver "fake" is not allowed in namespace "dev"`) {
		t.Errorf("a driver that is not enabled: %d %s", got.status, got.body)
	}
	r.do("PUT", "/v1/namespace", map[string]any{"Name": "dev", "Capabilities": map[string]any{"DisabledTaskDrivers": []string{"fake"}}})
	if got := register(); got.status != 500 || !strings.Contains(got.body, `used task driver "fake" is not allowed`) {
		t.Errorf("a driver that is disabled: %d %s", got.status, got.body)
	}
	r.do("PUT", "/v1/namespace", map[string]any{"Name": "dev", "Capabilities": map[string]any{"EnabledTaskDrivers": []string{"fake"}, "DisabledNetworkModes": []string{"host"}}})
	if got := register(); got.status != 200 {
		t.Fatalf("what is allowed: %d %s", got.status, got.body)
	}
	for _, path := range []string{"/v1/job/web", "/v1/job/web/summary", "/v1/job/web/versions", "/v1/job/web/scale"} {
		if here, there := r.do("GET", path+"?namespace=dev", nil), r.do("GET", path, nil); here.status != 200 || there.status != 404 {
			t.Errorf("%s: %d in its namespace, %d in another", path, here.status, there.status)
		}
	}
	for path, n := range map[string]int{"/v1/jobs": 0, "/v1/jobs?namespace=dev": 1, "/v1/jobs?namespace=*": 1, "/v1/jobs?namespace=none": 0, "/v1/evaluations": 0, "/v1/evaluations?namespace=*": 1} {
		var out []struct{ ID string }
		if r.get(path, &out); len(out) != n {
			t.Errorf("%s: %v, want %d", path, out, n)
		}
	}
	if got := r.do("DELETE", "/v1/namespace/dev", nil); got.status != http.StatusConflict || !strings.Contains(got.body, `has job "web"`) {
		t.Errorf("a namespace in use was deleted: %d %s", got.status, got.body)
	}
}

func TestSearch(t *testing.T) {
	r := newRig(t)
	r.do("PUT", "/v1/namespace", map[string]any{"Name": "dev"})
	for i := range 22 {
		r.register(job(fmt.Sprintf("web-%02d", i), 1))
	}
	r.do("PUT", "/v1/jobs?namespace=dev", map[string]any{"Job": job("web-dev", 1)})
	search := func(path string, body map[string]any, into any) {
		t.Helper()
		got := r.do("POST", path, body)
		if err := json.Unmarshal([]byte(got.body), into); got.status != 200 || err != nil {
			t.Fatalf("%s %v: %d %s, %v", path, body, got.status, got.body, err)
		}
	}
	var out api.SearchResponse
	search("/v1/search", map[string]any{"Prefix": "web", "Context": "jobs"}, &out)
	if got := out.Matches["jobs"]; len(got) != 20 || !out.Truncations["jobs"] || got[0] != "web-00" || got[19] != "web-19" || len(out.Matches) != 1 {
		t.Errorf("%+v", out)
	}
	out = api.SearchResponse{}
	search("/v1/search?namespace=dev", map[string]any{"Prefix": "web", "Context": "jobs"}, &out)
	if got := out.Matches["jobs"]; !slices.Equal(got, []string{"web-dev"}) || out.Truncations["jobs"] {
		t.Errorf("in a namespace: %+v", out)
	}
	out = api.SearchResponse{}
	node := r.node.ID.String()
	search("/v1/search", map[string]any{"Prefix": node[:5], "Context": "all"}, &out)
	if !slices.Equal(out.Matches["nodes"], []string{node}) || len(out.Matches["jobs"]) != 0 || len(out.Matches) < 7 {
		t.Errorf("everywhere: %+v", out)
	}
	var fuzzy api.FuzzySearchResponse
	search("/v1/search/fuzzy?namespace=*", map[string]any{"Text": "B-DE", "Context": "all"}, &fuzzy)
	if got := fuzzy.Matches["jobs"]; len(got) != 1 || got[0].ID != "web-dev" || !slices.Equal(got[0].Scope, []string{"dev", "web-dev"}) {
		t.Errorf("by what a name holds: %+v", fuzzy)
	}
	fuzzy = api.FuzzySearchResponse{}
	search("/v1/search/fuzzy", map[string]any{"Text": "web-", "Context": "jobs"}, &fuzzy)
	if len(fuzzy.Matches["jobs"]) != 20 || !fuzzy.Truncations["jobs"] || len(fuzzy.Matches) != 1 {
		t.Errorf("many: %+v", fuzzy)
	}
	for body, want := range map[string]string{`{"Text":"x"}`: "at least 2 characters, got 1", `{"Text":"xx","Context":"moon"}`: `invalid context "moon"`,
		`{"Text":"` + strings.Repeat("x", 300) + `"}`: "at most 256 bytes"} {
		if got := r.do("PUT", "/v1/search/fuzzy", body); got.status != 400 || !strings.Contains(got.body, want) {
			t.Errorf("%.40s: %d %s", body, got.status, got.body)
		}
	}
	if got := r.do("PUT", "/v1/search", `{"Prefix":"x","Context":"tasks"}`); got.status != 400 {
		t.Errorf("a prefix in a context of the fuzzy search: %d %s", got.status, got.body)
	}
}

func TestTheAutopilotIsSet(t *testing.T) {
	r := newRig(t)
	const path = "/v1/operator/autopilot/configuration"
	var c api.AutopilotConfiguration
	r.get(path, &c)
	if !c.CleanupDeadServers || c.ModifyIndex != 0 {
		t.Errorf("at first %+v", c)
	}
	if got := r.do("PUT", path, map[string]any{"CleanupDeadServers": false, "LastContactThreshold": "1s"}); got.status != 200 || got.body != "true" {
		t.Errorf("%d %s", got.status, got.body)
	}
	r.get(path, &c)
	if c.CleanupDeadServers || c.LastContactThreshold != "1s" || c.MaxTrailingLogs != 250 || c.ServerStabilizationTime != "10s" || c.ModifyIndex == 0 {
		t.Errorf("then %+v", c)
	}
	if own := r.server.Autopilot(); !own.KeepDeadServers || own.LastContactThreshold.String() != "1s" {
		t.Errorf("the server obeys %+v", own)
	}
	if got := r.do("PUT", fmt.Sprintf("%s?cas=%d", path, c.ModifyIndex+1), map[string]any{"MinQuorum": 2}); got.status != 200 || got.body != "false" {
		t.Errorf("another's cas: %d %s", got.status, got.body)
	}
	if got := r.do("PUT", fmt.Sprintf("%s?cas=%d", path, c.ModifyIndex), map[string]any{"MinQuorum": 3}); got.body != "true" {
		t.Errorf("cas: %d %s", got.status, got.body)
	}
	for body, want := range map[string]string{`{"LastContactThreshold":"soon"}`: "LastContactThreshold", `{"ServerStabilizationTime":"0s"}`: "ServerStabilizationTime",
		`{"MaxTrailingLogs":0}`: "MaxTrailingLogs", `{"MinQuorum":1001}`: "MinQuorum", `{"EnableCustomUpgrades":true}`: "leave them out"} {
		if got := r.do("PUT", path, body); got.status != 400 || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	if got := r.do("PUT", path+"?cas=x", `{}`); got.status != 400 {
		t.Errorf("a cas that is no number: %d %s", got.status, got.body)
	}
}
