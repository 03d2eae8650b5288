package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/acl"
	"berth/agent/access"
	"berth/api"
	"berth/state"
	"berth/structs"
)

// guarded is a rig with access control on, and tokens by name.
type guarded struct {
	*rig
	tokens map[string]string // secrets
	token  string            // the secret of requests
	clock  *time.Time
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{rig: newRig(t), tokens: map[string]string{}, clock: new(time.Now())}
	g.api.Config.ACL.Enabled = true
	g.api.Access = access.NewState(true, time.Minute, g.server, func() time.Time { return time.Now().Add(time.Until(*g.clock)) })
	g.http.Transport = &bearer{g, g.http.Transport}
	var boot api.ACLToken
	g.want("PUT", "/v1/acl/bootstrap", nil, 200, &boot)
	g.tokens["management"] = boot.SecretID.String()
	g.as("management")
	return g
}

// bearer shows the token.
type bearer struct {
	g  *guarded
	rt http.RoundTripper
}

func (b *bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.g.token != "" {
		r.Header.Set("X-Nomad-Token", b.g.token)
	}
	return b.rt.RoundTrip(r)
}

func (g *guarded) as(name string) *guarded {
	g.token = g.tokens[name]
	return g
}

// want asks and wants a status, and reads the answer.
func (g *guarded) want(method, path string, body any, status int, into any) string {
	g.Helper()
	got := g.do(method, path, body)
	if got.status != status {
		g.Fatalf("%s %s: %d, not %d: %.300s", method, path, got.status, status, got.body)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(got.body), into); err != nil {
			g.Fatalf("%s %s: %v in %s", method, path, err, got.body)
		}
	}
	return got.body
}

// make makes a token with a policy of its own.
func (g *guarded) make(name, rules string, change ...func(*api.ACLToken)) structs.ID {
	g.Helper()
	g.as("management")
	g.want("PUT", "/v1/acl/policy/"+name, &structs.ACLPolicy{Rules: rules}, 200, nil)
	req := &api.ACLToken{Name: name, Type: structs.TokenClient, Policies: []string{name}}
	for _, c := range change {
		c(req)
	}
	var t api.ACLToken
	g.want("PUT", "/v1/acl/token", req, 200, &t)
	g.tokens[name] = t.SecretID.String()
	return t.AccessorID
}

const writeDefault = `namespace "default" {
  policy = "write"
}
`

