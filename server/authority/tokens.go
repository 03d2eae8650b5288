package authority

import (
	"context"
	"fmt"
	"time"

	"berth/internal/pki"
	"berth/structs"
)

// TokenRequest says what token is wanted.
type TokenRequest struct {
	Role        pki.Role
	TTL         time.Duration // 0 is the default
	MaxUses     int           // 0 is without bound
	Description string
}

// CreateToken makes a token. The secret is in what is returned and nowhere else. Only on the leader.
func (a *Authority) CreateToken(ctx context.Context, req TokenRequest) (*pki.Token, *structs.JoinToken, error) {
	invalid := func(format string, args ...any) (*pki.Token, *structs.JoinToken, error) {
		return nil, nil, &structs.Error{Op: "create a join token", Kind: structs.KindInvalid, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case !req.Role.OfToken():
		return invalid("role %q is none of %q, %q and %q", req.Role, pki.RoleServer, pki.RoleClient, pki.RoleRegion)
	case req.TTL < 0 || req.TTL > a.cfg.Ages.TokenMax:
		return invalid("it would last %s; a token lasts from a second to %s", req.TTL, a.cfg.Ages.TokenMax)
	case req.MaxUses < 0:
		return invalid("it could be used %d times", req.MaxUses)
	case len(req.Description) > 256:
		return invalid("its description has %d characters, more than 256", len(req.Description))
	}
	if req.TTL == 0 {
		req.TTL = a.cfg.Ages.Token
	}
	root, err := a.active(a.cfg.Host.State().Snapshot())
	if err != nil {
		return nil, nil, err
	}
	now := a.cfg.Now()
	tok, err := pki.NewToken(a.cfg.Host.NewID(), req.Role, now.Add(req.TTL), root.Digest(), a.cfg.Servers())
	if err != nil {
		return nil, nil, err
	}
	h := tok.Hash()
	kept := &structs.JoinToken{ID: tok.ID, Role: string(tok.Role), Hash: h[:], Description: req.Description, CreatedAt: now.UnixNano(),
		ExpiresAt: tok.Expires.UnixNano(), MaxUses: req.MaxUses}
	if _, err := a.cfg.Host.Propose(ctx, structs.CmdJoinToken, &structs.JoinTokenCommand{Token: kept}); err != nil {
		return nil, nil, err
	}
	return tok, kept, nil
}

// RevokeTokens forgets tokens: nobody joins with them any more. Only on the leader.
func (a *Authority) RevokeTokens(ctx context.Context, ids ...structs.ID) error {
	_, err := a.cfg.Host.Propose(ctx, structs.CmdJoinTokenDelete, &structs.JoinTokenDeleteCommand{IDs: ids})
	return err
}

// RotateTokens revokes all tokens of a role and makes a new one. Only on the leader.
func (a *Authority) RotateTokens(ctx context.Context, req TokenRequest) (*pki.Token, *structs.JoinToken, error) {
	var old []structs.ID
	for t := range a.cfg.Host.State().Snapshot().JoinTokens() {
		if t.Role == string(req.Role) {
			old = append(old, t.ID)
		}
	}
	tok, kept, err := a.CreateToken(ctx, req)
	if err != nil || len(old) == 0 {
		return tok, kept, err
	}
	if err := a.RevokeTokens(ctx, old...); err != nil {
		return nil, nil, fmt.Errorf("revoke the tokens before: %w", err)
	}
	return tok, kept, nil
}
