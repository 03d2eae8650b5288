package fsm

import (
	"bytes"
	"time"

	"berth/structs"
)

func (a *applier) aclPolicyUpsert(c *structs.ACLPolicyUpsertCommand) (any, error) {
	for _, p := range c.Policies {
		if p == nil {
			return nil, fault(structs.CmdACLPolicyUpsert, structs.KindInvalid, "", "a policy is missing")
		}
		if err := p.Check(); err != nil {
			return nil, fault(structs.CmdACLPolicyUpsert, structs.KindInvalid, quoted("policy", p.Name), "%v", err)
		}
		if old := a.txn.ACLPolicy(p.Name); old != nil && bytes.Equal(old.Hash, p.Hash) {
			continue // whoever says it again changes nothing
		}
		a.txn.PutACLPolicy(p)
	}
	return nil, nil
}

func (a *applier) aclPolicyDelete(c *structs.NameDeleteCommand) (any, error) {
	for _, name := range c.Names {
		if a.txn.ACLPolicy(name) == nil {
			return nil, fault(structs.CmdACLPolicyDelete, structs.KindNotFound, quoted("policy", name), "does not exist")
		}
		a.txn.DeleteACLPolicy(name)
	}
	return nil, nil
}

// aclRoleUpsert answers the role as it is stored.
func (a *applier) aclRoleUpsert(c *structs.ACLRoleUpsertCommand) (any, error) {
	const cmd = structs.CmdACLRoleUpsert
	r := c.Role
	if r == nil || r.ID.IsZero() {
		return nil, fault(cmd, structs.KindInvalid, "", "the command has no role, or the role no id")
	}
	subject := quoted("role", r.Name)
	if err := r.Check(); err != nil {
		return nil, fault(cmd, structs.KindInvalid, subject, "%v", err)
	}
	if other := a.txn.ACLRoleByName(r.Name); other != nil && other.ID != r.ID {
		return nil, fault(cmd, structs.KindConflict, subject, "role with name %s already exists", r.Name)
	}
	for _, p := range r.Policies {
		if a.txn.ACLPolicy(p.Name) == nil {
			return nil, fault(cmd, structs.KindInvalid, subject, "cannot find policy %s", p.Name)
		}
	}
	a.txn.PutACLRole(r)
	return r, nil
}

func (a *applier) aclRoleDelete(c *structs.ACLRoleDeleteCommand) (any, error) {
	for _, id := range c.IDs {
		if a.txn.ACLRole(id) == nil {
			return nil, fault(structs.CmdACLRoleDelete, structs.KindNotFound, named("role", id), "does not exist")
		}
		a.txn.DeleteACLRole(id)
	}
	return nil, nil
}

// aclTokenUpsert answers the token as it is stored. One that is there keeps its secret, its times and where it counts, whatever the command
// says: whoever made it has read it from an older state.
func (a *applier) aclTokenUpsert(c *structs.ACLTokenUpsertCommand) (any, error) {
	const cmd = structs.CmdACLTokenUpsert
	t := c.Token
	if t == nil {
		return nil, fault(cmd, structs.KindInvalid, "", "the command has no token")
	}
	subject := named("token", t.AccessorID)
	if old := a.txn.ACLToken(t.AccessorID); old != nil {
		t.SecretID, t.CreateTime, t.ExpirationTime, t.Global = old.SecretID, old.CreateTime, old.ExpirationTime, old.Global
		t.SetHash()
	} else if t.Expired(time.Unix(0, a.at)) {
		return nil, fault(cmd, structs.KindInvalid, subject, "expires before it begins")
	}
	if err := a.checkToken(t); err != nil {
		return nil, fault(cmd, structs.KindInvalid, subject, "%v", err)
	}
	a.txn.PutACLToken(t)
	return t, nil
}