// TestEveryRouteIsGuarded is the matrix: every method of every route, asked for by every kind of caller, is refused exactly when the
// policy language says that the caller lacks what the route declares. What is refused changes nothing.
func TestEveryRouteIsGuarded(t *testing.T) {
	g := newGuarded(t)
	g.register(job("web", 1))
	g.runAll()
	var allocs, deployments []struct{ ID, EvalID string }
	g.get("/v1/job/web/allocations", &allocs)
	g.get("/v1/deployments", &deployments)
	g.want("PUT", "/v1/namespace", map[string]any{"Name": "other"}, 200, nil)
	full := `node { policy = "%[1]s" }
agent { policy = "%[1]s" }
operator { policy = "%[1]s" }
node_pool "*" { policy = "%[1]s" }
`
	callers := map[string]string{
		"read":            `namespace "default" { policy = "read" }` + "\n" + fmt.Sprintf(full, "read"),
		"write":           writeDefault + fmt.Sprintf(full, "write"),
		"wrong namespace": `namespace "other" { policy = "write" }`,
		"deny":            `namespace "*" { policy = "deny" }` + "\n" + fmt.Sprintf(full, "deny"),
		"operator alone":  `operator { policy = "write" }`,
		"expired":         writeDefault,
	}
	models := map[string]*acl.ACL{"management": acl.Management(), "none": acl.Compile(nil)}
	for name, rules := range callers {
		key := strings.ReplaceAll(name, " ", "-")
		if name == "expired" {
			g.make(key, rules, func(t *api.ACLToken) { t.ExpirationTTL = api.TTL(time.Minute) })
		} else {
			g.make(key, rules)
		}
		p, err := acl.Parse(rules)
		if err != nil {
			t.Fatal(err)
		}
		models[key] = acl.Compile([]*acl.Policy{p})
	}
	g.tokens["none"], g.tokens["unknown"] = "", "00000000-0000-4000-8000-0000000000aa"
	*g.clock = g.clock.Add(2 * time.Minute)
	fill := strings.NewReplacer("{tag}", "v", "{name}", "default", "{op}", "list")
	for _, p := range g.api.permissions {
		path := fill.Replace(p.Path)
		switch {
		case strings.HasPrefix(path, "/v1/client/") || p.Method == http.MethodHead: // a node answers; there is no text to compare
			continue
		case strings.Contains(path, "/v1/job/") || strings.Contains(path, "explain/job"):
			path = strings.Replace(path, "{id}", "web", 1)
		case strings.HasPrefix(path, "/v1/node/") || strings.Contains(path, "explain/node"):
			path = strings.Replace(path, "{id}", g.node.ID.String(), 1)
		case strings.HasPrefix(path, "/v1/evaluation/"):
			path = strings.Replace(path, "{id}", allocs[0].EvalID, 1)
		case strings.HasPrefix(path, "/v1/deployment/"):
			path = strings.Replace(path, "{id}", deployments[0].ID, 1)
		default:
			path = strings.Replace(path, "{id}", allocs[0].ID, 1)
		}
		for caller := range g.tokens {
			g.as(caller)
			may := modelOf(t, p, models[caller]) && (p.Words != "a token" || caller != "none")
			if may && p.Method != http.MethodGet && (caller != "write" || p.Words == "management") {
				continue // it would be done
			}
			if may && caller == "write" && p.Method == http.MethodDelete || may && strings.HasPrefix(p.Words, "none") && p.Method != http.MethodGet {
				continue
			}
			before := g.written()
			status, body := g.ask(p.Method, path)
			gone := map[string]string{"unknown": "ACL token not found", "expired": "ACL token expired"}[caller]
			switch {
			case strings.HasPrefix(p.Words, "none") && p.Words == "none":
				if status == http.StatusForbidden && !strings.Contains(body, "enable_debug") {
					t.Errorf("%s %s is open and refuses %s: %s", p.Method, path, caller, body)
				}
			case gone != "":
				if status != http.StatusForbidden || body != gone {
					t.Errorf("%s %s answers %s with %d %s", p.Method, path, caller, status, body)
				}
			case may && status == http.StatusForbidden && body == "Permission denied":
				t.Errorf("%s %s (%s) refuses %s", p.Method, path, p.Words, caller)
			case !may && (status != http.StatusForbidden || body != "Permission denied"):
				t.Errorf("%s %s (%s) answers %s with %d %.100s", p.Method, path, p.Words, caller, status, body)
			case !may && g.written() != before:
				t.Errorf("%s %s refused %s and changed the state", p.Method, path, caller)
			}
		}
	}
}

// written is what callers alone change.
func (g *guarded) written() string {
	s := g.server.State().Snapshot()
	j := s.Job("default", "web")
	out := "no job"
	if j != nil {
		out = fmt.Sprint(j.Version, j.Stop)
	}
	for _, table := range []state.Table{state.TableNodes, state.TableSchedulerConfig, state.TableNamespaces, state.TableNodePools, state.TableAutopilotConfig,
		state.TablePriorityClasses, state.TableDisruptionBudgets, state.TableQueues, state.TableACLPolicies, state.TableACLRoles, state.TableACLTokens, state.TableOneTimeTokens} {
		out += fmt.Sprint(" ", table, s.TableIndex(table))
	}
	return out
}

