package httpapi

import (
	"cmp"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"berth/acl"
	"berth/api"
	"berth/state"
	"berth/structs"
)

func (a *API) aclRoutes() {
	a.route("/v1/acl/bootstrap", methods{http.MethodPut: open().then(on(a.aclBootstrap))})
	a.route("/v1/acl/policies", methods{http.MethodGet: callers().then(on(a.policiesList))})
	a.route("/v1/acl/policy/{name}", methods{http.MethodGet: callers().then(on(a.policyGet)), http.MethodPut: management().then(on(a.policyApply)),
		http.MethodDelete: management().then(on(a.policyDelete))})
	a.route("/v1/acl/policy/self", methods{http.MethodGet: anybody().then(on(a.policySelf))})
	a.tokenRoutes()
	a.roleRoutes()
	for _, path := range []string{"auth-methods", "auth-method", "auth-method/{name}", "binding-rules", "binding-rule", "binding-rule/{id}", "oidc/auth-url", "oidc/complete-auth",
		"login", "identity/client-introduction-token"} {
		o := open().then(func(*request) (any, error) {
			return nil, status(http.StatusNotImplemented, "this version knows no ways to log in but tokens: make them with `berth acl token create`")
		})
		a.route("/v1/acl/"+path, methods{http.MethodGet: o, http.MethodPut: o, http.MethodDelete: o})
	}
}

// anybody is for callers with a token that works, and without one.
func anybody() permission {
	return permission{words: "none; shows what is the caller's", check: func(*request, *state.Snapshot) error { return nil }}
}

// callers is for what shows a caller its own, and managers everything.
func callers() permission {
	return permission{words: "management, or the caller's own", check: func(*request, *state.Snapshot) error { return nil }}
}

// on answers the contract's text while access control is off.
func on(h handler) handler {
	return func(r *request) (any, error) {
		if r.who == nil {
			return nil, invalid("ACL support disabled")
		}
		return h(r)
	}
}

// resetFile is where an operator of a server's machine writes the index that lets the first token be made again.
func (a *API) resetFile() string {
	if a.Config.Dev {
		return ""
	}
	return filepath.Join(a.Config.DataDir, "server", "acl-bootstrap-reset")
}

// maxResetFile bounds what is read of it.
const maxResetFile = 64

// resetIndex is the index in the file, 0 without one.
func (a *API) resetIndex() (uint64, error) {
	name := a.resetFile()
	if name == "" {
		return 0, nil
	}
	raw, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, status(http.StatusInternalServerError, "the file acl-bootstrap-reset cannot be read: %v", err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(raw[:min(len(raw), maxResetFile)])), 10, 64)
	if err != nil {
		return 0, invalid("the file acl-bootstrap-reset must hold the reset index, a number")
	}
	return n, nil
}

// aclBootstrap makes the first token. Whoever asks first has it; once it is made, only the reset index on the leader's disk makes another.
func (a *API) aclBootstrap(r *request) (any, error) {
	var req struct{ BootstrapSecret string }
	if r.ContentLength != 0 {
		if err := r.body(&req); err != nil {
			return nil, err
		}
	}
	t := &structs.ACLToken{AccessorID: a.Server.NewID(), SecretID: a.Server.NewID(), Name: "Bootstrap Token", Type: structs.TokenManagement, Global: true, CreateTime: time.Now().UTC()}
	if req.BootstrapSecret != "" {
		id, err := structs.ParseID(req.BootstrapSecret)
		if err != nil || id.IsZero() {
			return nil, invalid("invalid bootstrap token: it must be a UUID, such as `uuidgen` prints")
		}
		t.SecretID = id
	}
	t.SetHash()
	reset, err := a.resetIndex()
	if err != nil {
		return nil, err
	}
	// Whoever has no token may ask this: what will be refused is not written into the log.
	if done := bootstrapped(r.snapshotNow()); done != 0 && done != reset {
		return nil, invalid("ACL bootstrap already done (reset index: %d)", done)
	}
	applied, err := a.Server.Propose(r.ctx(), structs.CmdACLBootstrap, &structs.ACLBootstrapCommand{Token: t, Reset: reset})
	if err != nil {
		return nil, err
	}
	r.index = applied.Index
	if reset != 0 {
		_ = os.Remove(a.resetFile()) // it is good for nothing any more: the index is another now
	}
	made, err := tokenMade(applied.Value)
	if err != nil {
		return nil, err
	}
	return api.NewACLToken(r.snapshotNow(), made), nil
}

