package httpapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"berth/structs"
)

// needsNode are routes that a node answers, not a server: end-to-end tests hold them.
var needsNode = []string{"/v1/client/"}

// TestEveryRoute asks each route once in order and once in a way it must refuse.
func TestEveryRoute(t *testing.T) {
	r := newRig(t)
	eval := r.register(job("web", 1))
	r.runAll()
	var allocs []struct{ ID, DeploymentID string }
	r.get("/v1/job/web/allocations", &allocs)
	if len(allocs) != 1 {
		t.Fatalf("allocations %v", allocs)
	}
	alloc, node := allocs[0].ID, r.node.ID.String()
	var deployments []struct{ ID string }
	r.get("/v1/deployments", &deployments)
	deployment := deployments[0].ID
	nobody := "00000000-0000-4000-8000-00000000ffff"
	hcl := "job \"j\" {\n group \"g\" {\n task \"t\" {\n driver = \"fake\"\n }\n }\n }\n"

	for _, c := range []struct {
		method, path string
		body         any
		status       int
		want         string // in the body
	}{
		{"GET", "/v1/jobs", nil, 200, `"ID":"web"`},
		{"GET", "/v1/jobs?prefix=x", nil, 200, `[]`},
		{"GET", "/v1/jobs?namespace=*", nil, 200, `"JobSummary":{`},
		{"PUT", "/v1/jobs", ``, 400, `Request body is empty`},
		{"PUT", "/v1/jobs", `{`, 400, `unexpected end of JSON`},
		{"PUT", "/v1/jobs", `{}`, 400, `Job must be specified`},
		{"POST", "/v1/jobs", map[string]any{"Job": map[string]any{"ID": "bad"}}, 500, "1 error occurred:\n\t* TaskGroups: the job has no group"},
		{"PATCH", "/v1/jobs", nil, 405, `Invalid method`},
		{"PATCH", "/v1/operator/raft/peer", nil, 404, `Invalid method`},
		{"DELETE", "/v1/operator/autopilot/configuration", nil, 404, `Invalid method`},
		{"DELETE", "/v1/operator/raft/configuration", nil, 405, `Invalid method`},
		{"POST", "/v1/jobs/parse", map[string]any{"JobHCL": hcl, "Canonicalize": true}, 200, `"Priority":50`},
		{"POST", "/v1/jobs/parse", map[string]any{"JobHCL": `job "j" {`}, 400, `no closing brace`},
		{"GET", "/v1/jobs/statuses", nil, 200, `"GroupCountSum":1`},
		{"POST", "/v1/jobs/statuses", map[string]any{"Jobs": []any{map[string]any{"ID": "web", "Namespace": "default"}}}, 200, `"ID":"web"`},
		{"PUT", "/v1/validate/job", map[string]any{"Job": map[string]any{"ID": "bad"}}, 200, `the job has no group`},
		{"GET", "/v1/job/web", nil, 200, `"TaskGroups":[`},
		{"GET", "/v1/job/none", nil, 404, `job not found`},
		{"PUT", "/v1/job/web", map[string]any{"Job": map[string]any{"ID": "other"}}, 400, `Job ID does not match name`},
		{"PUT", "/v1/job/web/plan", map[string]any{"Job": job("web", 2), "Diff": true}, 200, `"Diff":{`},
		{"PUT", "/v1/job/web/evaluate", map[string]any{"JobID": "web"}, 200, `"EvalID":"`},
		{"PUT", "/v1/job/none/evaluate", map[string]any{"JobID": "none"}, 404, `job not found`},
		{"PUT", "/v1/job/none/suspend", map[string]any{"Suspend": true}, 404, `job not found`},
		{"GET", "/v1/job/web/summary", nil, 200, `"Summary":{"g":{`},
		{"GET", "/v1/job/web/versions", nil, 200, `"Versions":[`},
		{"GET", "/v1/job/none/versions", nil, 404, `job versions not found`},
		{"PUT", "/v1/job/web/versions/v/tag", map[string]any{"Latest": true}, 200, `"Name":"v"`},
		{"DELETE", "/v1/job/web/versions/none/tag", nil, 404, `not found`},
		{"GET", "/v1/job/web/submission?version=0", nil, 404, `job source not found`},
		{"GET", "/v1/job/web/submission", nil, 400, `version`},
		{"GET", "/v1/job/web/allocations", nil, 200, alloc},
		{"PUT", "/v1/job/web/periodic/force", nil, 400, `non-periodic`},
		{"PUT", "/v1/job/web/dispatch", map[string]any{}, 400, `parameterized`},
		{"PUT", "/v1/job/web/dispatch/payload", "x", 400, `parameterized`},
		{"GET", "/v1/operator/rebalance", nil, 200, `"`},
		{"PUT", "/v1/operator/rebalance?max=3", nil, 200, `"Moves":[]`},
		{"PUT", "/v1/operator/rebalance?max=3000", nil, 400, `at most 1000 moves`},
		{"PUT", "/v1/operator/rebalance?min_gain=x", nil, 400, `must be a number`},
		{"GET", "/v1/job/web/evaluations", nil, 200, eval},
		{"GET", "/v1/job/web/deployments", nil, 200, deployment},
		{"GET", "/v1/job/web/deployment", nil, 200, deployment},
		{"GET", "/v1/job/web/scale", nil, 200, `"TaskGroups":{"g":{"Desired":1`},
		{"PUT", "/v1/job/web/scale", map[string]any{"Target": map[string]string{"Group": "none"}, "Count": 2}, 400, `none`},
		{"PUT", "/v1/job/web/stable", map[string]any{"JobID": "web", "JobVersion": 0, "Stable": true}, 200, `"Index":`},
		{"PUT", "/v1/job/web/revert", map[string]any{"JobID": "web", "JobVersion": 0}, 400, `current version`},
		{"GET", "/v1/allocations", nil, 200, alloc},
		{"GET", "/v1/allocations?prefix=zz", nil, 400, `not the beginning of an id`},
		{"GET", "/v1/allocation/" + alloc, nil, 200, `"Job":{`},
		{"GET", "/v1/allocation/" + nobody, nil, 404, `alloc not found`},
		{"GET", "/v1/allocation/x", nil, 404, `alloc not found`},
		{"GET", "/v1/evaluations", nil, 200, eval},
		{"GET", "/v1/evaluations/count", nil, 200, `"Count":`},
		{"GET", "/v1/evaluation/" + eval, nil, 200, `"Status":"complete"`},
		{"GET", "/v1/evaluation/" + nobody, nil, 404, `eval not found`},
		{"GET", "/v1/evaluation/" + eval + "/allocations", nil, 200, alloc},
		{"GET", "/v1/deployments", nil, 200, deployment},
		{"GET", "/v1/deployment/" + deployment, nil, 200, `"TaskGroups":{"g":{`},
		{"GET", "/v1/deployment/" + nobody, nil, 404, `deployment not found`},
		{"GET", "/v1/deployment/allocations/" + deployment, nil, 200, alloc},
		{"PUT", "/v1/deployment/pause/" + deployment, map[string]any{"DeploymentID": deployment, "Pause": true}, 200, `"DeploymentModifyIndex":`},
		{"PUT", "/v1/deployment/promote/" + deployment, map[string]any{"DeploymentID": deployment, "All": true}, 409, `no canaries`},
		{"PUT", "/v1/deployment/allocation-health/" + deployment, map[string]any{"DeploymentID": deployment, "HealthyAllocationIDs": []string{alloc}}, 200, `"DeploymentModifyIndex":`},
		{"PUT", "/v1/deployment/fail/" + nobody, map[string]any{"DeploymentID": nobody}, 404, `deployment not found`},
		{"GET", "/v1/explain/job/web", nil, 200, `"`},
		{"GET", "/v1/explain/allocation/" + alloc, nil, 200, `"`},
		{"GET", "/v1/explain/node/" + node, nil, 200, `"`},
		{"GET", "/v1/nodes", nil, 200, `"Name":"n1"`},
		{"GET", "/v1/nodes?resources=true", nil, 200, `"NodeResources":{`},
		{"GET", "/v1/node/" + node, nil, 200, `"Name":"n1"`},
		{"GET", "/v1/node/" + nobody, nil, 404, `node not found`},
		{"GET", "/v1/node/" + node + "/allocations", nil, 200, alloc},
		{"PUT", "/v1/node/" + node + "/evaluate", nil, 200, `"EvalIDs":[`},
		{"PUT", "/v1/node/" + node + "/eligibility", map[string]any{"Eligibility": "ineligible"}, 200, `"NodeModifyIndex":`},
		{"PUT", "/v1/node/" + node + "/eligibility", map[string]any{"Eligibility": "sometimes"}, 400, `sometimes`},
		{"PUT", "/v1/node/" + node + "/taints", map[string]any{"NodeID": node, "Taints": []any{map[string]any{"Key": "a", "Value": "b", "Effect": "NoSchedule"}}, "Cas": 0}, 200, `"NodeModifyIndex":`},
		{"PUT", "/v1/node/" + node + "/taints", map[string]any{"Taints": []any{}, "Cas": 0}, 409, `its taints were changed at index`},
		{"PUT", "/v1/node/" + node + "/taints", map[string]any{"Taints": []any{map[string]any{"Key": "a", "Effect": "Never"}}}, 400, `effect is "Never"; it must be NoSchedule`},
		{"GET", "/v1/nodes", nil, 200, `"Taints":[{"Key":"a","Value":"b","Effect":"NoSchedule","Source":"operator","Since":`},
		{"PUT", "/v1/node/" + node + "/drain", map[string]any{"DrainSpec": map[string]any{"Deadline": -1}}, 200, `"NodeModifyIndex":`},
		{"PUT", "/v1/node/" + nobody + "/purge", nil, 404, `node not found`},
		{"GET", "/v1/node/pools", nil, 200, `"Name":"default"`},
		{"PUT", "/v1/node/pools", map[string]any{"Name": "gpu", "Description": "d"}, 200, ``},
		{"GET", "/v1/node/pool/gpu", nil, 200, `"Description":"d"`},
		{"GET", "/v1/node/pool/gpu/nodes", nil, 200, `[]`},
		{"GET", "/v1/node/pool/default/jobs", nil, 200, `"ID":"web"`},
		{"DELETE", "/v1/node/pool/gpu", nil, 200, ``},
		{"GET", "/v1/node/pool/gpu", nil, 404, `node pool not found`},
		{"PUT", "/v1/priority-class/low", map[string]any{"Value": 20, "PreemptionPolicy": "never"}, 200, ``},
		{"PUT", "/v1/priority-class/low?cas=0", map[string]any{"Value": 30}, 409, `it was changed at index`},
		{"PUT", "/v1/priority-class/high", map[string]any{"Value": 101}, 400, `between 1 and 100`},
		{"PUT", "/v1/priority-class/high", map[string]any{"Name": "low", "Value": 10}, 400, `not that of the path`},
		{"GET", "/v1/priority-classes", nil, 200, `"Name":"low","Value":20,"PreemptionPolicy":"never"`},
		{"GET", "/v1/priority-class/low", nil, 200, `"Value":20`},
		{"GET", "/v1/priority-class/none", nil, 404, `priority class not found`},
		{"PUT", "/v1/validate/job", map[string]any{"Job": map[string]any{"ID": "web", "PriorityClass": "lo"}}, 200, `priority class \"lo\" does not exist`},
		{"DELETE", "/v1/priority-class/low", nil, 200, ``},
		{"DELETE", "/v1/priority-class/low", nil, 404, `does not exist`},
		{"PUT", "/v1/queue/rest", map[string]any{"Namespaces": []string{"*"}, "Weight": 2, "Limit": map[string]any{"CPU": 5000}}, 200, ``},
		{"PUT", "/v1/queue/rest", map[string]any{"Namespaces": []string{"*"}, "Weight": -2}, 400, `weight is -2; it must be between 1 and 1000`},
		{"PUT", "/v1/queue/rest?cas=0", map[string]any{"Namespaces": []string{"*"}}, 409, `it was changed at index`},
		{"PUT", "/v1/queue/other", map[string]any{"Name": "rest", "Namespaces": []string{"*"}}, 400, `not that of the path`},
		{"PUT", "/v1/queue/other", map[string]any{"Namespaces": []string{"*"}}, 409, `belongs to queue`},
		{"GET", "/v1/queues", nil, 200, `"Held":{`},
		{"PUT", "/v1/queue/rest", map[string]any{"Namespaces": []string{"*"}, "Weight": 2, "Guarantee": map[string]any{"CPU": 1 << 30}}, 200, `not every guarantee can be kept`},
		{"PUT", "/v1/queue/rest", map[string]any{"Namespaces": []string{"*"}, "Weight": 2}, 200, `"Warnings":""`},
		{"GET", "/v1/queue/rest", nil, 200, `"Weight":2`},
		{"GET", "/v1/queue/none", nil, 404, `queue not found`},
		{"DELETE", "/v1/queue/rest", nil, 200, ``},
		{"DELETE", "/v1/queue/rest", nil, 404, `does not exist`},
		{"PUT", "/v1/disruption-budget/webs", map[string]any{"Job": "web*", "MinAvailable": "1"}, 200, ``},
		{"PUT", "/v1/disruption-budget/webs", map[string]any{"Job": "web*"}, 400, `set min_available or max_unavailable`},
		{"GET", "/v1/disruption-budgets", nil, 200, `"Least":1`},
		{"GET", "/v1/disruption-budget/webs", nil, 200, `"MinAvailable":"1"`},
		{"GET", "/v1/disruption-budget/none", nil, 404, `disruption budget not found`},
		{"DELETE", "/v1/disruption-budget/webs", nil, 200, ``},
		{"GET", "/v1/event/stream?topic=Jobs", nil, 400, `did you mean "Job"?`},
		{"GET", "/v1/namespaces", nil, 200, `"Name":"default"`},
		{"PUT", "/v1/namespace", map[string]any{"Name": "apps", "Description": "d"}, 200, ``},
		{"GET", "/v1/namespace/apps", nil, 200, `"Description":"d"`},
		{"DELETE", "/v1/namespace/apps", nil, 200, ``},
		{"GET", "/v1/namespace/apps", nil, 404, `amespace`},
		{"POST", "/v1/search", map[string]any{"Prefix": "we", "Context": "jobs"}, 200, `"web"`},
		{"POST", "/v1/search/fuzzy", map[string]any{"Text": "we", "Context": "jobs"}, 200, `"web"`},
		{"GET", "/v1/operator/backup", nil, 404, `no backups are set: write server { backup`},
		{"DELETE", "/v1/operator/snapshot", nil, 405, `Invalid method`},
		{"PUT", "/v1/operator/snapshot", `no archive`, 400, `read the snapshot: it is not a snapshot archive`},
		{"GET", "/v1/regions", nil, 200, `["global"]`},
		{"GET", "/v1/operator/regions", nil, 200, `[]`},
		{"GET", "/v1/operator/replication", nil, 200, `"AuthoritativeRegion":"global","Follows":false`},
		{"PUT", "/v1/operator/region/join", map[string]any{"Token": "x"}, 409, `issues no certificates`},
		{"DELETE", "/v1/operator/region/west", nil, 409, `issues no certificates`},
		{"GET", "/v1/status/leader", nil, 200, `"127.0.0.1:4647"`},
		{"GET", "/v1/status/peers", nil, 200, `["127.0.0.1:4647"]`},
		{"GET", "/v1/agent/self", nil, 200, `"member":{`},
		{"GET", "/v1/agent/health", nil, 200, `"server":{"ok":true`},
		{"GET", "/v1/agent/health?type=server", nil, 200, `{"server":{"ok":true,"message":"ok"}`},
		{"GET", "/v1/agent/health?type=client", nil, 501, `this agent runs no client`},
		{"GET", "/v1/agent/health?type=both", nil, 400, `use server or client`},
		{"GET", "/v1/agent/members", nil, 200, `"Members":[`},
		{"GET", "/v1/agent/servers", nil, 200, `[`},
		{"PUT", "/v1/agent/join?address=127.0.0.1:1", nil, 200, `runs alone`},
		{"PUT", "/v1/agent/force-leave", nil, 400, ``},
		{"GET", "/v1/agent/keyring/list", nil, 400, `runs alone`},
		{"GET", "/v1/agent/monitor?plain=true", nil, 200, `a line`},
		{"GET", "/v1/agent/monitor/export?on_disk=true", nil, 400, `writes no file`},
		{"GET", "/v1/metrics", nil, 200, `"Timestamp":`},
		{"GET", "/v1/agent/host", nil, 403, `enable_debug`},
		{"GET", "/v1/agent/pprof/heap", nil, 403, `enable_debug`},
		{"PUT", "/v1/agent/reload", nil, 200, ``},
		{"GET", "/v1/agent/schedulers", nil, 200, `"server_id":`},
		{"GET", "/v1/agent/schedulers/config", nil, 200, `"num_schedulers":1`},
		{"GET", "/v1/operator/scheduler/configuration", nil, 200, `"SchedulerConfig":{`},
		{"PUT", "/v1/operator/scheduler/configuration", map[string]any{"SchedulerAlgorithm": "spread"}, 200, `"Updated":true`},
		{"GET", "/v1/operator/raft/configuration", nil, 200, `"Servers":[`},
		{"DELETE", "/v1/operator/raft/peer?id=none", nil, 404, ``},
		{"PUT", "/v1/operator/raft/transfer-leadership?id=none", nil, 404, ``},
		{"GET", "/v1/operator/autopilot/configuration", nil, 200, `"CleanupDeadServers":`},
		{"GET", "/v1/operator/autopilot/health", nil, 200, `"Servers":[`},
		{"GET", "/v1/operator/join-tokens", nil, 0, ``},
		{"PUT", "/v1/operator/join-token", map[string]any{}, 0, ``},
		{"DELETE", "/v1/operator/join-token/" + nobody, nil, 0, ``},
		{"GET", "/v1/operator/ca", nil, 0, ``},
		{"PUT", "/v1/operator/ca/rotate", nil, 0, ``},
		{"GET", "/v1/operator/ca/revocations", nil, 0, ``},
		{"PUT", "/v1/operator/ca/revocations", map[string]any{"Name": nobody}, 0, ``},
		{"DELETE", "/v1/operator/ca/revocation/" + nobody, nil, 0, ``},
		{"PUT", "/v1/system/gc", nil, 200, ``},
		{"PUT", "/v1/allocation/" + alloc + "/stop", nil, 200, `"EvalID":"`},
		{"DELETE", "/v1/job/none", nil, 404, `job not found`},
		{"PUT", "/v1/job/web/suspend", map[string]any{"Suspend": true}, 200, `"EvalID":"`},
		{"PUT", "/v1/job/web/suspend", map[string]any{"Suspend": false}, 200, `"EvalID":"`},
		{"PUT", "/v1/job/web/suspend", map[string]any{}, 400, `Suspend must be specified`},
		{"DELETE", "/v1/job/web", nil, 200, `"EvalID":"`},
		{"PUT", "/v1/acl/bootstrap", nil, 400, `ACL support disabled`},
		{"GET", "/v1/acl/policies", nil, 400, `ACL support disabled`},
		{"GET", "/v1/acl/policy/x", nil, 400, `ACL support disabled`},
		{"GET", "/v1/acl/policy/self", nil, 400, `ACL support disabled`},
		{"GET", "/v1/acl/tokens", nil, 400, `ACL support disabled`},
		{"GET", "/v1/acl/token/x", nil, 400, `ACL support disabled`},
		{"GET", "/v1/acl/token/self", nil, 400, `ACL support disabled`},
		{"GET", "/v1/acl/roles", nil, 400, `ACL support disabled`},
		{"GET", "/v1/acl/role/x", nil, 400, `ACL support disabled`},
		{"GET", "/v1/acl/role/name/x", nil, 400, `ACL support disabled`},
		{"PUT", "/v1/acl/token", nil, 400, `ACL support disabled`},
		{"PUT", "/v1/acl/token/onetime", nil, 400, `ACL support disabled`},
		{"PUT", "/v1/acl/token/onetime/exchange", nil, 400, `ACL support disabled`},
		{"PUT", "/v1/acl/role", nil, 400, `ACL support disabled`},
		{"GET", "/v1/acl/auth-methods", nil, 501, `no ways to log in but tokens`},
		{"GET", "/v1/acl/auth-method", nil, 501, `no ways to log in but tokens`},
		{"GET", "/v1/acl/auth-method/x", nil, 501, `no ways to log in but tokens`},
		{"GET", "/v1/acl/binding-rules", nil, 501, `no ways to log in but tokens`},
		{"GET", "/v1/acl/binding-rule", nil, 501, `no ways to log in but tokens`},
		{"GET", "/v1/acl/binding-rule/x", nil, 501, `no ways to log in but tokens`},
		{"GET", "/v1/acl/oidc/auth-url", nil, 501, `no ways to log in but tokens`},
		{"GET", "/v1/acl/oidc/complete-auth", nil, 501, `no ways to log in but tokens`},
		{"GET", "/v1/acl/login", nil, 501, `no ways to log in but tokens`},
		{"GET", "/v1/acl/identity/client-introduction-token", nil, 501, `no ways to log in but tokens`},
		{"GET", "/v1/nothing", nil, 404, ``},
		{"GET", "/", nil, 404, ``},
	} {
		got := r.do(c.method, c.path, c.body)
		if c.status != 0 && got.status != c.status || !strings.Contains(got.body, c.want) {
			t.Errorf("%s %s: %d, not %d with %q:\n%.300s", c.method, c.path, got.status, c.status, c.want, got.body)
		}
		if got.status >= 400 && got.status != 404 && !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s %s: an error of type %q", c.method, c.path, got.header.Get("Content-Type"))
		}
		if json.Valid([]byte(got.body)) && got.status == 200 && c.method == "GET" && got.header.Get("X-Nomad-Index") == "" && len(got.body) > 0 &&
			!slices.ContainsFunc(noIndex, func(p string) bool { return strings.HasPrefix(c.path, p) }) {
			t.Errorf("GET %s: no index", c.path)
		}
		if secret := r.node.SecretID.String(); strings.Contains(got.body, secret) {
			t.Errorf("%s %s shows the node's secret", c.method, c.path)
		}
		asked := httptest.NewRequest(c.method, c.path, nil)
		_, pattern := r.api.muxOf(asked.URL.Path).Handler(asked)
		r.api.paths = slices.DeleteFunc(r.api.paths, func(p string) bool { return p == pattern })
	}
	for _, p := range r.api.paths {
		if !slices.ContainsFunc(needsNode, func(n string) bool { return strings.HasPrefix(p, n) }) {
			t.Errorf("%s is not tested", p)
		}
	}
}