// ask sends a request that ends soon, and reads the beginning of the answer.
func (g *guarded) ask(method, path string) (int, string) {
	g.Helper()
	if path == "/v1/event/stream" || path == "/v1/agent/monitor" || strings.HasPrefix(path, "/v1/agent/pprof") || strings.HasPrefix(path, "/debug/") {
		// Streams do not end: the handler is asked with a context that has.
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, path, nil)
		if g.token != "" {
			r.Header.Set("X-Nomad-Token", g.token)
		}
		ctx, cancel := contextFor(g.T)
		defer cancel()
		g.api.Handler().ServeHTTP(w, r.WithContext(ctx))
		return w.Code, w.Body.String()
	}
	body := any("{}")
	switch {
	case method == http.MethodGet:
		body = nil
	case strings.HasPrefix(path, "/v1/jobs") && method == http.MethodPut || strings.HasPrefix(path, "/v1/job/web") && !strings.Contains(path, "/v1/job/web/"):
		body = &structs.JobRegisterRequest{Job: job("web", 1)}
	case path == "/v1/job/web/plan":
		body = map[string]any{"Job": job("web", 1)}
	case strings.HasPrefix(path, "/v1/node/pool"):
		body = map[string]any{"Name": "default"}
	case strings.HasPrefix(path, "/v1/disruption-budget/"):
		body = map[string]any{"Job": "web*"}
	case strings.HasPrefix(path, "/v1/queue/"):
		body = map[string]any{"Namespaces": []string{"*"}}
	case path == "/v1/search" || path == "/v1/search/fuzzy":
		body = map[string]any{"Prefix": "we", "Text": "we", "Context": "jobs"}
	}
	got := g.do(method, path, body)
	return got.status, got.body
}

// modelOf reads the words a route declares and asks the policy language, for objects of the namespace default.
func modelOf(t *testing.T, p Permission, a *acl.ACL) bool {
	t.Helper()
	if a == nil { // unknown and expired
		return p.Words == "none"
	}
	for part := range strings.SplitSeq(p.Words, " and ") {
		if !modelPart(t, p, part, a) {
			return false
		}
	}
	return true
}

func modelPart(t *testing.T, p Permission, words string, a *acl.ACL) bool {
	t.Helper()
	words, _, _ = strings.Cut(words, ", namespace:")
	head, _, _ := strings.Cut(words, ",")
	switch {
	case words == "none" || strings.HasPrefix(words, "none;"):
		return true
	case head == "management" && words != head: // or the caller's own
		return a.IsManagement() || p.Path == "/v1/acl/policies" || p.Path == "/v1/acl/roles"
	case words == "management":
		return a.IsManagement()
	case words == "a token":
		return true // of those who have one
	case words == "node:read":
		return a.Node(acl.LevelRead)
	case words == "node:write":
		return a.Node(acl.LevelWrite)
	case words == "agent:read":
		return a.Agent(acl.LevelRead)
	case words == "agent:write":
		return a.Agent(acl.LevelWrite)
	case words == "node:read or agent:read":
		return a.Node(acl.LevelRead) || a.Agent(acl.LevelRead)
	case words == "operator:read":
		return a.Operator(acl.LevelRead)
	case words == "operator:write":
		return a.Operator(acl.LevelWrite)
	case strings.HasPrefix(words, "operator capability"):
		return a.OperatorMay(acl.SnapshotSave)
	case strings.HasPrefix(words, "node_pool:"):
		return a.NodePool("default", map[string]acl.Caps{"read": acl.PoolRead, "write": acl.PoolWrite, "delete": acl.PoolDelete}[strings.Fields(words[len("node_pool:"):])[0]])
	case words == "any; shows what may be read", strings.HasPrefix(words, "that of the object"):
		return a.IsManagement() || a.AnyNamespace(^acl.Deny) || a.AnyNodePool(^acl.Deny) || a.Node(acl.LevelRead) || a.Operator(acl.LevelRead)
	case words == "namespace: any capability":
		return a.SeesNamespace("default")
	case strings.HasPrefix(words, "namespace:"):
		list, _, _ := strings.Cut(words[len("namespace:"):], " ")
		for name := range strings.SplitSeq(list, "|") {
			p, err := acl.Parse(fmt.Sprintf("namespace \"x\" { capabilities = [%q] }", name))
			if err != nil {
				t.Fatalf("%s names capability %q", words, name)
			}
			if a.Namespace("default", p.Namespaces[0].Caps) {
				return true
			}
		}
		return false
	}
	t.Fatalf("%s %s: the model does not know %q", p.Method, p.Path, words)
	return false
}

