package replicate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"
	"go.uber.org/goleak"

	"berth/server/fsm"
	"berth/state"
	"berth/structs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// region is a server of one with the real state machine. As a source it answers as the API does.
type region struct {
	name, authority string
	store           *state.Store
	fsm             *fsm.FSM

	mu       sync.Mutex
	proposed int
	fail     error                                    // of proposals
	proposal func(body msgp.Marshaler)                // is told of each
	away     error                                    // of questions
	answers  func(method, path string) ([]byte, bool) // in place of its own
	asked    map[string]int                           // by method and path without the query
	changed  chan struct{}                            // closed with each change
}

func newRegion(name string) *region {
	store := state.New()
	g := &region{name: name, authority: name, store: store, fsm: fsm.New(store), asked: map[string]int{}, changed: make(chan struct{})}
	for range 2 { // a log begins with other things: the index of nothing is 1, and of the first change above it
		_ = g.try(structs.CmdSchedulerConfig, &structs.SchedulerConfigCommand{Config: structs.DefaultSchedulerConfiguration()})
	}
	g.proposed = 0
	return g
}

func (g *region) State() *state.Store { return g.store }

func (g *region) Propose(_ context.Context, kind structs.CommandKind, body msgp.Marshaler) (uint64, any, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fail != nil {
		return 0, nil, g.fail
	}
	g.proposed++
	if g.proposal != nil {
		g.proposal(body)
	}
	cmd, err := structs.NewCommand(kind, time.Now().UnixNano(), body)
	if err != nil {
		return 0, nil, err
	}
	index := g.store.Index() + 1
	res := g.fsm.ApplyEntry(index, &structs.LogEntry{Commands: []structs.Command{cmd}})[0]
	close(g.changed)
	g.changed = make(chan struct{})
	return index, res.Value, res.Err
}

func (g *region) set(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
	close(g.changed)
	g.changed = make(chan struct{})
}

func (g *region) try(kind structs.CommandKind, body msgp.Marshaler) error {
	_, _, err := g.Propose(context.Background(), kind, body)
	return err
}

func (g *region) do(t testing.TB, kind structs.CommandKind, body msgp.Marshaler) {
	t.Helper()
	if err := g.try(kind, body); err != nil {
		t.Fatal(err)
	}
}

func (g *region) count(what string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked[what]
}

func (g *region) index(path string) uint64 {
	s := g.store.Snapshot()
	switch path {
	case pathPolicies, pathRoles:
		return max(s.ACLIndex(), 1)
	case pathTokens:
		return max(s.TableIndex(state.TableACLTokens), 1)
	case pathNamespaces:
		return max(s.TableIndex(state.TableNamespaces), 1)
	default:
		return max(s.TableIndex(state.TableNodePools), 1)
	}
}

// Do implements Source.
func (g *region) Do(ctx context.Context, method, path string, limit int64) ([]byte, uint64, error) {
	u, err := url.Parse(path)
	if err != nil {
		return nil, 0, err
	}
	above, _ := strconv.ParseUint(u.Query().Get("index"), 10, 64)
	var over <-chan time.Time
	if wait, err := time.ParseDuration(u.Query().Get("wait")); err == nil {
		over = time.After(wait)
	}
	for woken := false; ; woken = true {
		g.mu.Lock()
		if !woken {
			g.asked[method+" "+u.Path]++
		}
		away, answers, changed, index := g.away, g.answers, g.changed, g.index(u.Path)
		g.mu.Unlock()
		if away != nil {
			return nil, 0, away
		}
		if above == 0 || index != above {
			if answers != nil {
				if body, own := answers(method, u.Path); own {
					if int64(len(body)) > limit {
						return nil, 0, structs.NewError(structs.KindInvalid, "it answers too much")
					}
					return body, index, nil
				}
			}
			index = g.index(u.Path) // answers may have changed something before this one
			body, err := g.answer(method, u.Path)
			return body, index, err
		}
		select {
		case <-changed:
		case <-over:
			return nil, index, nil
		case <-ctx.Done():
			return nil, 0, &structs.Error{Kind: structs.KindUnavailable, Err: ctx.Err()}
		}
	}
}

func (g *region) answer(method, path string) ([]byte, error) {
	if method == http.MethodHead {
		return nil, nil
	}
	s := g.store.Snapshot()
	switch path {
	case pathStatus:
		return json.Marshal(map[string]string{"Region": g.name, "AuthoritativeRegion": g.authority})
	case pathTokens:
		out := []any{}
		for t := range s.ACLTokens() {
			if t.Global {
				out = append(out, shown(s, t))
			}
		}
		return json.Marshal(out)
	case pathRoles:
		return all(s.ACLRoles(), func(r *structs.ACLRole) any { return r })
	case pathPolicies:
		return all(s.ACLPolicies(), func(p *structs.ACLPolicy) any {
			return map[string]any{"Name": p.Name, "Description": p.Description, "Hash": p.Hash}
		})
	case pathNamespaces:
		return all(s.Namespaces(), func(n *structs.Namespace) any { return n })
	case pathPools:
		return all(s.NodePools(), func(p *structs.NodePool) any { return p })
	}
	if name, ok := strings.CutPrefix(path, "/v1/acl/policy/"); ok && s.ACLPolicy(name) != nil {
		return json.Marshal(s.ACLPolicy(name))
	}
	if text, ok := strings.CutPrefix(path, "/v1/acl/token/"); ok {
		if id, err := structs.ParseID(text); err == nil && s.ACLToken(id) != nil {
			t := s.ACLToken(id)
			stub := shown(s, t)
			return json.Marshal(struct {
				structs.ACLToken
				SecretID structs.ID
			}{stub, t.SecretID})
		}
	}
	return nil, structs.NewError(structs.KindNotFound, "not found")
}