// noIndex are answers that no table stands behind.
var noIndex = []string{"/v1/agent/", "/v1/metrics", "/v1/status/", "/v1/regions", "/v1/operator/raft", "/v1/operator/autopilot", "/v1/operator/ca", "/v1/operator/join", "/v1/operator/replication", "/v1/explain", "/v1/evaluations/count"}

func TestAnswersForPeopleAndPrograms(t *testing.T) {
	r := newRig(t)
	r.register(job("web", 1))
	if got := r.do("GET", "/v1/jobs?pretty", nil); !strings.Contains(got.body, "\n    {") || !strings.HasSuffix(got.body, "\n") {
		t.Errorf("pretty: %q", got.body)
	}
	if got := r.do("GET", "/v1/jobs?pretty=0", nil); strings.Contains(got.body, "\n") {
		t.Errorf("not pretty: %q", got.body)
	}
	req, _ := http.NewRequestWithContext(t.Context(), "GET", r.url+"/v1/job/web", nil)
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := r.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Header.Get("Content-Encoding") != "gzip" {
		t.Error("gzip was asked for and not given")
	}
	if got := r.do("HEAD", "/v1/jobs", nil); got.status != 200 || got.body != "" {
		t.Errorf("HEAD: %d %q", got.status, got.body)
	}
	big := `{"Job":{"ID":"` + strings.Repeat("a", 65<<20) + `"}}`
	if got := r.do("PUT", "/v1/jobs", big); got.status != http.StatusRequestEntityTooLarge || !strings.Contains(got.body, "http_max_body_bytes") {
		t.Errorf("a large body: %d %s", got.status, got.body)
	}
	deep := `{"Job":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`
	if got := r.do("PUT", "/v1/jobs", deep); got.status != 400 || !strings.Contains(got.body, "nests more than") {
		t.Errorf("a deep body: %d %s", got.status, got.body)
	}
}

func TestWritesThatNameAnIndex(t *testing.T) {
	r := newRig(t)
	r.register(job("web", 1))
	var j structs.Job
	r.get("/v1/job/web", &j)
	for index, status := range map[uint64]int{j.JobModifyIndex + 1: 409, j.JobModifyIndex: 200, 0: 409} {
		got := r.do("PUT", "/v1/jobs", &structs.JobRegisterRequest{Job: job("web", 1), EnforceIndex: true, JobModifyIndex: index})
		if status == 409 && (got.status != 409 || !strings.HasPrefix(got.body, "Enforcing job modify index")) || status == 200 && got.status != 200 {
			t.Errorf("index %d: %d %s", index, got.status, got.body)
		}
	}
}
