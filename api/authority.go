package api

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// JoinToken is a token machines join the cluster with. The secret is only in Token, only in the answer to the one who made it.
type JoinToken struct {
	ID          string
	Role        string // "server", "client" or "region"
	Description string
	CreatedAt   time.Time
	ExpiresAt   time.Time
	MaxUses     int // 0 is without bound
	Uses        int
	LastUsedAt  time.Time `json:",omitzero"`
	LastUsedBy  string    `json:",omitempty"` // id and address of the machine
	Token       string    `json:",omitempty"`
	CreateIndex uint64
	ModifyIndex uint64
}

// JoinTokenRequest asks for a token.
type JoinTokenRequest struct {
	Role        string
	TTL         string // a duration; empty is the server's default
	MaxUses     int
	Description string
	// Rotate revokes all other tokens of the role.
	Rotate bool
}

// AuthorityRoot is one certificate authority of the cluster.
type AuthorityRoot struct {
	ID          string // SHA-256 of the certificate, hex
	Subject     string
	Active      bool
	NotBefore   time.Time
	NotAfter    time.Time
	RetireAt    time.Time `json:",omitzero"` // when one that is not active is forgotten
	Certificate string    // PEM
	CreateIndex uint64
	ModifyIndex uint64
}

// AuthorityRotateResponse names the root that issues from now on.
type AuthorityRotateResponse struct{ ID string }

// JoinTokens lists the tokens, without their secrets.
func (o Operator) JoinTokens(ctx context.Context, q *QueryOptions) ([]*JoinToken, *QueryMeta, error) {
	return get[[]*JoinToken](ctx, o.c, "/v1/operator/join-tokens", q)
}

// CreateJoinToken makes a token; the answer alone has its secret.
func (o Operator) CreateJoinToken(ctx context.Context, req *JoinTokenRequest) (*JoinToken, error) {
	out, _, err := write[*JoinToken](ctx, o.c, http.MethodPut, "/v1/operator/join-token", req, nil)
	return out, err
}

// RevokeJoinToken forgets a token by its id.
func (o Operator) RevokeJoinToken(ctx context.Context, id string) error {
	_, _, err := write[nothing](ctx, o.c, http.MethodDelete, "/v1/operator/join-token/"+escape(id), nil, nil)
	return err
}

// AuthorityRoots lists the cluster's certificate authorities.
func (o Operator) AuthorityRoots(ctx context.Context, q *QueryOptions) ([]*AuthorityRoot, *QueryMeta, error) {
	return get[[]*AuthorityRoot](ctx, o.c, "/v1/operator/ca", q)
}

// RotateAuthority makes a new root that issues from now on. Alone makes one the root before does not certify.
func (o Operator) RotateAuthority(ctx context.Context, alone bool) (*AuthorityRotateResponse, error) {
	v := url.Values{}
	if alone {
		v.Set("alone", "true")
	}
	out, _, err := write[*AuthorityRotateResponse](ctx, o.c, http.MethodPut, "/v1/operator/ca/rotate", nil, v)
	return out, err
}
