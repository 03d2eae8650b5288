package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"berth/structs"
)

// TTL is a duration that is a text in JSON, "" for 0; a number of nanoseconds is read as well.
type TTL time.Duration

// MarshalJSON implements json.Marshaler.
func (t TTL) MarshalJSON() ([]byte, error) {
	if t == 0 {
		return []byte(`""`), nil
	}
	return json.Marshal(time.Duration(t).String())
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *TTL) UnmarshalJSON(raw []byte) error {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	switch x := v.(type) {
	case nil:
		*t = 0
	case float64:
		*t = TTL(x)
	case string:
		if x == "" {
			*t = 0
			return nil
		}
		d, err := time.ParseDuration(x)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as \"8h\"", x)
		}
		*t = TTL(d)
	default:
		return fmt.Errorf("a duration is a text such as \"8h\", not %s", raw)
	}
	return nil
}

// ACLToken is a token with its secret. Whoever has the secret is its owner.
type ACLToken struct {
	AccessorID     structs.ID
	SecretID       structs.ID
	Name           string
	Type           string // "client" or "management"
	Policies       []string
	Roles          []*structs.ACLTokenRole
	Global         bool
	Hash           []byte
	CreateTime     time.Time
	ExpirationTime *time.Time `json:",omitempty"`
	ExpirationTTL  TTL        `json:",omitzero"` // in requests: how long from now
	CreateIndex    uint64
	ModifyIndex    uint64
}

// ACLTokenListStub is a token in a list, without its secret.
type ACLTokenListStub struct {
	AccessorID     structs.ID
	Name           string
	Type           string
	Policies       []string
	Roles          []*structs.ACLTokenRole
	Global         bool
	Hash           []byte
	CreateTime     time.Time
	ExpirationTime *time.Time `json:",omitempty"`
	CreateIndex    uint64
	ModifyIndex    uint64
}

// ACLPolicyListStub is a policy in a list, without its rules.
type ACLPolicyListStub struct {
	Name        string
	Description string
	Hash        []byte
	CreateIndex uint64
	ModifyIndex uint64
}

// OneTimeToken stands for a token until it is exchanged.
type OneTimeToken struct {
	OneTimeSecretID structs.ID
	AccessorID      structs.ID
	ExpiresAt       time.Time
	CreateIndex     uint64
	ModifyIndex     uint64
}

// OneTimeTokenResponse answers who asked for a one-time token.
type OneTimeTokenResponse struct {
	OneTimeToken *OneTimeToken
	structs.WriteMeta
}

// OneTimeExchangeResponse is the token a one-time token stood for.
type OneTimeExchangeResponse struct {
	Token *ACLToken
	structs.WriteMeta
}

// ACLRoles finds roles; a snapshot of the state is it.
type ACLRoles interface {
	ACLRole(id structs.ID) *structs.ACLRole
}

// named are the links of roles that are there, with their names.
func named(roles ACLRoles, links []*structs.ACLTokenRole) []*structs.ACLTokenRole {
	out := []*structs.ACLTokenRole{}
	for _, l := range links {
		if r := roles.ACLRole(l.ID); r != nil {
			out = append(out, &structs.ACLTokenRole{ID: r.ID, Name: r.Name})
		}
	}
	return out
}

// NewACLToken is a stored token with its secret, for those who may see it.
func NewACLToken(roles ACLRoles, t *structs.ACLToken) *ACLToken {
	return &ACLToken{AccessorID: t.AccessorID, SecretID: t.SecretID, Name: t.Name, Type: t.Type, Policies: t.Policies, Roles: named(roles, t.Roles), Global: t.Global, Hash: t.Hash,
		CreateTime: t.CreateTime, ExpirationTime: t.ExpirationTime, CreateIndex: t.CreateIndex, ModifyIndex: t.ModifyIndex}
}

// NewACLTokenListStub is a stored token without its secret.
func NewACLTokenListStub(roles ACLRoles, t *structs.ACLToken) *ACLTokenListStub {
	return &ACLTokenListStub{AccessorID: t.AccessorID, Name: t.Name, Type: t.Type, Policies: t.Policies, Roles: named(roles, t.Roles), Global: t.Global, Hash: t.Hash,
		CreateTime: t.CreateTime, ExpirationTime: t.ExpirationTime, CreateIndex: t.CreateIndex, ModifyIndex: t.ModifyIndex}
}

// NewACLPolicyListStub is a policy without its rules.
func NewACLPolicyListStub(p *structs.ACLPolicy) *ACLPolicyListStub {
	return &ACLPolicyListStub{Name: p.Name, Description: p.Description, Hash: p.Hash, CreateIndex: p.CreateIndex, ModifyIndex: p.ModifyIndex}
}

// ACL are the calls about policies, tokens and roles.
type ACL struct{ c *Client }

// ACL gives the calls about policies, tokens and roles.
func (c *Client) ACL() ACL { return ACL{c} }

// Bootstrap makes the first token, with a secret of the caller's or, for "", a new one.
func (a ACL) Bootstrap(ctx context.Context, secret string) (*ACLToken, error) {
	out, _, err := write[*ACLToken](ctx, a.c, http.MethodPut, "/v1/acl/bootstrap", map[string]string{"BootstrapSecret": secret}, nil)
	return out, err
}

