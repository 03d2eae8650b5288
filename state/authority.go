package state

import (
	"iter"

	"berth/structs"
)

// AuthorityRoots are the cluster's certificate authorities by id, one of them active.
func (rd reader) AuthorityRoots() iter.Seq[*structs.AuthorityRoot] {
	return steady(rd, func(r *root) iter.Seq[*structs.AuthorityRoot] { return r.roots.All() })
}

// AuthorityRoot is the authority of an id, nil if there is none.
func (rd reader) AuthorityRoot(id string) *structs.AuthorityRoot { return get(&rd.r.roots, id) }

// ActiveRoot is the authority that issues, nil before the first.
func (rd reader) ActiveRoot() *structs.AuthorityRoot {
	for r := range rd.AuthorityRoots() {
		if r.Active {
			return r
		}
	}
	return nil
}

// JoinTokens are the tokens machines may join with, by id. Expired ones are among them until they are reaped.
func (rd reader) JoinTokens() iter.Seq[*structs.JoinToken] {
	return steady(rd, func(r *root) iter.Seq[*structs.JoinToken] { return r.joinTokens.All() })
}

// JoinToken is the token of an id, nil if there is none.
func (rd reader) JoinToken(id structs.ID) *structs.JoinToken { return get(&rd.r.joinTokens, id) }

// AuthorityRootsW is AuthorityRoots and its watch.
func (s *Snapshot) AuthorityRootsW() (iter.Seq[*structs.AuthorityRoot], <-chan struct{}) {
	return s.AuthorityRoots(), s.table(TableAuthorityRoots)
}

// JoinTokensW is JoinTokens and its watch.
func (s *Snapshot) JoinTokensW() (iter.Seq[*structs.JoinToken], <-chan struct{}) {
	return s.JoinTokens(), s.table(TableJoinTokens)
}

// PutAuthorityRoot stores an authority.
func (t *WriteTxn) PutAuthorityRoot(r *structs.AuthorityRoot) {
	var created uint64
	if old := t.AuthorityRoot(r.ID); old != nil {
		created = old.CreateIndex
	}
	t.stamp(&r.CreateIndex, &r.ModifyIndex, created)
	put(t, TableAuthorityRoots, &t.work.roots, r)
}

// DeleteAuthorityRoot forgets an authority.
func (t *WriteTxn) DeleteAuthorityRoot(id string) {
	drop(t, TableAuthorityRoots, &t.work.roots, id)
}

// PutJoinToken stores a token.
func (t *WriteTxn) PutJoinToken(j *structs.JoinToken) {
	var created uint64
	if old := t.JoinToken(j.ID); old != nil {
		created = old.CreateIndex
	}
	t.stamp(&j.CreateIndex, &j.ModifyIndex, created)
	put(t, TableJoinTokens, &t.work.joinTokens, j)
}

// DeleteJoinToken forgets a token.
func (t *WriteTxn) DeleteJoinToken(id structs.ID) { drop(t, TableJoinTokens, &t.work.joinTokens, id) }

// CertificateRevocations are those that stand, by name.
func (rd reader) CertificateRevocations() iter.Seq[*structs.CertificateRevocation] {
	return steady(rd, func(r *root) iter.Seq[*structs.CertificateRevocation] { return r.revocations.All() })
}

// CertificateRevocation is that of a machine's id or of a serial number, nil if there is none.
func (rd reader) CertificateRevocation(name string) *structs.CertificateRevocation {
	return get(&rd.r.revocations, name)
}

// CertificateRevocationsW is CertificateRevocations and its watch.
func (s *Snapshot) CertificateRevocationsW() (iter.Seq[*structs.CertificateRevocation], <-chan struct{}) {
	return s.CertificateRevocations(), s.table(TableCertificateRevocations)
}

// PutCertificateRevocation stores a revocation.
func (t *WriteTxn) PutCertificateRevocation(c *structs.CertificateRevocation) {
	var created uint64
	if old := t.CertificateRevocation(c.Name); old != nil {
		created = old.CreateIndex
	}
	t.stamp(&c.CreateIndex, &c.ModifyIndex, created)
	put(t, TableCertificateRevocations, &t.work.revocations, c)
}

// DeleteCertificateRevocation forgets a revocation.
func (t *WriteTxn) DeleteCertificateRevocation(name string) {
	drop(t, TableCertificateRevocations, &t.work.revocations, name)
}