func TestARouteWithoutAPermissionIsNotServed(t *testing.T) {
	a := newRig(t).api
	for _, register := range []func(){
		func() { a.route("/v1/new", methods{http.MethodGet: {do: a.jobsList}}) },
		func() { a.stream("/v1/newer", streams{http.MethodGet: {do: a.eventStream}}) },
	} {
		func() {
			defer func() {
				if fault := recover(); fault == nil || !strings.Contains(fmt.Sprint(fault), "declares no permission") {
					t.Errorf("registered: %v", fault)
				}
			}()
			register()
		}()
	}
}

// TestListsShowWhatAGetWouldAllow asks every list for all namespaces: what is in it can be got, and nothing that can be got is missing.
func TestListsShowWhatAGetWouldAllow(t *testing.T) {
	g := newGuarded(t)
	for _, ns := range []string{"apps", "shop"} {
		g.want("PUT", "/v1/namespace", map[string]any{"Name": ns}, 200, nil)
		g.want("PUT", "/v1/disruption-budget/webs?namespace="+ns, map[string]any{"Job": "web*", "MinAvailable": "1"}, 200, nil)
		j := job("web-"+ns, 1)
		j.Namespace = ns
		g.register(j)
	}
	g.runAll()
	g.make("apps", "namespace \"apps\" { policy = \"read\" }\nnode { policy = \"read\" }\n")
	g.as("apps")
	for list, get := range map[string]string{
		"/v1/jobs?namespace=*": "/v1/job/%s?namespace=%s", "/v1/allocations?namespace=*": "/v1/allocation/%s?x=%s", "/v1/evaluations?namespace=*": "/v1/evaluation/%s?x=%s",
		"/v1/deployments?namespace=*": "/v1/deployment/%s?x=%s", "/v1/jobs/statuses?namespace=*": "/v1/job/%s?namespace=%s",
		"/v1/disruption-budgets?namespace=*":              "/v1/disruption-budget/%s?namespace=%s",
		"/v1/node/" + g.node.ID.String() + "/allocations": "/v1/allocation/%s?x=%s",
	} {
		var all, some []struct{ ID, Name, Namespace string }
		g.as("management").want("GET", list, nil, 200, &all)
		g.as("apps").want("GET", list, nil, 200, &some)
		if len(all) == 0 || len(some) == 0 || len(some) >= len(all) {
			t.Errorf("%s: %d of %d", list, len(some), len(all))
		}
		for _, o := range all {
			id := o.ID
			if id == "" {
				id = o.Name
			}
			shown := slices.Contains(some, o)
			if got := g.do("GET", fmt.Sprintf(get, id, o.Namespace), nil); (got.status == 200) != shown || !shown && (got.body != "Permission denied" || got.header.Get(api.HeaderPermission) == "") {
				t.Errorf("%s: %+v is shown %t, a get answers %d %.80s", list, o, shown, got.status, got.body)
			}
		}
	}
	for _, path := range []string{"/v1/jobs?namespace=shop", "/v1/jobs", "/v1/allocations?namespace=shop", "/v1/evaluations/count?namespace=shop"} {
		g.want("GET", path, nil, 403, nil)
	}
	var spaces []struct{ Name string }
	if g.want("GET", "/v1/namespaces", nil, 200, &spaces); len(spaces) != 1 || spaces[0].Name != "apps" {
		t.Errorf("namespaces %v", spaces)
	}
	var count struct{ Count int }
	if g.want("GET", "/v1/evaluations/count?namespace=*", nil, 200, &count); count.Count != 1 {
		t.Errorf("%d evaluations are counted", count.Count)
	}
	// Named one by one, as the web interfaces do.
	if got := g.want("POST", "/v1/jobs/statuses?namespace=*", map[string]any{"Jobs": []any{map[string]any{"ID": "web-shop", "Namespace": "shop"}, map[string]any{"ID": "web-apps", "Namespace": "apps"}}}, 200, nil); strings.Contains(got, "web-shop") || !strings.Contains(got, "web-apps") {
		t.Errorf("statuses %s", got)
	}
	for path, body := range map[string]any{"/v1/search?namespace=*": map[string]any{"Prefix": "", "Context": "all"}, "/v1/search/fuzzy?namespace=*": map[string]any{"Text": "web", "Context": "all"}} {
		if got := g.want("POST", path, body, 200, nil); strings.Contains(got, "shop") || !strings.Contains(got, "web-apps") {
			t.Errorf("%s: %s", path, got)
		}
	}
	if got := g.want("POST", "/v1/search?namespace=shop", map[string]any{"Prefix": "web", "Context": "jobs"}, 200, nil); strings.Contains(got, "web-shop") {
		t.Errorf("search in a namespace that is not the caller's: %s", got)
	}
	// A job says itself where it is to run: the query does not help.
	j := job("intruder", 1)
	j.Namespace = "shop"
	g.make("writer", `namespace "apps" { policy = "write" }`)
	g.as("writer").want("PUT", "/v1/jobs?namespace=*", &structs.JobRegisterRequest{Job: j}, 403, nil)
	g.want("PUT", "/v1/job/intruder/plan", map[string]any{"Job": j}, 403, nil)
	g.want("PUT", "/v1/disruption-budget/b?namespace=apps", map[string]any{"Namespace": "shop", "Job": "x", "MinAvailable": "1"}, 403, nil)
	j.Namespace = "apps"
	g.want("PUT", "/v1/jobs", &structs.JobRegisterRequest{Job: j}, 200, nil)
	g.want("DELETE", "/v1/job/intruder?namespace=apps&purge=true", nil, 200, nil)
	g.make("stopper", `namespace "apps" { capabilities = ["deregister-job", "read-job"] }`)
	g.as("stopper").want("DELETE", "/v1/job/web-apps?namespace=apps&purge=true", nil, 403, nil)
	g.want("DELETE", "/v1/job/web-apps?namespace=apps", nil, 200, nil)
}