// Policies lists policies: for managers all, for others their own.
func (a ACL) Policies(ctx context.Context, q *QueryOptions) ([]*ACLPolicyListStub, *QueryMeta, error) {
	return get[[]*ACLPolicyListStub](ctx, a.c, "/v1/acl/policies", q)
}

// Policy gives a policy.
func (a ACL) Policy(ctx context.Context, name string) (*structs.ACLPolicy, error) {
	out, _, err := get[*structs.ACLPolicy](ctx, a.c, "/v1/acl/policy/"+url.PathEscape(name), nil)
	return out, err
}

// SelfPolicies are those of the caller.
func (a ACL) SelfPolicies(ctx context.Context) ([]*structs.ACLPolicy, error) {
	out, _, err := get[[]*structs.ACLPolicy](ctx, a.c, "/v1/acl/policy/self", nil)
	return out, err
}

// ApplyPolicy stores a policy.
func (a ACL) ApplyPolicy(ctx context.Context, p *structs.ACLPolicy) error {
	_, _, err := write[struct{}](ctx, a.c, http.MethodPut, "/v1/acl/policy/"+url.PathEscape(p.Name), p, nil)
	return err
}

// DeletePolicy forgets a policy.
func (a ACL) DeletePolicy(ctx context.Context, name string) error {
	_, _, err := write[struct{}](ctx, a.c, http.MethodDelete, "/v1/acl/policy/"+url.PathEscape(name), nil, nil)
	return err
}

// Tokens lists tokens, without their secrets.
func (a ACL) Tokens(ctx context.Context, q *QueryOptions) ([]*ACLTokenListStub, *QueryMeta, error) {
	return get[[]*ACLTokenListStub](ctx, a.c, "/v1/acl/tokens", q)
}

// Token gives a token by its accessor.
func (a ACL) Token(ctx context.Context, accessor string) (*ACLToken, error) {
	out, _, err := get[*ACLToken](ctx, a.c, "/v1/acl/token/"+url.PathEscape(accessor), nil)
	return out, err
}

// Self is the caller's token.
func (a ACL) Self(ctx context.Context) (*ACLToken, error) {
	out, _, err := get[*ACLToken](ctx, a.c, "/v1/acl/token/self", nil)
	return out, err
}

// CreateToken makes a token; the answer has its secret.
func (a ACL) CreateToken(ctx context.Context, t *ACLToken) (*ACLToken, error) {
	out, _, err := write[*ACLToken](ctx, a.c, http.MethodPut, "/v1/acl/token", t, nil)
	return out, err
}

// UpdateToken changes the name, type, policies and roles of a token.
func (a ACL) UpdateToken(ctx context.Context, t *ACLToken) (*ACLToken, error) {
	out, _, err := write[*ACLToken](ctx, a.c, http.MethodPut, "/v1/acl/token/"+t.AccessorID.String(), t, nil)
	return out, err
}

// DeleteToken forgets a token by its accessor.
func (a ACL) DeleteToken(ctx context.Context, accessor string) error {
	_, _, err := write[struct{}](ctx, a.c, http.MethodDelete, "/v1/acl/token/"+url.PathEscape(accessor), nil, nil)
	return err
}

// Roles lists roles: for managers all, for others those of their token.
func (a ACL) Roles(ctx context.Context, q *QueryOptions) ([]*structs.ACLRole, *QueryMeta, error) {
	return get[[]*structs.ACLRole](ctx, a.c, "/v1/acl/roles", q)
}

// Role gives a role by its id.
func (a ACL) Role(ctx context.Context, id string) (*structs.ACLRole, error) {
	out, _, err := get[*structs.ACLRole](ctx, a.c, "/v1/acl/role/"+url.PathEscape(id), nil)
	return out, err
}

// RoleByName gives a role by its name.
func (a ACL) RoleByName(ctx context.Context, name string) (*structs.ACLRole, error) {
	out, _, err := get[*structs.ACLRole](ctx, a.c, "/v1/acl/role/name/"+url.PathEscape(name), nil)
	return out, err
}

// CreateRole makes a role.
func (a ACL) CreateRole(ctx context.Context, r *structs.ACLRole) (*structs.ACLRole, error) {
	out, _, err := write[*structs.ACLRole](ctx, a.c, http.MethodPut, "/v1/acl/role", r, nil)
	return out, err
}

// UpdateRole changes a role.
func (a ACL) UpdateRole(ctx context.Context, r *structs.ACLRole) (*structs.ACLRole, error) {
	out, _, err := write[*structs.ACLRole](ctx, a.c, http.MethodPut, "/v1/acl/role/"+r.ID.String(), r, nil)
	return out, err
}

// DeleteRole forgets a role by its id.
func (a ACL) DeleteRole(ctx context.Context, id string) error {
	_, _, err := write[struct{}](ctx, a.c, http.MethodDelete, "/v1/acl/role/"+url.PathEscape(id), nil, nil)
	return err
}
