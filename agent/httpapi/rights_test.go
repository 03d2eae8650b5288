package httpapi

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"berth/acl"
	"berth/agent/access"
	"berth/server/events"
)

// callerWith is a request of a caller with such a policy.
func callerWith(t *testing.T, rules string) *request {
	t.Helper()
	p, err := acl.Parse(rules)
	if err != nil {
		t.Fatal(err)
	}
	return &request{who: &access.Identity{ACL: acl.Compile([]*acl.Policy{p})}}
}

// Each event is shown to who may see its object, and to nobody else.
func TestEventsAreShownToWhoMaySeeTheirObject(t *testing.T) {
	const apps, node, operator = `namespace "apps" { policy = "read" }`, `node { policy = "read" }`, `operator { policy = "read" }`
	const gpu = `node_pool "gpu" { policy = "read" }`
	for _, c := range []struct {
		topic          events.Topic
		key, namespace string
		rules          string // "" for managers alone
	}{
		{events.TopicJob, "web", "apps", apps},
		{events.TopicAllocation, "a", "apps", apps},
		{events.TopicEvaluation, "e", "apps", apps},
		{events.TopicDeployment, "d", "apps", apps},
		{events.TopicDisruptionBudget, "b", "apps", apps},
		{events.TopicJob, "web", "shop", ""},
		{events.TopicNamespace, "apps", "", apps},
		{events.TopicNamespace, "shop", "", ""},
		{events.TopicNode, "n", "", node},
		{events.TopicNodePool, "gpu", "", gpu},
		{events.TopicNodePool, "cpu", "", ""},
		{events.TopicOperator, "o", "", operator},
		{events.TopicQueue, "q", "", operator},
		{events.TopicACLToken, "t", "", ""},
		{events.TopicACLPolicy, "p", "", ""},
		{events.TopicACLRole, "r", "", ""},
		{"of a later version", "x", "apps", ""},
	} {
		e := &events.Event{Topic: c.topic, Key: c.key, Namespace: c.namespace}
		for _, rules := range []string{apps, node, operator, gpu} {
			if got := callerWith(t, rules).seesEvent(e); got != (rules == c.rules) {
				t.Errorf("%s %s of %q is shown %t to %s", c.topic, c.key, c.namespace, got, rules)
			}
		}
		if r := (&request{who: &access.Identity{ACL: acl.Management()}}); !r.seesEvent(e) {
			t.Errorf("%s %s of %q is not shown to a manager", c.topic, c.key, c.namespace)
		}
	}
}

// Rights other than those of namespaces: what is listed, found and changed is the caller's to see and change.
func TestPoolsAndNodesAreShownToWhoMaySeeThem(t *testing.T) {
	g := newGuarded(t)
	g.register(job("web", 1))
	for _, name := range []string{"gpu", "cpu"} {
		g.want("PUT", "/v1/node/pools", map[string]any{"Name": name}, 200, nil)
	}
	g.make("gpu", `node_pool "gpu" { policy = "write" }`)
	g.make("pools", `node_pool "*" { policy = "read" }`)
	g.as("gpu")
	var list []struct{ Name string }
	if g.want("GET", "/v1/node/pools", nil, 200, &list); len(list) != 1 || list[0].Name != "gpu" {
		t.Errorf("pools %v", list)
	}
	g.want("PUT", "/v1/node/pools", map[string]any{"Name": "gpu", "Description": "fast"}, 200, nil)
	g.want("PUT", "/v1/node/pools", map[string]any{"Name": "cpu", "Description": "slow"}, 403, nil)
	for path, body := range map[string]any{"/v1/search": map[string]any{"Prefix": "", "Context": "all"}, "/v1/search/fuzzy": map[string]any{"Text": g.node.Name, "Context": "all"}} {
		if got := g.want("POST", path, body, 200, nil); strings.Contains(got, g.node.ID.String()) || strings.Contains(got, `"cpu"`) {
			t.Errorf("%s: %s", path, got)
		}
	}
	g.as("pools")
	g.want("GET", "/v1/node/pool/default/nodes", nil, 403, nil)
	g.want("GET", "/v1/node/pool/default/jobs?namespace=*", nil, 403, nil)
	g.want("GET", "/v1/jobs?namespace=*", nil, 403, nil)
}

// A stream that says nothing ends as well when its caller may not any more.
func TestASilentStreamEndsForWhoMayNotAnyMore(t *testing.T) {
	g := newGuarded(t)
	accessor := g.make("reader", `namespace "default" { policy = "read" }`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/v1/event/stream?topic=Job", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Nomad-Token", g.tokens["reader"])
	resp, err := (&http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("answered %d", resp.StatusCode)
	}
	g.as("management").want("DELETE", "/v1/acl/token/"+accessor.String(), nil, 200, nil)
	if text, err := io.ReadAll(resp.Body); err != nil {
		t.Errorf("%q, %v", text, err)
	}
}
