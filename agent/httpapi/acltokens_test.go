package httpapi

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"berth/api"
	"berth/structs"
)

func contextFor(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), 50*time.Millisecond)
}

func TestWithoutAccessControlTokensAreNotLookedAt(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{"/v1/acl/policies", "/v1/acl/token/self", "/v1/acl/tokens", "/v1/acl/roles"} {
		if got := r.do("GET", path, nil); got.status != 400 || got.body != "ACL support disabled" {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := r.do("PUT", "/v1/acl/bootstrap", nil); got.status != 400 || got.body != "ACL support disabled" {
		t.Errorf("bootstrap: %d %s", got.status, got.body)
	}
	if got := r.do("GET", "/v1/acl/auth-methods", nil); got.status != 501 {
		t.Errorf("auth methods: %d %s", got.status, got.body)
	}
}

func TestTheFirstTokenIsMadeOnceAndAgainWithTheIndexOnDisk(t *testing.T) {
	g := newGuarded(t)
	g.api.Config.DataDir = t.TempDir()
	got := g.as("none").do("PUT", "/v1/acl/bootstrap", nil)
	if got.status != 400 || !strings.Contains(got.body, "ACL bootstrap already done (reset index: ") {
		t.Fatalf("%d %s", got.status, got.body)
	}
	_, rest, _ := strings.Cut(got.body, "reset index: ")
	index, _, _ := strings.Cut(rest, ")")
	file := filepath.Join(g.api.Config.DataDir, "server", "acl-bootstrap-reset")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	for text, status := range map[string]int{"nonsense": 400, "1": 400, index + "\n": 200} {
		if text == index+"\n" {
			continue
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		g.want("PUT", "/v1/acl/bootstrap", nil, status, nil)
	}
	if err := os.WriteFile(file, []byte(index+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const chosen = "3b8f7a0e-3a1f-4d0e-9d07-6f0f5a5f0a01"
	g.want("PUT", "/v1/acl/bootstrap", map[string]string{"BootstrapSecret": "short"}, 400, nil)
	var made api.ACLToken
	g.want("PUT", "/v1/acl/bootstrap", map[string]string{"BootstrapSecret": chosen}, 200, &made)
	if made.SecretID.String() != chosen || made.Type != "management" || !made.Global {
		t.Errorf("made %+v", made)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Error("the file stays")
	}
	g.want("PUT", "/v1/acl/bootstrap", nil, 400, nil)
}

func TestPoliciesTokensAndRolesByTheirRoutes(t *testing.T) {
	g := newGuarded(t)
	g.make("dev", writeDefault)
	for _, c := range []struct {
		method, path string
		body         any
		status       int
		want         string
	}{
		{"PUT", "/v1/acl/policy/bad", &structs.ACLPolicy{Rules: "node { policy = \"raed\" }"}, 400, `policy:1:17: policy = "raed" is unknown in node`},
		{"PUT", "/v1/acl/policy/bad", &structs.ACLPolicy{Name: "other", Rules: "node {}"}, 400, "does not match request path"},
		{"PUT", "/v1/acl/policy/b.d", &structs.ACLPolicy{Rules: writeDefault}, 400, "invalid name"},
		{"GET", "/v1/acl/policy/none", nil, 404, "ACL policy not found"},
		{"DELETE", "/v1/acl/policy/none", nil, 404, "ACL policy not found"},
		{"GET", "/v1/acl/policies", nil, 200, `"Name":"dev"`},
		{"GET", "/v1/acl/policies?prefix=x", nil, 200, `[]`},
		{"PUT", "/v1/acl/policy/task", &structs.ACLPolicy{Rules: writeDefault, JobACL: &structs.JobACL{Namespace: "default", JobID: "web"}}, 200, ""},
		{"GET", "/v1/acl/policy/task", nil, 200, `"JobACL":{"Namespace":"default","JobID":"web"`},
		{"PUT", "/v1/acl/token", &api.ACLToken{Type: "client"}, 400, "client token missing policies or roles"},
		{"PUT", "/v1/acl/token", &api.ACLToken{Type: "king"}, 400, `neither "client" nor "management"`},
		{"PUT", "/v1/acl/token", &api.ACLToken{Type: "management", Policies: []string{"dev"}}, 400, "cannot be associated"},
		{"PUT", "/v1/acl/token", &api.ACLToken{Type: "management", ExpirationTTL: api.TTL(time.Second)}, 400, "less than 1m0s"},
		{"PUT", "/v1/acl/token", &api.ACLToken{Type: "management", ExpirationTTL: api.TTL(25 * time.Hour)}, 400, "more than 24h0m0s"},
		{"PUT", "/v1/acl/token", &api.ACLToken{Type: "management", SecretID: structs.ID{1}}, 400, "cannot be chosen"},
		{"PUT", "/v1/acl/token", map[string]any{"Type": "management", "ExpirationTTL": "soon"}, 400, "not a duration"},
		{"PUT", "/v1/acl/token", &api.ACLToken{Type: "client", Roles: []*structs.ACLTokenRole{{Name: "none"}}}, 400, "cannot find role none"},
		{"GET", "/v1/acl/token/" + structs.ID{9}.String(), nil, 404, "ACL token not found"},
		{"PUT", "/v1/acl/role", map[string]any{"Name": "devs"}, 400, "has no policies"},
		{"PUT", "/v1/acl/role", map[string]any{"Name": "devs", "Policies": []any{map[string]any{"Name": "none"}}}, 400, "cannot find policy none"},
		{"PUT", "/v1/acl/role", map[string]any{"Name": "devs", "Policies": []any{map[string]any{"Name": "dev"}}}, 200, `"Name":"devs"`},
		{"PUT", "/v1/acl/role", map[string]any{"Name": "devs", "Policies": []any{map[string]any{"Name": "dev"}}}, 409, "already exists"},
		{"GET", "/v1/acl/role/name/devs", nil, 200, `"Policies":[{"Name":"dev"}]`},
		{"GET", "/v1/acl/role/name/none", nil, 404, "ACL role not found"},
		{"GET", "/v1/acl/roles", nil, 200, `"Name":"devs"`},
	} {
		if got := g.do(c.method, c.path, c.body); got.status != c.status || !strings.Contains(got.body, c.want) {
			t.Errorf("%s %s: %d %.200s, want %d %q", c.method, c.path, got.status, got.body, c.status, c.want)
		}
	}
	var role structs.ACLRole
	g.want("GET", "/v1/acl/role/name/devs", nil, 200, &role)
	var made api.ACLToken
	g.want("PUT", "/v1/acl/token", &api.ACLToken{Name: "joe", Type: "client", Roles: []*structs.ACLTokenRole{{Name: "devs"}}, ExpirationTTL: api.TTL(time.Hour)}, 200, &made)
	if made.ExpirationTime == nil || len(made.Roles) != 1 || made.Roles[0].Name != "devs" || made.SecretID.IsZero() {
		t.Fatalf("made %+v", made)
	}
	g.tokens["joe"] = made.SecretID.String()
	g.as("joe").want("GET", "/v1/jobs", nil, 200, nil)
	var self api.ACLToken
	if g.want("GET", "/v1/acl/token/self", nil, 200, &self); self.AccessorID != made.AccessorID || self.SecretID != made.SecretID {
		t.Errorf("self is %+v", self)
	}
	if got := g.want("GET", "/v1/acl/policies", nil, 200, nil); strings.Contains(got, "task") || !strings.Contains(got, "dev") {
		t.Errorf("own policies %s", got)
	}
	g.want("GET", "/v1/acl/policy/task", nil, 403, nil)
	g.want("GET", "/v1/acl/policy/dev", nil, 200, nil)
	g.want("GET", "/v1/acl/role/"+role.ID.String(), nil, 200, nil)
	g.want("GET", "/v1/acl/tokens", nil, 403, nil)
	if got := g.want("GET", "/v1/acl/policy/self", nil, 200, nil); !strings.Contains(got, `"Rules"`) {
		t.Errorf("own rules %s", got)
	}
	g.as("management")
	if got := g.want("GET", "/v1/acl/tokens", nil, 200, nil); strings.Contains(got, "Secret") || strings.Contains(got, made.SecretID.String()) {
		t.Errorf("the list shows secrets: %s", got)
	}
	// A change, then the end.
	made.Name, made.Roles, made.Policies = "joseph", nil, []string{"task"}
	g.want("PUT", "/v1/acl/token/"+made.AccessorID.String(), &made, 200, nil)
	made.Global = true
	g.want("PUT", "/v1/acl/token/"+made.AccessorID.String(), &made, 400, nil)
	g.want("DELETE", "/v1/acl/role/"+role.ID.String(), nil, 200, nil)
	g.want("DELETE", "/v1/acl/token/"+made.AccessorID.String(), nil, 200, nil)
	if got := g.as("joe").want("GET", "/v1/jobs", nil, 403, nil); got != "ACL token not found" {
		t.Errorf("a token that is gone: %s", got)
	}
	// Once more as a bearer, and with a secret that is none.
	g.tokens["nonsense"] = "nonsense"
	if got := g.as("nonsense").want("GET", "/v1/jobs", nil, 403, nil); got != "ACL token not found" {
		t.Errorf("a secret that is none: %s", got)
	}
	if secret(http.Header{"Authorization": {"Bearer abc"}}) != "abc" || secret(http.Header{"Authorization": {"Basic abc"}}) != "" {
		t.Error("bearers are not read")
	}
}

func TestTheAnonymousPolicyIsForThoseWithoutAToken(t *testing.T) {
	g := newGuarded(t)
	g.as("none").want("GET", "/v1/jobs", nil, 403, nil)
	g.want("GET", "/v1/agent/health", nil, 200, nil)
	g.want("GET", "/v1/status/leader", nil, 200, nil)
	g.as("management").want("PUT", "/v1/acl/policy/anonymous", &structs.ACLPolicy{Rules: `namespace "default" { policy = "read" }`}, 200, nil)
	g.as("none").want("GET", "/v1/jobs", nil, 200, nil)
	g.want("PUT", "/v1/jobs", &structs.JobRegisterRequest{Job: job("web", 1)}, 403, nil)
	g.as("management").want("DELETE", "/v1/acl/policy/anonymous", nil, 200, nil)
	g.as("none").want("GET", "/v1/jobs", nil, 403, nil)
}

func TestAOneTimeTokenIsExchangedOnce(t *testing.T) {
	g := newGuarded(t)
	g.make("dev", writeDefault)
	var one api.OneTimeTokenResponse
	g.as("dev").want("PUT", "/v1/acl/token/onetime", nil, 200, &one)
	g.as("none").want("PUT", "/v1/acl/token/onetime", nil, 403, nil)
	body := map[string]any{"OneTimeSecretID": one.OneTimeToken.OneTimeSecretID}
	var got api.OneTimeExchangeResponse
	g.want("PUT", "/v1/acl/token/onetime/exchange", body, 200, &got)
	if got.Token.SecretID.String() != g.tokens["dev"] {
		t.Errorf("exchanged for %+v", got.Token)
	}
	g.want("PUT", "/v1/acl/token/onetime/exchange", body, 403, nil)
}

// TestWhoMayNotAnyMoreIsToldNothing: a read that waits, and a stream of events, end for a token that is revoked; and for one whose policy
// changed the stream leaves out what is not its owner's any more.
func TestWhoMayNotAnyMoreIsToldNothing(t *testing.T) {
	g := newGuarded(t)
	g.want("PUT", "/v1/namespace", map[string]any{"Name": "apps"}, 200, nil)
	both := "namespace \"default\" { policy = \"read\" }\nnamespace \"apps\" { policy = \"read\" }\n"
	accessor := g.make("reader", both)
	index := g.as("reader").do("GET", "/v1/jobs", nil).header.Get("X-Nomad-Index")
	waits := make(chan reply, 1)
	reader := g.tokens["reader"]
	ask := func(path string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+path, nil)
		if err != nil {
			t.Error(err)
			return nil
		}
		req.Header.Set("Authorization", "Bearer "+reader)
		resp, err := (&http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}).Do(req)
		if err != nil {
			t.Error(err)
			return nil
		}
		return resp
	}
	begin := func(index string) {
		go func() {
			resp := ask("/v1/jobs?index=" + index)
			if resp == nil {
				waits <- reply{}
				return
			}
			defer resp.Body.Close()
			line, _ := bufio.NewReader(resp.Body).ReadString(0)
			waits <- reply{status: resp.StatusCode, body: line}
		}()
		for g.api.waiting.Load() == 0 { // until it waits
			runtime.Gosched()
		}
	}
	begin(index)
	stream := ask("/v1/event/stream?namespace=*&topic=Job&index=" + strconv.FormatUint(g.server.State().Index()+1, 10))
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body)
	lines.Buffer(nil, 1<<20)
	g.as("management")
	put := func(ns, id string) {
		j := job(id, 0)
		j.Namespace = ns
		g.register(j) // and its evaluation, which changes it once more, is done
	}
	until := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), `"secret-`) {
				t.Errorf("told of %s", lines.Text())
			}
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Fatalf("the stream ended before %s: %v", want, lines.Err())
	}
	put("apps", "first")
	until(`"first"`)
	g.want("PUT", "/v1/acl/policy/reader", &structs.ACLPolicy{Rules: `namespace "default" { policy = "read" }`}, 200, nil)
	put("apps", "secret-1")
	put("default", "second")
	until(`"second"`)
	if got := <-waits; got.status != 200 || strings.Contains(got.body, "secret") {
		t.Errorf("the read that waited: %d %s", got.status, got.body)
	}
	begin(g.do("GET", "/v1/jobs", nil).header.Get("X-Nomad-Index"))
	g.want("DELETE", "/v1/acl/token/"+accessor.String(), nil, 200, nil)
	put("default", "secret-2")
	if got := <-waits; got.status != 403 || got.body != "ACL token not found" {
		t.Errorf("a read that waited for a token that is gone: %d %s", got.status, got.body)
	}
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"secret-`) {
			t.Errorf("told of %s", lines.Text())
		}
	}
}

// What is refused to who shows nothing must cost nothing that stays: else anybody fills the disks of all servers.
func TestWhoShowsNoTokenWritesNothingIntoTheLog(t *testing.T) {
	g := newGuarded(t)
	g.as("nobody")
	const times = 40
	before := g.server.OwnStats().LastIndex
	for range times {
		g.want("PUT", "/v1/acl/bootstrap", nil, 400, nil)
		g.want("PUT", "/v1/acl/token/onetime/exchange", map[string]string{"OneTimeSecretID": "11111111-2222-4333-8444-555555555555"}, 403, nil)
	}
	if n := g.server.OwnStats().LastIndex - before; n >= times { // the leader's own work may be among them
		t.Errorf("%d refused requests made %d entries of the log", 2*times, n)
	}
}
