package httpapi

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/acl"
	"berth/agent/access"
	"berth/agent/config"
	"berth/agent/relay"
	"berth/api"
	"berth/internal/idgen"
	"berth/server"
	"berth/server/replicate"
	"berth/structs"
)

// pair is two regions: that of the rig decides, and a server follows it through the API with a token of it.
type pair struct {
	*guarded
	west   *server.Server
	access *access.State
	api    *API
}

// inProcess passes requests to an API without a network.
type inProcess struct{ h http.Handler }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	t.h.ServeHTTP(w, r)
	return w.Result(), nil
}

func newPair(t *testing.T, secret func(g *guarded) string) *pair {
	t.Helper()
	g := newGuarded(t)
	east := g.api.Config.Region
	log := hclog.NewNullLogger()
	source := &relay.Source{Own: "west", Region: east, Token: secret(g), Servers: func(string) []string { return []string{"x"} }, Trip: inProcess{g.api.Handler()}}
	s, err := server.New(server.Config{Name: "w1", Region: "west", Addr: "127.0.0.1:4647", Logger: log, IDs: idgen.Seeded(2),
		Replicate: &replicate.Plan{From: east, Source: source}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	<-s.Ready()
	cfg := config.Default()
	cfg.Region, cfg.Server.Enabled, cfg.ACL.Enabled, cfg.Server.AuthoritativeRegion = "west", true, true, east
	p := &pair{guarded: g, west: s, access: access.NewState(true, time.Minute, s, time.Now)}
	p.api = New(Deps{Config: cfg, Server: s, Logger: log, Name: "w1", Logs: noLog, Metrics: openMetrics(t), Reload: func() error { return nil }, Access: p.access})
	return p
}

// until waits for the state of the region that follows.
func (p *pair) until(what string, ok func() bool) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), time.Minute)
	defer cancel()
	for !ok() {
		if p.west.State().WaitIndex(ctx, p.west.State().Index()+1) != nil {
			s, _ := p.west.Replication()
			p.Fatalf("%s: it did not follow: %+v", what, s)
		}
	}
}

func (p *pair) status(secret string) (int, api.ReplicationStatus) {
	r := httptest.NewRequest("GET", "/v1/operator/replication", nil)
	r.Header.Set("X-Nomad-Token", secret)
	w := httptest.NewRecorder()
	p.api.Handler().ServeHTTP(w, r)
	var out api.ReplicationStatus
	_ = json.Unmarshal(w.Body.Bytes(), &out)
	return w.Code, out
}

func manager(g *guarded) string {
	var t api.ACLToken
	g.as("management").want("PUT", "/v1/acl/token", &api.ACLToken{Name: "replication", Type: structs.TokenManagement}, 200, &t)
	return t.SecretID.String()
}