// shown is a token as the API shows it: with the roles there are.
func shown(s *state.Snapshot, t *structs.ACLToken) structs.ACLToken {
	out := *t.Copy()
	out.Roles = nil
	for _, l := range t.Roles {
		if s.ACLRole(l.ID) != nil {
			out.Roles = append(out.Roles, l)
		}
	}
	return out
}

func all[T any](seq func(func(T) bool), f func(T) any) ([]byte, error) {
	out := []any{}
	for x := range seq {
		out = append(out, f(x))
	}
	return json.Marshal(out)
}

// follower makes a replicator of a region that follows another; its lines go to w.
func follower(g *region, from Source, name string, w *lines) *Replicator {
	log := hclog.NewNullLogger()
	if w != nil {
		log = hclog.New(&hclog.LoggerOptions{Output: w, Level: hclog.Info, DisableTime: true})
	}
	return New(Config{Plan: Plan{From: name, Source: from}, Host: g, Logger: log})
}

// lines are what was logged.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, strings.TrimSpace(string(p)))
	return len(p), nil
}

func (l *lines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.all
	l.all = nil
	return out
}

func id(kind byte, n int) structs.ID { return structs.ID{0: kind, 15: byte(n)} }

func policy(name, rules string) *structs.ACLPolicyUpsertCommand {
	p := &structs.ACLPolicy{Name: name, Rules: rules}
	p.SetHash()
	return &structs.ACLPolicyUpsertCommand{Policies: []*structs.ACLPolicy{p}}
}

func role(n int, name string, policies ...string) *structs.ACLRoleUpsertCommand {
	r := &structs.ACLRole{ID: id('r', n), Name: name}
	for _, p := range policies {
		r.Policies = append(r.Policies, &structs.ACLRolePolicy{Name: p})
	}
	r.SetHash()
	return &structs.ACLRoleUpsertCommand{Role: r}
}

// token makes a client token of policies and roles, or a manager without any; born distinguishes two of an accessor.
func token(n, born int, global bool, policies []string, roles ...int) *structs.ACLTokenUpsertCommand {
	t := &structs.ACLToken{AccessorID: id('t', n), SecretID: structs.ID{0: 's', 1: byte(born), 2: boolByte(global), 15: byte(n)}, Name: "n", Type: structs.TokenClient,
		Policies: policies, Global: global, CreateTime: time.Unix(int64(born), 5).UTC()}
	for _, r := range roles {
		t.Roles = append(t.Roles, &structs.ACLTokenRole{ID: id('r', r)})
	}
	if len(policies)+len(roles) == 0 {
		t.Type = structs.TokenManagement
	}
	t.SetHash()
	return &structs.ACLTokenUpsertCommand{Token: t}
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

var errCut = &structs.Error{Kind: structs.KindUnavailable, Err: errors.New("connection refused")}

// picture is what a region has that counts, as text: a policy's rules, what a role and a token grant, and who a token is.
func picture(g *region) map[string]string {
	out := map[string]string{}
	s := g.store.Snapshot()
	for p := range s.ACLPolicies() {
		out["policy "+p.Name] = fmt.Sprintf("%s %s %v", p.Description, p.Rules, p.JobACL)
	}
	grants := func(r *structs.ACLRole) (have []string) {
		for _, p := range r.Policies {
			if s.ACLPolicy(p.Name) != nil {
				have = append(have, p.Name)
			}
		}
		return have
	}
	for r := range s.ACLRoles() {
		if have := grants(r); len(have) > 0 {
			out["role "+r.Name] = fmt.Sprint(r.ID, r.Description, have)
		}
	}
	for t := range s.ACLTokens() {
		rights := len(t.Policies) > 0 || t.Type == structs.TokenManagement
		text := fmt.Sprint(t.SecretID, t.Name, t.Type, t.Policies, t.CreateTime.UnixNano(), t.ExpirationTime)
		for _, l := range t.Roles { // those of a token of one region are held against what follows
			if r := s.ACLRole(l.ID); t.Global && r != nil && len(grants(r)) > 0 {
				text += " " + r.Name
				rights = true
			}
		}
		if rights || !t.Global {
			out[fmt.Sprintf("token %t %s", t.Global, t.AccessorID)] = text
		}
	}
	for n := range s.Namespaces() {
		out["namespace "+n.Name] = fmt.Sprint(n.Description, n.Meta, n.Capabilities)
	}
	for p := range s.NodePools() {
		out["pool "+p.Name] = fmt.Sprint(p.Description, p.Meta)
	}
	return out
}
