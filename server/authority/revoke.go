package authority

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"berth/internal/pki"
	"berth/state"
	"berth/structs"
)

// Bounds of revocations.
const (
	maxRevocations = 10_000
	maxReason      = 256 // bytes
)

// Revoke makes the certificates of a machine, named by its id, or one certificate, named by its serial number, worthless from now on. It
// stands until a machine with such a certificate could not come back anyway. Only on the leader.
func (a *Authority) Revoke(ctx context.Context, name, reason string) (*structs.CertificateRevocation, error) {
	fail := func(kind structs.ErrorKind, hint, format string, args ...any) (*structs.CertificateRevocation, error) {
		return nil, &structs.Error{Op: "revoke", Kind: kind, Err: fmt.Errorf(format, args...), Hint: hint}
	}
	name, err := pki.RevocationName(name)
	if err != nil {
		return nil, err
	}
	if len(reason) > maxReason {
		return fail(structs.KindInvalid, "", "the reason is %d bytes long, more than %d", len(reason), maxReason)
	}
	own, err := a.cfg.Source.Current()
	if err != nil {
		return nil, err
	}
	if name == own.ID.ID.String() || name == pki.Serial(own.Leaf()) {
		return fail(structs.KindConflict, "`berth operator raft transfer-leadership` makes another lead", "%s is the server that leads: it would shut itself out", name)
	}
	snap := a.cfg.Host.State().Snapshot()
	n := 0
	for range snap.CertificateRevocations() {
		n++
	}
	if n >= maxRevocations && snap.CertificateRevocation(name) == nil {
		return fail(structs.KindLimit, "`berth operator ca rotate -new` makes all certificates of before worthless once machines have joined again", "%d revocations stand, and no more may", n)
	}
	ends := a.cfg.Now().Add(a.cfg.Ages.Leaf + a.cfg.Ages.Return + pki.Backdate).UnixNano()
	v, err := a.cfg.Host.Propose(ctx, structs.CmdCertificateRevoke, &structs.CertificateRevokeCommand{
		Revocation: &structs.CertificateRevocation{Name: name, Reason: reason, ExpiresAt: ends}})
	if err != nil {
		return nil, err
	}
	r, ok := v.(*structs.CertificateRevocation)
	if !ok {
		return fail(structs.KindInternal, "", "the revocation was not answered")
	}
	return r, nil
}

// Reinstate takes revocations back, by name. Only on the leader.
func (a *Authority) Reinstate(ctx context.Context, names ...string) error {
	for i := range names {
		var err error
		if names[i], err = pki.RevocationName(names[i]); err != nil {
			return err
		}
	}
	_, err := a.cfg.Host.Propose(ctx, structs.CmdCertificateReinstate, &structs.NameDeleteCommand{Names: names})
	return err
}

// Revoked are the certificates that are worthless in a version of the state.
func Revoked(snap *state.Snapshot) pki.Revoked {
	out := pki.Revoked{}
	for r := range snap.CertificateRevocations() {
		out[r.Name] = pki.Revocation{At: time.Unix(0, r.RevokedAt), Reason: r.Reason}
	}
	return out
}

// mayHave refuses certificates to a machine whose own were revoked; shown is the one it showed, nil for none.
func mayHave(snap *state.Snapshot, id structs.ID, shown *x509.Certificate) error {
	if shown != nil {
		return Revoked(snap).Check(shown, id)
	}
	if r := snap.CertificateRevocation(id.String()); r != nil {
		return &structs.Error{Op: "join", Kind: structs.KindUnauthorised, Err: errors.New("the certificates of machine " + id.String() + " were revoked"),
			Hint: "start it with an empty data directory, or take the revocation back with `berth operator ca reinstate`"}
	}
	return nil
}

// forgetRevocations takes away those that are about nothing any more.
func (a *Authority) forgetRevocations(ctx context.Context, snap *state.Snapshot, now time.Time) error {
	var over []string
	for r := range snap.CertificateRevocations() {
		if now.UnixNano() > r.ExpiresAt {
			over = append(over, r.Name)
		}
	}
	if len(over) == 0 {
		return nil
	}
	return a.Reinstate(ctx, over...)
}