func TestHostVolumesNeedARight(t *testing.T) {
	g := newGuarded(t)
	g.make("plain", writeDefault)
	g.make("reader", writeDefault+`host_volume "certs" { policy = "read" }`)
	j := func(readOnly bool) *structs.JobRegisterRequest {
		out := job("vol", 1)
		out.TaskGroups[0].Volumes = map[string]*structs.VolumeRequest{"v": {Name: "v", Type: "host", Source: "certs", ReadOnly: readOnly}}
		return &structs.JobRegisterRequest{Job: out}
	}
	g.as("plain").want("PUT", "/v1/jobs", j(true), 403, nil)
	g.as("reader").want("PUT", "/v1/jobs", j(false), 403, nil)
	g.want("PUT", "/v1/jobs", j(true), 200, nil)
}

func TestAJobOfAnotherNamespaceIsDependedOnByWhoMayReadIt(t *testing.T) {
	g := newGuarded(t)
	g.make("plain", writeDefault)
	g.make("reader", writeDefault+`namespace "apps" { policy = "read" }`)
	after := func(namespace string) *structs.JobRegisterRequest {
		out := job("late", 1)
		out.DependsOn = []*structs.Dependency{{Job: "db", Namespace: namespace, Condition: structs.DependStarted}}
		return &structs.JobRegisterRequest{Job: out}
	}
	g.as("plain").want("PUT", "/v1/jobs", after("apps"), 403, nil)
	g.want("PUT", "/v1/jobs", after("default"), 200, nil)
	g.want("PUT", "/v1/jobs", after(""), 200, nil)
	g.as("reader").want("PUT", "/v1/jobs", after("apps"), 200, nil)
}
