package httpapi

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"slices"
	"time"

	"berth/api"
	"berth/state"
	"berth/structs"
)

func (a *API) tokenRoutes() {
	a.route("/v1/acl/tokens", methods{http.MethodGet: management().then(on(a.tokensList))})
	a.route("/v1/acl/token", methods{http.MethodPut: management().then(on(a.tokenCreate))})
	a.route("/v1/acl/token/{id}", methods{http.MethodGet: callers().then(on(a.tokenGet)), http.MethodPut: management().then(on(a.tokenUpdate)),
		http.MethodDelete: management().then(on(a.tokenDelete))})
	a.route("/v1/acl/token/self", methods{http.MethodGet: anyToken().then(on(a.tokenSelf))})
	a.route("/v1/acl/token/onetime", methods{http.MethodPut: anyToken().then(on(a.oneTimeCreate))})
	a.route("/v1/acl/token/onetime/exchange", methods{http.MethodPut: open().then(on(a.oneTimeExchange))})
}

// tokensList never shows a secret.
func (a *API) tokensList(r *request) (any, error) {
	only := r.query.Has("global")
	global := r.flag("global")
	return r.read(func(s *state.Snapshot) (answer, error) {
		all, changed := s.ACLTokensW()
		out, err := list(r, all, func(t *structs.ACLToken) string { return t.AccessorID.String() },
			func(t *structs.ACLToken) *api.ACLTokenListStub { return api.NewACLTokenListStub(s, t) },
			func(t *structs.ACLToken) bool {
				return (!only || t.Global == global) && hasIDPrefix(t.AccessorID, r.query.Get("prefix"))
			})
		return answer{value: out, index: s.TableIndex(state.TableACLTokens), changed: changed}, err
	})
}

// tokenGet shows a manager any token, and a caller its own, with its secret: the contract does.
func (a *API) tokenGet(r *request) (any, error) {
	id, err := r.id("id", "ACL token")
	if err != nil {
		return nil, err
	}
	return r.read(func(s *state.Snapshot) (answer, error) {
		if !r.who.ACL.IsManagement() && (r.who.Token == nil || r.who.Token.AccessorID != id) {
			return answer{}, denied(false)
		}
		return oneToken(s, id)
	})
}

func (a *API) tokenSelf(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) { return oneToken(s, r.who.Token.AccessorID) })
}

func oneToken(s *state.Snapshot, id structs.ID) (answer, error) {
	_, changed := s.ACLTokensW()
	t := s.ACLToken(id)
	if t == nil {
		return answer{}, notFound("ACL token not found")
	}
	return answer{value: api.NewACLToken(s, t), index: t.ModifyIndex, changed: changed}, nil
}

// rolesNamed gives the links of roles that were named by id or name.
func rolesNamed(s *state.Snapshot, links []*structs.ACLTokenRole) ([]*structs.ACLTokenRole, error) {
	var out []*structs.ACLTokenRole
	for _, l := range links {
		var role *structs.ACLRole
		switch {
		case l == nil:
			return nil, invalid("a role of the token is null")
		case !l.ID.IsZero():
			role = s.ACLRole(l.ID)
		default:
			role = s.ACLRoleByName(l.Name)
		}
		if role == nil {
			return nil, invalid("cannot find role %s%s", l.Name, l.ID)
		}
		if !slices.ContainsFunc(out, func(have *structs.ACLTokenRole) bool { return have.ID == role.ID }) {
			out = append(out, &structs.ACLTokenRole{ID: role.ID})
		}
	}
	return out, nil
}

// expiry is when a token that is made now stops working; nil for never.
func (a *API) expiry(req *api.ACLToken, now time.Time) (*time.Time, error) {
	at := req.ExpirationTime
	switch ttl := time.Duration(req.ExpirationTTL); {
	case ttl != 0 && at != nil:
		return nil, invalid("ExpirationTTL and ExpirationTime exclude each other")
	case ttl < 0:
		return nil, invalid("ExpirationTTL must not be negative")
	case ttl > 0:
		at = new(now.Add(ttl))
	case at == nil || at.IsZero():
		return nil, nil
	}
	utc := at.UTC()
	switch left, c := utc.Sub(now), a.Config.ACL; {
	case left < c.MinExpiration:
		return nil, invalid("expiration time cannot be less than %s in the future (and was %s): acl.token_min_expiration_ttl", c.MinExpiration, left.Round(time.Second))
	case left > c.MaxExpiration:
		return nil, invalid("expiration time cannot be more than %s in the future (and was %s): acl.token_max_expiration_ttl", c.MaxExpiration, left.Round(time.Second))
	}
	return &utc, nil
}

