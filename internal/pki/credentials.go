package pki

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"berth/structs"
)

// Credentials are what a machine shows and whom it trusts, at one moment. Immutable.
type Credentials struct {
	ID      Identity
	Chain   []*x509.Certificate // its own certificate first, then cross certificates
	Key     crypto.Signer
	Trusted *Bundle
	// Foreign tells that the certificate is not of the cluster's own making but was given in the configuration's tls block.
	Foreign bool
}

// NewCredentials checks that key, chain and bundle fit together and reads the identity.
func NewCredentials(chain []*x509.Certificate, key crypto.Signer, trusted *Bundle) (*Credentials, error) {
	c, err := fit(chain, key, trusted)
	if err != nil {
		return nil, err
	}
	if c.ID, err = IdentityOf(chain[0]); err != nil {
		return nil, err
	}
	return c, nil
}

func fit(chain []*x509.Certificate, key crypto.Signer, trusted *Bundle) (*Credentials, error) {
	if len(chain) == 0 || key == nil || trusted == nil {
		return nil, errors.New("credentials lack their certificate, key or roots")
	}
	pub, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !pub.Equal(chain[0].PublicKey) {
		return nil, errors.New("the key is not that of the certificate")
	}
	return &Credentials{Chain: slices.Clone(chain), Key: key, Trusted: trusted}, nil
}

// Leaf is the machine's own certificate.
func (c *Credentials) Leaf() *x509.Certificate { return c.Chain[0] }

// TLS is the certificate for crypto/tls. With roots the trusted roots follow in the chain: machines that join look for theirs.
func (c *Credentials) TLS(roots bool) *tls.Certificate {
	out := &tls.Certificate{PrivateKey: c.Key, Leaf: c.Chain[0]}
	for _, cert := range c.Chain {
		out.Certificate = append(out.Certificate, cert.Raw)
	}
	if roots {
		for _, cert := range c.Trusted.roots {
			out.Certificate = append(out.Certificate, cert.Raw)
		}
	}
	return out
}

// RenewAt is the moment half the certificate's life from its issue (Backdate after NotBefore) is over.
func (c *Credentials) RenewAt() time.Time {
	issued := c.Leaf().NotBefore.Add(Backdate)
	return issued.Add(c.Leaf().NotAfter.Sub(issued) / 2)
}

// Source holds a machine's credentials while they change. Safe for concurrent use; the zero value holds none.
type Source struct {
	current atomic.Pointer[Credentials]
	regions atomic.Pointer[map[string]*Bundle]
	revoked atomic.Pointer[Revoked]
}

// NewSource starts with credentials, which may be nil.
func NewSource(c *Credentials) *Source {
	s := &Source{}
	if c != nil {
		s.current.Store(c)
	}
	return s
}

// Current gives the credentials of this moment.
func (s *Source) Current() (*Credentials, error) {
	if c := s.current.Load(); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("this machine has no certificate yet")
}

// Replace takes new credentials: connections made from now on use them; those that stand are not touched.
func (s *Source) Replace(c *Credentials) { s.current.Store(c) }

// TrustRegions sets the roots of the other regions this one is joined with, by region. Connections made from now on use them. The map
// must not be changed afterwards.
func (s *Source) TrustRegions(roots map[string]*Bundle) { s.regions.Store(&roots) }

// Region gives the roots of another region, nil when this one is not joined with it.
func (s *Source) Region(name string) *Bundle {
	if m := s.regions.Load(); m != nil {
		return (*m)[name]
	}
	return nil
}

// Revoke sets which certificates are worthless. Connections made from now on are refused with them; the map must not be changed afterwards.
func (s *Source) Revoke(r Revoked) { s.revoked.Store(&r) }

// CheckRevoked refuses a certificate of a machine that was revoked.
func (s *Source) CheckRevoked(c *x509.Certificate, id structs.ID) error {
	if r := s.revoked.Load(); r != nil {
		return r.Check(c, id)
	}
	return nil
}

// Verify checks a peer's chain and says who the peer is. The roots of a region vouch for certificates of that region alone, the
// machine's own for its own.
func (s *Source) Verify(chain []*x509.Certificate, now time.Time) (Identity, error) {
	id, err := s.verify(chain, now)
	if err == nil {
		err = s.CheckRevoked(chain[0], id.ID)
	}
	if err != nil {
		return Identity{}, err
	}
	return id, nil
}

func (s *Source) verify(chain []*x509.Certificate, now time.Time) (Identity, error) {
	c, err := s.Current()
	if err != nil {
		return Identity{}, err
	}
	if len(chain) > 0 && c.ID.Region != "" && !c.Foreign {
		if claim, err := IdentityOf(chain[0]); err == nil && claim.Region != c.ID.Region {
			roots := s.Region(claim.Region)
			if roots == nil {
				return Identity{}, refused(fmt.Errorf("it is of region %q, and region %q is not joined with that", claim.Region, c.ID.Region),
					"`berth operator join-token create -role region` there prints the line that joins the two")
			}
			return roots.Verify(chain, now)
		}
	}
	return c.Trusted.Verify(chain, now)
}

// Accept takes what a server answered to a request for a certificate: chain and roots in PEM form. They must fit the key, be
// valid now, and say exactly who was asked for.
func Accept(key crypto.Signer, chainPEM, rootsPEM []byte, want Identity, now time.Time) (*Credentials, error) {
	chain, err := ParseChain(chainPEM)
	if err != nil {
		return nil, fmt.Errorf("take the new certificate: %w", err)
	}
	trusted, err := ParseBundle(rootsPEM)
	if err != nil {
		return nil, fmt.Errorf("take the new certificate: %w", err)
	}
	id, err := trusted.Verify(chain, now)
	if err != nil {
		return nil, fmt.Errorf("take the new certificate: %w", err)
	}
	if id != want {
		return nil, fmt.Errorf("take the new certificate: it is for %s, and %s was asked for", id, want)
	}
	return NewCredentials(chain, key, trusted)
}
