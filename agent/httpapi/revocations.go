package httpapi

import (
	"berth/api"
	"berth/internal/pki"
	"berth/state"
	"berth/structs"
)

func revocation(c *structs.CertificateRevocation) *api.Revocation {
	_, err := structs.ParseID(c.Name)
	return &api.Revocation{Name: c.Name, Machine: err == nil, Reason: c.Reason, RevokedAt: at(c.RevokedAt), ExpiresAt: at(c.ExpiresAt), CreateIndex: c.CreateIndex,
		ModifyIndex: c.ModifyIndex}
}

func (a *API) revocations(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		all, changed := s.CertificateRevocationsW()
		out, err := list(r, all, func(c *structs.CertificateRevocation) string { return c.Name }, revocation,
			func(c *structs.CertificateRevocation) bool { return r.hasPrefix(c.Name) })
		return answer{value: out, index: s.TableIndex(state.TableCertificateRevocations), changed: changed}, err
	})
}

func (a *API) revoke(r *request) (any, error) {
	auth, err := a.authority()
	if err != nil {
		return nil, err
	}
	var in api.RevocationRequest
	if err := r.body(&in); err != nil {
		return nil, err
	}
	if in.Name, err = pki.RevocationName(in.Name); err != nil {
		return nil, err
	}
	c, err := auth.Revoke(r.ctx(), in.Name, in.Reason)
	if err != nil {
		return nil, err
	}
	return revocation(c), nil
}

func (a *API) reinstate(r *request) (any, error) {
	auth, err := a.authority()
	if err != nil {
		return nil, err
	}
	return nil, auth.Reinstate(r.ctx(), r.PathValue("name"))
}
