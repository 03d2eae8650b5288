package httpapi

import (
	"net/http"

	"berth/state"
	"berth/structs"
)

func (a *API) roleRoutes() {
	a.route("/v1/acl/roles", methods{http.MethodGet: callers().then(on(a.rolesList))})
	a.route("/v1/acl/role", methods{http.MethodPut: management().then(on(a.roleCreate))})
	a.route("/v1/acl/role/{id}", methods{http.MethodGet: callers().then(on(a.roleGet)), http.MethodPut: management().then(on(a.roleUpdate)),
		http.MethodDelete: management().then(on(a.roleDelete))})
	a.route("/v1/acl/role/name/{name}", methods{http.MethodGet: callers().then(on(a.roleByName))})
}

// ownRole reports whether the caller may see a role: managers all, others those of their token.
func (r *request) ownRole(id structs.ID) bool {
	if r.who.ACL.IsManagement() {
		return true
	}
	if r.who.Token == nil {
		return false
	}
	for _, l := range r.who.Token.Roles {
		if l.ID == id {
			return true
		}
	}
	return false
}

func (a *API) rolesList(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		all, changed := s.ACLRolesW()
		_, tokens := s.ACLTokensW()
		out, err := list(r, all, func(x *structs.ACLRole) string { return x.ID.String() }, func(x *structs.ACLRole) *structs.ACLRole { return x },
			func(x *structs.ACLRole) bool { return hasIDPrefix(x.ID, r.query.Get("prefix")) && r.ownRole(x.ID) })
		return answer{value: out, index: s.ACLIndex(), changed: changed, also: tokens}, err
	})
}

// oneRole answers a role; one that does not exist is told to managers alone.
func (r *request) oneRole(s *state.Snapshot, x *structs.ACLRole) (answer, error) {
	_, changed := s.ACLRolesW()
	switch {
	case x == nil && r.who.ACL.IsManagement():
		return answer{}, notFound("ACL role not found")
	case x == nil || !r.ownRole(x.ID):
		return answer{}, denied(false)
	}
	return answer{value: x, index: x.ModifyIndex, changed: changed}, nil
}

func (a *API) roleGet(r *request) (any, error) {
	id, err := r.id("id", "ACL role")
	if err != nil {
		return nil, err
	}
	return r.read(func(s *state.Snapshot) (answer, error) { return r.oneRole(s, s.ACLRole(id)) })
}

func (a *API) roleByName(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		return r.oneRole(s, s.ACLRoleByName(r.PathValue("name")))
	})
}

func (a *API) roleCreate(r *request) (any, error) {
	var role structs.ACLRole
	if err := r.body(&role); err != nil {
		return nil, err
	}
	if !role.ID.IsZero() {
		return nil, invalid("a new role has no ID: change one that is there at its own path")
	}
	role.ID = a.Server.NewID()
	return a.putRole(r, &role)
}

func (a *API) roleUpdate(r *request) (any, error) {
	id, err := r.id("id", "ACL role")
	if err != nil {
		return nil, err
	}
	var role structs.ACLRole
	if err := r.body(&role); err != nil {
		return nil, err
	}
	switch {
	case r.snapshot().ACLRole(id) == nil:
		return nil, notFound("ACL role not found")
	case role.ID != id:
		return nil, invalid("ACL role ID does not match request path")
	}
	return a.putRole(r, &role)
}

func (a *API) putRole(r *request, role *structs.ACLRole) (any, error) {
	if err := role.Check(); err != nil {
		return nil, err
	}
	role.SetHash()
	applied, err := a.Server.Propose(r.ctx(), structs.CmdACLRoleUpsert, &structs.ACLRoleUpsertCommand{Role: role})
	if err != nil {
		return nil, err
	}
	r.index = applied.Index
	return applied.Value, nil
}

func (a *API) roleDelete(r *request) (any, error) {
	id, err := r.id("id", "ACL role")
	if err != nil {
		return nil, err
	}
	if r.snapshot().ACLRole(id) == nil {
		return nil, notFound("ACL role not found")
	}
	return nil, a.write(r, structs.CmdACLRoleDelete, &structs.ACLRoleDeleteCommand{IDs: []structs.ID{id}})
}
