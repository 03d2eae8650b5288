package api

import (
	"context"
	"net/http"
	"time"
)

// Revocation makes certificates of the cluster worthless before they end.
type Revocation struct {
	// Name is the id of a machine, all of whose certificates it is about (Machine), or the serial number of one certificate in hex.
	Name      string
	Machine   bool
	Reason    string `json:",omitempty"`
	RevokedAt time.Time
	// ExpiresAt is when it is forgotten: the certificates it is about have ended for good.
	ExpiresAt   time.Time
	CreateIndex uint64
	ModifyIndex uint64
}

// RevocationRequest names whose certificates are to be revoked, or which: see Revocation.Name.
type RevocationRequest struct{ Name, Reason string }

// Revocations lists the certificates that are revoked.
func (o Operator) Revocations(ctx context.Context, q *QueryOptions) ([]*Revocation, *QueryMeta, error) {
	return get[[]*Revocation](ctx, o.c, "/v1/operator/ca/revocations", q)
}

// RevokeCertificates revokes all certificates of a machine, or one by its serial number. Revoking again changes nothing.
func (o Operator) RevokeCertificates(ctx context.Context, req *RevocationRequest) (*Revocation, error) {
	out, _, err := write[*Revocation](ctx, o.c, http.MethodPut, "/v1/operator/ca/revocations", req, nil)
	return out, err
}

// ReinstateCertificates takes a revocation back, by its name.
func (o Operator) ReinstateCertificates(ctx context.Context, name string) error {
	_, _, err := write[nothing](ctx, o.c, http.MethodDelete, "/v1/operator/ca/revocation/"+escape(name), nil, nil)
	return err
}