// One region follows another through the API as it is: what is made, changed and deleted there holds here, and the token of one region alone stays there.
func TestARegionFollowsAnother(t *testing.T) {
	p := newPair(t, manager)
	snap := p.west.State().Snapshot
	p.until("the first token", func() bool { return len(slices.Collect(snap().ACLTokens())) == 1 }) // not the replication token
	global := p.make("dev", writeDefault, func(t *api.ACLToken) { t.Global = true })
	p.make("local", writeDefault)
	p.until("the policies", func() bool { return snap().ACLPolicy("dev") != nil && snap().ACLPolicy("local") != nil })
	resolve := func(secret string) string {
		who, err := p.access.Resolve(t.Context(), secret)
		switch {
		case err != nil:
			return err.Error()
		case who.ACL.Namespace("apps", acl.ReadJob):
			return "apps"
		default:
			return "none of apps"
		}
	}
	p.until("the token", func() bool { return snap().ACLToken(global) != nil })
	if a, b := p.server.State().Snapshot().ACLToken(global), snap().ACLToken(global); a.SecretID != b.SecretID || !a.CreateTime.Equal(b.CreateTime) || !b.Global || b.Name != "dev" || string(a.Hash) != string(b.Hash) {
		t.Errorf("%v is %v", a, b)
	}
	if got := resolve(p.tokens["dev"]); got != "none of apps" {
		t.Error(got)
	}
	if got := resolve(p.tokens["local"]); got != "ACL token not found" {
		t.Error(got)
	}
	p.as("management")
	p.want("PUT", "/v1/acl/policy/dev", &structs.ACLPolicy{Rules: `namespace "apps" { policy = "write" }`}, 200, nil)
	p.until("the policy's change", func() bool { return resolve(p.tokens["dev"]) == "apps" })

	var role structs.ACLRole
	p.want("PUT", "/v1/acl/role", &structs.ACLRole{Name: "r", Policies: []*structs.ACLRolePolicy{{Name: "dev"}}}, 200, &role)
	var viaRole api.ACLToken
	p.want("PUT", "/v1/acl/token", &api.ACLToken{Type: structs.TokenClient, Global: true, Roles: []*structs.ACLTokenRole{{Name: "r"}}, ExpirationTTL: api.TTL(time.Hour)}, 200, &viaRole)
	p.until("a token of a role", func() bool { return resolve(viaRole.SecretID.String()) == "apps" })
	if end := snap().ACLToken(viaRole.AccessorID).ExpirationTime; end == nil || !end.Equal(*viaRole.ExpirationTime) {
		t.Errorf("it ends %v", end)
	}
	p.want("PUT", "/v1/namespace", map[string]any{"Name": "apps", "Meta": map[string]string{"k": "v"}, "Capabilities": map[string]any{"DisabledTaskDrivers": []string{"docker"}, "EnabledTaskDrivers": []string{}}}, 200, nil)
	p.want("PUT", "/v1/node/pools", map[string]any{"Name": "gpu", "SchedulerConfiguration": map[string]any{"SchedulerAlgorithm": "spread"}}, 200, nil)
	p.until("a namespace", func() bool { return snap().Namespace("apps") != nil && snap().NodePool("gpu") != nil })
	if n, pool := snap().Namespace("apps"), snap().NodePool("gpu"); !maps.Equal(n.Meta, map[string]string{"k": "v"}) || n.Capabilities.DisabledTaskDrivers[0] != "docker" || pool.SchedulerConfiguration.SchedulerAlgorithm != "spread" {
		t.Errorf("%+v %+v", n, pool)
	}
	p.want("DELETE", "/v1/acl/role/"+role.ID.String(), nil, 200, nil)
	p.until("the role's end", func() bool {
		return resolve(viaRole.SecretID.String()) == "ACL token not found" && snap().ACLRole(role.ID) == nil
	})
	p.want("DELETE", "/v1/acl/token/"+global.String(), nil, 200, nil)
	p.until("the token's end", func() bool { return resolve(p.tokens["dev"]) == "ACL token not found" })
	p.want("DELETE", "/v1/acl/policy/dev", nil, 200, nil)
	p.want("DELETE", "/v1/namespace/apps", nil, 200, nil)
	p.want("DELETE", "/v1/node/pool/gpu", nil, 200, nil)
	p.until("the ends", func() bool {
		s := snap()
		return s.ACLPolicy("dev") == nil && s.Namespace("apps") == nil && s.NodePool("gpu") == nil
	})
	if code, s := p.status(p.tokens["management"]); code != 200 || !s.Follows || s.Region != "west" || s.AuthoritativeRegion != "global" || s.LastSuccess == nil || s.Error != "" || s.Applied == 0 {
		t.Errorf("%d %+v", code, s)
	}
	// A region that decides for itself from now on has managers: its first token is not for whoever asks first.
	p.api.Config.Server.AuthoritativeRegion = ""
	w := httptest.NewRecorder()
	p.api.Handler().ServeHTTP(w, httptest.NewRequest("PUT", "/v1/acl/bootstrap", nil))
	if w.Code != 400 || w.Body.String() != "ACL bootstrap already done (reset index: 1)" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	p.api.Config.Server.AuthoritativeRegion = "global"
	// What reaches the API of a region that follows was not sent on: a global token is not made there.
	r := httptest.NewRequest("PUT", "/v1/acl/token", strings.NewReader(`{"Type":"management","Global":true}`))
	r.Header.Set("X-Nomad-Token", p.tokens["management"])
	w = httptest.NewRecorder()
	p.api.Handler().ServeHTTP(w, r)
	if w.Code != 400 || !strings.Contains(w.Body.String(), `global tokens are made in region "global"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Only a manager's token shows all that is to be taken over: with another nothing is, and nothing is deleted.
func TestAReplicationTokenThatIsNoManagers(t *testing.T) {
	p := newPair(t, func(g *guarded) string {
		g.make("few", writeDefault, func(t *api.ACLToken) { t.Global = true })
		return g.tokens["few"]
	})
	if _, err := p.west.Propose(t.Context(), structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "own"}}}); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		if s, _ := p.west.Replication(); strings.Contains(s.Failing, "refuses the replication token") {
			break
		} else if time.Since(began) > time.Minute {
			t.Fatalf("%+v", s)
		}
	}
	if s := p.west.State().Snapshot(); s.Namespace("own") == nil || len(slices.Collect(s.ACLPolicies())) > 0 {
		t.Error("something changed")
	}
}

func TestARegionThatFollowsNobodySaysSo(t *testing.T) {
	r := newRig(t)
	var s api.ReplicationStatus
	r.get("/v1/operator/replication", &s)
	if s.Region != "global" || s.AuthoritativeRegion != "global" || s.Follows || s.Error != "" {
		t.Errorf("%+v", s)
	}
}
