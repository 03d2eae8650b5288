package fsm

import (
	"crypto/subtle"
	"time"

	"berth/structs"
)

func (a *applier) authorityRoot(c *structs.AuthorityRootCommand) (any, error) {
	const cmd = structs.CmdAuthorityRoot
	r := c.Root
	if r == nil || r.ID == "" || len(r.Certificate) == 0 || len(r.SealedKey) == 0 {
		return nil, fault(cmd, structs.KindInvalid, "", "the command lacks the root, its certificate or its key")
	}
	before := a.txn.ActiveRoot()
	if now := rootID(before); now != c.Previous {
		return nil, fault(cmd, structs.KindConflict, "", "the active root is %q, not %q", now, c.Previous)
	}
	if a.txn.AuthorityRoot(r.ID) != nil {
		return nil, fault(cmd, structs.KindConflict, quoted("root", r.ID), "exists")
	}
	if before != nil {
		old := *before
		old.Active, old.RetireAt = false, c.RetireAt
		a.txn.PutAuthorityRoot(&old)
	}
	r.Active, r.RetireAt = true, 0
	a.txn.PutAuthorityRoot(r)
	return nil, nil
}

func rootID(r *structs.AuthorityRoot) string {
	if r == nil {
		return ""
	}
	return r.ID
}

func (a *applier) authorityRootDelete(c *structs.NameDeleteCommand) (any, error) {
	const cmd = structs.CmdAuthorityRootDelete
	for _, id := range c.Names {
		switch r := a.txn.AuthorityRoot(id); {
		case r == nil:
			return nil, fault(cmd, structs.KindNotFound, quoted("root", id), "does not exist")
		case r.Active:
			return nil, fault(cmd, structs.KindConflict, quoted("root", id), "is the one that issues certificates")
		}
		a.txn.DeleteAuthorityRoot(id)
	}
	return nil, nil
}

func (a *applier) joinToken(c *structs.JoinTokenCommand) (any, error) {
	const cmd = structs.CmdJoinToken
	t := c.Token
	switch {
	case t == nil || t.ID.IsZero() || len(t.Hash) == 0:
		return nil, fault(cmd, structs.KindInvalid, "", "the command lacks the token, its id or its hash")
	case t.Role != "server" && t.Role != "client" && t.Role != "region":
		return nil, fault(cmd, structs.KindInvalid, named("join token", t.ID), "role %q is none of \"server\", \"client\" and \"region\"", t.Role)
	case a.txn.JoinToken(t.ID) != nil:
		return nil, fault(cmd, structs.KindConflict, named("join token", t.ID), "exists")
	}
	a.txn.PutJoinToken(t)
	return nil, nil
}

func (a *applier) joinTokenDelete(c *structs.JoinTokenDeleteCommand) (any, error) {
	for _, id := range c.IDs {
		if a.txn.JoinToken(id) == nil {
			return nil, fault(structs.CmdJoinTokenDelete, structs.KindNotFound, named("join token", id), "does not exist")
		}
		a.txn.DeleteJoinToken(id)
	}
	return nil, nil
}

// joinTokenUse answers the token as it is after this use.
func (a *applier) joinTokenUse(c *structs.JoinTokenUseCommand) (any, error) {
	deny := func(hint, format string, args ...any) (any, error) {
		err := fault(structs.CmdJoinTokenUse, structs.KindUnauthorised, c.ID.Short(), format, args...)
		err.(*structs.Error).Hint = hint
		return nil, err
	}
	const again = "`berth operator join-token create` on a server prints a new one"
	old := a.txn.JoinToken(c.ID)
	switch {
	case old == nil || subtle.ConstantTimeCompare(old.Hash, c.Hash) != 1: // one answer: a guess learns nothing of the ids there are
		return deny(again, "the token is not known to this cluster: it was revoked, or its expiry is long over")
	case a.at >= old.ExpiresAt:
		return deny(again, "the token expired at %s", time.Unix(0, old.ExpiresAt).UTC().Format("2006-01-02 15:04:05 UTC"))
	case old.MaxUses > 0 && old.Uses >= old.MaxUses:
		return deny(again, "the token was used %d times, as often as it may be", old.Uses)
	}
	t := *old
	t.Uses++
	t.LastUsedAt, t.LastUsedBy = a.at, c.By
	a.txn.PutJoinToken(&t)
	return &t, nil
}

// certificateRevoke keeps a revocation that stands as it is: when it was made counts.
func (a *applier) certificateRevoke(c *structs.CertificateRevokeCommand) (any, error) {
	const cmd = structs.CmdCertificateRevoke
	r := c.Revocation
	switch {
	case r == nil || r.Name == "":
		return nil, fault(cmd, structs.KindInvalid, "", "the revocation names neither a machine nor a serial number")
	case r.ExpiresAt <= a.at:
		return nil, fault(cmd, structs.KindInvalid, quoted("revocation of", r.Name), "is over before it begins")
	}
	if old := a.txn.CertificateRevocation(r.Name); old != nil {
		return old, nil
	}
	r.RevokedAt = a.at
	a.txn.PutCertificateRevocation(r)
	return r, nil
}

func (a *applier) certificateReinstate(c *structs.NameDeleteCommand) (any, error) {
	for _, name := range c.Names {
		if a.txn.CertificateRevocation(name) == nil {
			return nil, fault(structs.CmdCertificateReinstate, structs.KindNotFound, quoted("revocation of", name), "does not exist")
		}
		a.txn.DeleteCertificateRevocation(name)
	}
	return nil, nil
}
