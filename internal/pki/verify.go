package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"berth/structs"
)

// Verify checks a peer's chain (its own certificate first) against the bundle at a time, and says who the peer is. What is
// wrong is said in words that name both times when a clock may be at fault.
func (b *Bundle) Verify(chain []*x509.Certificate, now time.Time) (Identity, error) {
	if err := b.VerifyChain(chain, now); err != nil {
		return Identity{}, err
	}
	id, err := IdentityOf(chain[0])
	if err != nil {
		return Identity{}, refused(err, "")
	}
	return id, nil
}

// VerifyChain is Verify without the question who the peer is, for certificates that do not say it.
func (b *Bundle) VerifyChain(chain []*x509.Certificate, now time.Time) error {
	if len(chain) == 0 {
		return refused(errors.New("it shows no certificate"), "")
	}
	leaf := chain[0]
	if err := CheckTimes(leaf, now); err != nil {
		return err
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: b.pool, Intermediates: between, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}})
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return refused(fmt.Errorf("its certificate was issued by %q, which this cluster does not know", leaf.Issuer.CommonName),
			"it belongs to another cluster, or its root was retired: let it join again with a new join token")
	}
	if err != nil {
		return refused(err, "")
	}
	return nil
}

// clocks is what to do when a time is wrong.
const clocks = "one of the two clocks is wrong: compare `date -u` on both machines"

// CheckTimes tells whether a certificate is valid at a time; the error names that time and the certificate's.
func CheckTimes(c *x509.Certificate, now time.Time) error {
	err := outside(c, now)
	switch {
	case err == nil:
		return nil
	case now.Before(c.NotBefore):
		return refused(err, clocks)
	}
	return refused(err, "compare `date -u` on both machines; if the clocks are right the machine was away for too long: let it join again with a new join token")
}

// outside is CheckTimes without what to do. Why it does not say whose clock: the other side is told the same words.
func outside(c *x509.Certificate, now time.Time) error {
	switch {
	case now.Before(c.NotBefore):
		return fmt.Errorf("the certificate is not valid before %s, and the clock of the machine that checks it says %s", utc(c.NotBefore), utc(now))
	case now.After(c.NotAfter):
		return fmt.Errorf("the certificate expired at %s, and the clock of the machine that checks it says %s", utc(c.NotAfter), utc(now))
	}
	return nil
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func refused(err error, hint string) error {
	return &structs.Error{Op: "check the peer's certificate", Kind: structs.KindUnauthorised, Err: err, Hint: hint}
}