func (a *API) tokenCreate(r *request) (any, error) {
	var req api.ACLToken
	if err := r.body(&req); err != nil {
		return nil, err
	}
	s, now := r.snapshot(), time.Now().UTC()
	if !req.AccessorID.IsZero() && s.ACLToken(req.AccessorID) != nil {
		return nil, invalid("ACL token with accessor %s exists: change it at its own path", req.AccessorID)
	}
	if !req.SecretID.IsZero() {
		return nil, invalid("a token's secret cannot be chosen: leave SecretID out")
	}
	if req.Global && a.Config.Follows() { // what reaches this was not sent on
		return nil, invalid("global tokens are made in region %q: ask that one, with -region %[1]s", a.Config.Authority())
	}
	t := &structs.ACLToken{AccessorID: req.AccessorID, SecretID: a.Server.NewID(), Name: req.Name, Type: req.Type, Policies: unique(req.Policies), Global: req.Global, CreateTime: now}
	if t.AccessorID.IsZero() {
		t.AccessorID = a.Server.NewID()
	}
	var err error
	if t.Roles, err = rolesNamed(s, req.Roles); err != nil {
		return nil, err
	}
	if t.ExpirationTime, err = a.expiry(&req, now); err != nil {
		return nil, err
	}
	return a.putToken(r, t)
}

// unique are texts without those that stand there twice, in their order.
func unique(texts []string) []string {
	var out []string
	for _, s := range texts {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func (a *API) tokenUpdate(r *request) (any, error) {
	id, err := r.id("id", "ACL token")
	if err != nil {
		return nil, err
	}
	var req api.ACLToken
	if err := r.body(&req); err != nil {
		return nil, err
	}
	s := r.snapshot()
	old := s.ACLToken(id)
	switch {
	case old == nil:
		return nil, notFound("ACL token not found")
	case req.AccessorID != id:
		return nil, invalid("Token accessor ID does not match request path")
	case req.Global != old.Global:
		return nil, invalid("cannot toggle global mode")
	case req.ExpirationTTL != 0, req.ExpirationTime != nil && (old.ExpirationTime == nil || !req.ExpirationTime.Equal(*old.ExpirationTime)):
		return nil, invalid("cannot change the expiration of a token: make another")
	}
	t := old.Copy()
	t.Name, t.Type, t.Policies = req.Name, req.Type, unique(req.Policies)
	if t.Roles, err = rolesNamed(s, req.Roles); err != nil {
		return nil, err
	}
	return a.putToken(r, t)
}

// putToken stores a token and answers it as it is then.
func (a *API) putToken(r *request, t *structs.ACLToken) (any, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	t.SetHash()
	applied, err := a.Server.Propose(r.ctx(), structs.CmdACLTokenUpsert, &structs.ACLTokenUpsertCommand{Token: t})
	if err != nil {
		return nil, err
	}
	r.index = applied.Index
	made, err := tokenMade(applied.Value)
	if err != nil {
		return nil, err
	}
	return api.NewACLToken(r.snapshotNow(), made), nil
}

func (a *API) tokenDelete(r *request) (any, error) {
	id, err := r.id("id", "ACL token")
	if err != nil {
		return nil, err
	}
	if r.snapshot().ACLToken(id) == nil {
		return nil, notFound("ACL token not found")
	}
	return nil, a.write(r, structs.CmdACLTokenDelete, &structs.ACLTokenDeleteCommand{IDs: []structs.ID{id}})
}

// oneTimeCreate makes a secret that stands for the caller's token until it is exchanged, for a browser to be sent with.
func (a *API) oneTimeCreate(r *request) (any, error) {
	id := a.Server.NewID()
	hash := sha256.Sum256([]byte(id.String()))
	o := &structs.OneTimeToken{AccessorID: r.who.Token.AccessorID, Hash: hash[:], ExpiresAt: time.Now().Add(structs.OneTimeTokenTTL).UTC()}
	if err := a.write(r, structs.CmdOneTimeToken, &structs.OneTimeTokenCommand{Token: o}); err != nil {
		return nil, err
	}
	return &api.OneTimeTokenResponse{OneTimeToken: &api.OneTimeToken{OneTimeSecretID: id, AccessorID: o.AccessorID, ExpiresAt: o.ExpiresAt, CreateIndex: r.index, ModifyIndex: r.index},
		WriteMeta: structs.WriteMeta{Index: r.index}}, nil
}

func (a *API) oneTimeExchange(r *request) (any, error) {
	var req struct{ OneTimeSecretID structs.ID }
	if err := r.body(&req); err != nil {
		return nil, err
	}
	hash := sha256.Sum256([]byte(req.OneTimeSecretID.String()))
	// Whoever has no token may ask this: what will be refused is not written into the log.
	if !holdsOneTime(r.snapshotNow(), hash[:]) {
		return nil, structs.NewError(structs.KindUnauthorised, "the one-time token is not known: it was used, or has expired")
	}
	applied, err := a.Server.Propose(r.ctx(), structs.CmdOneTimeTokenUse, &structs.OneTimeTokenUseCommand{Hash: hash[:]})
	if err != nil {
		return nil, err
	}
	r.index = applied.Index
	t, err := tokenMade(applied.Value)
	if err != nil {
		return nil, err
	}
	return &api.OneTimeExchangeResponse{Token: api.NewACLToken(r.snapshotNow(), t), WriteMeta: structs.WriteMeta{Index: r.index}}, nil
}

func holdsOneTime(s *state.Snapshot, hash []byte) bool {
	for o := range s.OneTimeTokens() {
		if bytes.Equal(o.Hash, hash) {
			return true
		}
	}
	return false
}
