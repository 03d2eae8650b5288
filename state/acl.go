package state

import (
	"bytes"
	"crypto/sha256"
	"iter"

	"berth/structs"
)

// secretHash is what tokens are found by. Why a hash: how long a search takes tells nothing of a secret.
type secretHash [sha256.Size]byte

func compareSecretHash(a, b secretHash) int { return bytes.Compare(a[:], b[:]) }

// secretOf is the token of a secret's hash.
type secretOf struct {
	hash  secretHash
	token *structs.ACLToken
}

// ACLPolicies are all policies by name.
func (rd reader) ACLPolicies() iter.Seq[*structs.ACLPolicy] {
	return steady(rd, func(r *root) iter.Seq[*structs.ACLPolicy] { return r.policies.All() })
}

// ACLPolicy is a policy, nil if there is none of that name.
func (rd reader) ACLPolicy(name string) *structs.ACLPolicy { return get(&rd.r.policies, name) }

// ACLRoles are all roles by id.
func (rd reader) ACLRoles() iter.Seq[*structs.ACLRole] {
	return steady(rd, func(r *root) iter.Seq[*structs.ACLRole] { return r.aclRoles.All() })
}

// ACLRole is the role of an id, nil if there is none.
func (rd reader) ACLRole(id structs.ID) *structs.ACLRole { return get(&rd.r.aclRoles, id) }

// ACLRoleByName is the role of a name, nil if there is none.
func (rd reader) ACLRoleByName(name string) *structs.ACLRole {
	for r := range rd.ACLRoles() {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// ACLTokens are all tokens by accessor. Expired ones are among them until they are reaped.
func (rd reader) ACLTokens() iter.Seq[*structs.ACLToken] {
	return steady(rd, func(r *root) iter.Seq[*structs.ACLToken] { return r.tokens.All() })
}

// ACLToken is the token of an accessor, nil if there is none.
func (rd reader) ACLToken(accessor structs.ID) *structs.ACLToken { return get(&rd.r.tokens, accessor) }

// ACLTokenBySecret is the token whose secret has this hash (structs.HashSecret), nil if there is none.
func (rd reader) ACLTokenBySecret(hash [sha256.Size]byte) *structs.ACLToken {
	if s := get(&rd.r.secrets, secretHash(hash)); s != nil {
		return s.token
	}
	return nil
}

// OneTimeTokens are all one-time tokens by the accessor of what they stand for.
func (rd reader) OneTimeTokens() iter.Seq[*structs.OneTimeToken] {
	return steady(rd, func(r *root) iter.Seq[*structs.OneTimeToken] { return r.oneTime.All() })
}

// OneTimeToken is that of an accessor, nil if there is none.
func (rd reader) OneTimeToken(accessor structs.ID) *structs.OneTimeToken {
	return get(&rd.r.oneTime, accessor)
}

// ACLBootstrap tells when the first token was made, nil when it was not.
func (rd reader) ACLBootstrap() *structs.ACLBootstrap { return rd.r.bootstrap }

// ACLIndex is the log index that last changed what tokens may do.
func (rd reader) ACLIndex() uint64 {
	return max(rd.r.changed[TableACLPolicies], rd.r.changed[TableACLRoles], rd.r.changed[TableACLTokens])
}

// ACLPoliciesW is ACLPolicies and its watch.
func (s *Snapshot) ACLPoliciesW() (iter.Seq[*structs.ACLPolicy], <-chan struct{}) {
	return s.ACLPolicies(), s.table(TableACLPolicies)
}

// ACLRolesW is ACLRoles and its watch.
func (s *Snapshot) ACLRolesW() (iter.Seq[*structs.ACLRole], <-chan struct{}) {
	return s.ACLRoles(), s.table(TableACLRoles)
}

// ACLTokensW is ACLTokens and its watch.
func (s *Snapshot) ACLTokensW() (iter.Seq[*structs.ACLToken], <-chan struct{}) {
	return s.ACLTokens(), s.table(TableACLTokens)
}

// PutACLPolicy stores a policy.
func (t *WriteTxn) PutACLPolicy(p *structs.ACLPolicy) {
	var created uint64
	if old := t.ACLPolicy(p.Name); old != nil {
		created = old.CreateIndex
	}
	t.stamp(&p.CreateIndex, &p.ModifyIndex, created)
	put(t, TableACLPolicies, &t.work.policies, p)
}

// DeleteACLPolicy forgets a policy.
func (t *WriteTxn) DeleteACLPolicy(name string) { drop(t, TableACLPolicies, &t.work.policies, name) }

// PutACLRole stores a role.
func (t *WriteTxn) PutACLRole(r *structs.ACLRole) {
	var created uint64
	if old := t.ACLRole(r.ID); old != nil {
		created = old.CreateIndex
	}
	t.stamp(&r.CreateIndex, &r.ModifyIndex, created)
	put(t, TableACLRoles, &t.work.aclRoles, r)
}

// DeleteACLRole forgets a role.
func (t *WriteTxn) DeleteACLRole(id structs.ID) { drop(t, TableACLRoles, &t.work.aclRoles, id) }

// PutACLToken stores a token. No other has its secret.
func (t *WriteTxn) PutACLToken(k *structs.ACLToken) {
	var created uint64
	if old := t.ACLToken(k.AccessorID); old != nil {
		created = old.CreateIndex
	}
	t.stamp(&k.CreateIndex, &k.ModifyIndex, created)
	if old := put(t, TableACLTokens, &t.work.tokens, k); old != nil && old.SecretID != k.SecretID {
		t.work.secrets.Delete(t.pen(), structs.HashSecret(old.SecretID))
	}
	t.work.secrets.Set(t.pen(), &secretOf{structs.HashSecret(k.SecretID), k})
}

// DeleteACLToken forgets a token.
func (t *WriteTxn) DeleteACLToken(accessor structs.ID) {
	if old := drop(t, TableACLTokens, &t.work.tokens, accessor); old != nil {
		t.work.secrets.Delete(t.pen(), structs.HashSecret(old.SecretID))
	}
}

// PutOneTimeToken stores a one-time token.
func (t *WriteTxn) PutOneTimeToken(o *structs.OneTimeToken) {
	var created uint64
	if old := t.OneTimeToken(o.AccessorID); old != nil {
		created = old.CreateIndex
	}
	t.stamp(&o.CreateIndex, &o.ModifyIndex, created)
	put(t, TableOneTimeTokens, &t.work.oneTime, o)
}

// DeleteOneTimeToken forgets a one-time token.
func (t *WriteTxn) DeleteOneTimeToken(accessor structs.ID) {
	drop(t, TableOneTimeTokens, &t.work.oneTime, accessor)
}

// PutACLBootstrap notes that the first token was made.
func (t *WriteTxn) PutACLBootstrap(b *structs.ACLBootstrap) {
	var created uint64
	if t.work.bootstrap != nil {
		created = t.work.bootstrap.CreateIndex
	}
	t.stamp(&b.CreateIndex, &b.ModifyIndex, created)
	t.note(TableACLBootstrap, t.work.bootstrap, b)
	t.work.bootstrap = b
}