// checkToken finds what is wrong with a token in this state.
func (a *applier) checkToken(t *structs.ACLToken) error {
	if err := t.Check(); err != nil {
		return err
	}
	if same := a.txn.ACLTokenBySecret(structs.HashSecret(t.SecretID)); same != nil && same.AccessorID != t.AccessorID {
		return structs.NewError(structs.KindConflict, "another token has the secret")
	}
	for _, r := range t.Roles {
		if a.txn.ACLRole(r.ID) == nil {
			return structs.NewError(structs.KindInvalid, "cannot find role "+r.ID.String())
		}
	}
	return nil
}

func (a *applier) aclTokenDelete(c *structs.ACLTokenDeleteCommand) (any, error) {
	for _, id := range c.IDs {
		if a.txn.ACLToken(id) == nil {
			return nil, fault(structs.CmdACLTokenDelete, structs.KindNotFound, named("token", id), "does not exist")
		}
		a.dropToken(id)
	}
	return nil, nil
}

// dropToken forgets a token and what stands for it.
func (a *applier) dropToken(id structs.ID) {
	a.txn.DeleteACLToken(id)
	if a.txn.OneTimeToken(id) != nil {
		a.txn.DeleteOneTimeToken(id)
	}
}

// aclBootstrap answers the token.
func (a *applier) aclBootstrap(c *structs.ACLBootstrapCommand) (any, error) {
	const cmd = structs.CmdACLBootstrap
	if c.Token == nil || c.Token.Type != structs.TokenManagement || a.txn.ACLToken(c.Token.AccessorID) != nil {
		return nil, fault(cmd, structs.KindInvalid, "", "the command has no new management token")
	}
	if done := a.txn.ACLBootstrap(); done != nil && done.ModifyIndex != c.Reset {
		err := fault(cmd, structs.KindInvalid, "", "ACL bootstrap already done (reset index: %d)", done.ModifyIndex)
		return nil, err
	}
	if err := a.checkToken(c.Token); err != nil {
		return nil, fault(cmd, structs.KindInvalid, "", "%v", err)
	}
	a.txn.PutACLBootstrap(&structs.ACLBootstrap{})
	a.txn.PutACLToken(c.Token)
	return c.Token, nil
}

// oneTimeToken replaces the one there was of a token.
func (a *applier) oneTimeToken(c *structs.OneTimeTokenCommand) (any, error) {
	const cmd = structs.CmdOneTimeToken
	o := c.Token
	switch {
	case o == nil || len(o.Hash) == 0:
		return nil, fault(cmd, structs.KindInvalid, "", "the command has no token, or the token no hash")
	case a.txn.ACLToken(o.AccessorID) == nil:
		return nil, fault(cmd, structs.KindNotFound, named("token", o.AccessorID), "does not exist")
	}
	a.txn.PutOneTimeToken(o)
	return o, nil
}

// oneTimeTokenUse answers the token that it stood for.
func (a *applier) oneTimeTokenUse(c *structs.OneTimeTokenUseCommand) (any, error) {
	now := time.Unix(0, a.at)
	for o := range a.txn.OneTimeTokens() {
		if !bytes.Equal(o.Hash, c.Hash) {
			continue
		}
		t := a.txn.ACLToken(o.AccessorID)
		if t == nil || t.Expired(now) || !now.Before(o.ExpiresAt) {
			break
		}
		a.txn.DeleteOneTimeToken(o.AccessorID)
		return t, nil
	}
	return nil, fault(structs.CmdOneTimeTokenUse, structs.KindUnauthorised, "", "the one-time token is not known: it was used, or has expired")
}

func (a *applier) aclExpire(c *structs.ACLExpireCommand) (any, error) {
	now := time.Unix(0, a.at)
	for _, id := range c.Tokens {
		if t := a.txn.ACLToken(id); t != nil && t.Expired(now) {
			a.dropToken(id)
		}
	}
	for _, id := range c.OneTime {
		if o := a.txn.OneTimeToken(id); o != nil && !now.Before(o.ExpiresAt) {
			a.txn.DeleteOneTimeToken(id)
		}
	}
	return nil, nil
}
