package httpapi

import (
	"encoding/pem"
	"net/http"
	"strings"
	"time"

	"crypto/x509"

	"berth/api"
	"berth/internal/pki"
	"berth/server/authority"
	"berth/state"
	"berth/structs"
)

func (a *API) authorityRoutes() {
	a.route("/v1/operator/join-tokens", methods{http.MethodGet: management().then(a.joinTokens)})
	a.route("/v1/operator/join-token", methods{http.MethodPut: management().then(a.joinTokenCreate)})
	a.route("/v1/operator/join-token/{id}", methods{http.MethodDelete: management().then(a.joinTokenRevoke)})
	a.route("/v1/operator/ca", methods{http.MethodGet: operatorRead().then(a.authorityRoots)})
	a.route("/v1/operator/ca/rotate", methods{http.MethodPut: management().then(a.authorityRotate)})
	a.route("/v1/operator/ca/revocations", methods{http.MethodGet: operatorRead().then(a.revocations), http.MethodPut: management().then(a.revoke)})
	a.route("/v1/operator/ca/revocation/{name}", methods{http.MethodDelete: management().then(a.reinstate)})
}

// authority is the cluster's, or why there is none.
func (a *API) authority() (*authority.Authority, error) {
	if a.Authority != nil {
		return a.Authority, nil
	}
	why := "with -dev nothing joins"
	if a.Config.TLS.RPC {
		why = "its certificates are those of the tls block, and machines join with certificates made for them"
	}
	return nil, status(http.StatusConflict, "this cluster issues no certificates: %s", why)
}

func joinToken(t *structs.JoinToken) *api.JoinToken {
	return &api.JoinToken{ID: t.ID.String(), Role: t.Role, Description: t.Description, CreatedAt: at(t.CreatedAt), ExpiresAt: at(t.ExpiresAt),
		MaxUses: t.MaxUses, Uses: t.Uses, LastUsedAt: at(t.LastUsedAt), LastUsedBy: t.LastUsedBy, CreateIndex: t.CreateIndex, ModifyIndex: t.ModifyIndex}
}

// at is a time of the state; 0 is none.
func at(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

func (a *API) joinTokens(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		all, changed := s.JoinTokensW()
		out, err := list(r, all, func(t *structs.JoinToken) string { return t.ID.String() }, joinToken,
			func(t *structs.JoinToken) bool { return r.hasPrefix(t.ID.String()) })
		return answer{value: out, index: s.TableIndex(state.TableJoinTokens), changed: changed}, err
	})
}

func (a *API) joinTokenCreate(r *request) (any, error) {
	auth, err := a.authority()
	if err != nil {
		return nil, err
	}
	var in api.JoinTokenRequest
	if err := r.body(&in); err != nil {
		return nil, err
	}
	req := authority.TokenRequest{Role: pki.Role(in.Role), MaxUses: in.MaxUses, Description: in.Description}
	if in.TTL != "" {
		if req.TTL, err = time.ParseDuration(in.TTL); err != nil || req.TTL < time.Second {
			return nil, invalid("TTL %q is not a duration of at least a second", in.TTL)
		}
	}
	create := auth.CreateToken
	if in.Rotate {
		create = auth.RotateTokens
	}
	tok, kept, err := create(r.ctx(), req)
	if err != nil {
		return nil, err
	}
	out := joinToken(kept)
	out.Token = tok.Text()
	r.w.Header().Set("Cache-Control", "no-store")
	return out, nil
}

func (a *API) joinTokenRevoke(r *request) (any, error) {
	auth, err := a.authority()
	if err != nil {
		return nil, err
	}
	id, err := r.id("id", "join token")
	if err != nil {
		return nil, err
	}
	return nil, auth.RevokeTokens(r.ctx(), id)
}

func (a *API) authorityRoots(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		all, changed := s.AuthorityRootsW()
		out := []*api.AuthorityRoot{}
		for root := range all {
			cert, err := x509.ParseCertificate(root.Certificate)
			if err != nil {
				return answer{}, err
			}
			out = append(out, &api.AuthorityRoot{ID: root.ID, Subject: cert.Subject.CommonName, Active: root.Active, NotBefore: cert.NotBefore.UTC(),
				NotAfter: cert.NotAfter.UTC(), RetireAt: at(root.RetireAt), CreateIndex: root.CreateIndex, ModifyIndex: root.ModifyIndex,
				Certificate: strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})))})
		}
		return answer{value: out, index: s.TableIndex(state.TableAuthorityRoots), changed: changed}, nil
	})
}

func (a *API) authorityRotate(r *request) (any, error) {
	auth, err := a.authority()
	if err != nil {
		return nil, err
	}
	id, err := auth.Rotate(r.ctx(), r.flag("alone"))
	if err != nil {
		return nil, err
	}
	return &api.AuthorityRotateResponse{ID: id}, nil
}