// bootstrapped is the index at which the first token was made, 0 when there is none. A region that followed another has had none of its own,
// and managers all the same: 1 stands for that.
func bootstrapped(s *state.Snapshot) uint64 {
	if done := s.ACLBootstrap(); done != nil {
		return done.ModifyIndex
	}
	for t := range s.ACLTokens() {
		if t.Type == structs.TokenManagement {
			return 1
		}
	}
	return 0
}

// tokenMade is the token a command answered.
func tokenMade(value any) (*structs.ACLToken, error) {
	t, ok := value.(*structs.ACLToken)
	if !ok {
		return nil, status(http.StatusInternalServerError, "the state gave no token")
	}
	return t, nil
}

// snapshotNow is the state after a change of this request.
func (r *request) snapshotNow() *state.Snapshot { return r.api.Server.State().Snapshot() }

// ownPolicies are the names of the policies the caller is held against.
func (r *request) ownPolicies(s *state.Snapshot) map[string]bool {
	out := map[string]bool{}
	for _, p := range policiesOf(s, r.who.Token) {
		out[p.Name] = true
	}
	return out
}

// policiesOf are the policies of a token and of its roles, by name; of nobody without one.
func policiesOf(s *state.Snapshot, t *structs.ACLToken) []*structs.ACLPolicy {
	out := []*structs.ACLPolicy{}
	for p := range s.ACLPolicies() {
		if tokenHas(s, t, p.Name) {
			out = append(out, p)
		}
	}
	return out
}

func tokenHas(s *state.Snapshot, t *structs.ACLToken, policy string) bool {
	if t == nil {
		return policy == structs.ACLAnonymous
	}
	for _, name := range t.Policies {
		if name == policy {
			return true
		}
	}
	for _, link := range t.Roles {
		if role := s.ACLRole(link.ID); role != nil {
			for _, p := range role.Policies {
				if p.Name == policy {
					return true
				}
			}
		}
	}
	return false
}

func (a *API) policiesList(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		own := r.ownPolicies(s)
		all, changed := s.ACLPoliciesW()
		_, tokens := s.ACLTokensW()
		_, roles := s.ACLRolesW()
		out, err := list(r, all, func(p *structs.ACLPolicy) string { return p.Name }, api.NewACLPolicyListStub,
			func(p *structs.ACLPolicy) bool {
				return r.hasPrefix(p.Name) && (r.who.ACL.IsManagement() || own[p.Name])
			})
		return answer{value: out, index: s.ACLIndex(), changed: changed, also: tokens, third: roles}, err
	})
}

func (a *API) policyGet(r *request) (any, error) {
	name := r.PathValue("name")
	return r.read(func(s *state.Snapshot) (answer, error) {
		if !r.who.ACL.IsManagement() && !r.ownPolicies(s)[name] {
			return answer{}, denied(false)
		}
		_, changed := s.ACLPoliciesW()
		p := s.ACLPolicy(name)
		if p == nil {
			return answer{}, notFound("ACL policy not found")
		}
		return answer{value: p, index: p.ModifyIndex, changed: changed}, nil
	})
}

func (a *API) policySelf(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		_, changed := s.ACLPoliciesW()
		_, tokens := s.ACLTokensW()
		_, roles := s.ACLRolesW()
		return answer{value: policiesOf(s, r.who.Token), index: s.ACLIndex(), changed: changed, also: tokens, third: roles}, nil
	})
}

func (a *API) policyApply(r *request) (any, error) {
	var p structs.ACLPolicy
	if err := r.body(&p); err != nil {
		return nil, err
	}
	if p.Name = cmp.Or(p.Name, r.PathValue("name")); p.Name != r.PathValue("name") {
		return nil, invalid("ACL policy name does not match request path")
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	if _, err := acl.Parse(p.Rules); err != nil {
		return nil, invalid("the rules of policy %q are refused:\n%v", p.Name, err)
	}
	p.SetHash()
	return nil, a.write(r, structs.CmdACLPolicyUpsert, &structs.ACLPolicyUpsertCommand{Policies: []*structs.ACLPolicy{&p}})
}

func (a *API) policyDelete(r *request) (any, error) {
	name := r.PathValue("name")
	if r.snapshot().ACLPolicy(name) == nil {
		return nil, notFound("ACL policy not found")
	}
	return nil, a.write(r, structs.CmdACLPolicyDelete, &structs.NameDeleteCommand{Names: []string{name}})
}
