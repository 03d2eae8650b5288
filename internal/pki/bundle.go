package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
)

// Bounds of a bundle.
const (
	maxRoots       = 16
	maxBundleBytes = 256 << 10
)

// Bundle is the roots a machine trusts. It is immutable.
type Bundle struct {
	roots []*x509.Certificate
	pool  *x509.CertPool
}

// NewBundle makes a bundle; the same root given twice counts once.
func NewBundle(roots ...*x509.Certificate) *Bundle {
	b := &Bundle{pool: x509.NewCertPool()}
	for _, r := range roots {
		if slices.ContainsFunc(b.roots, r.Equal) {
			continue
		}
		b.roots = append(b.roots, r)
		b.pool.AddCert(r)
	}
	return b
}

// Roots are the bundle's certificates, in the order they were given.
func (b *Bundle) Roots() []*x509.Certificate { return slices.Clone(b.roots) }

// Pool is the roots for crypto/tls. It must not be added to.
func (b *Bundle) Pool() *x509.CertPool { return b.pool }

// Find gives the root of a digest, nil without one.
func (b *Bundle) Find(d Digest) *x509.Certificate {
	for _, r := range b.roots {
		if DigestOf(r) == d {
			return r
		}
	}
	return nil
}

// Equal reports whether both hold the same roots in the same order.
func (b *Bundle) Equal(o *Bundle) bool {
	return slices.EqualFunc(b.roots, o.roots, (*x509.Certificate).Equal)
}

// PEM is the text form.
func (b *Bundle) PEM() []byte { return EncodeChain(b.roots) }

// ParseBundle reads the text form.
func ParseBundle(text []byte) (*Bundle, error) {
	certs, err := ParseChain(text)
	if err != nil {
		return nil, fmt.Errorf("read the trusted roots: %w", err)
	}
	for _, c := range certs {
		if !c.IsCA {
			return nil, fmt.Errorf("read the trusted roots: %q is not an authority's certificate", c.Subject)
		}
	}
	return NewBundle(certs...), nil
}

// EncodeChain is certificates as PEM.
func EncodeChain(chain []*x509.Certificate) []byte {
	var out bytes.Buffer
	for _, c := range chain {
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}) // a buffer takes everything
	}
	return out.Bytes()
}

// ParseChain reads one or more certificates in PEM form; anything else between them is an error.
func ParseChain(text []byte) ([]*x509.Certificate, error) {
	if len(text) > maxBundleBytes {
		return nil, fmt.Errorf("%d bytes of certificates; at most %d are read", len(text), maxBundleBytes)
	}
	var certs []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("a %s where a certificate belongs", block.Type)
		}
		if len(certs) == maxRoots {
			return nil, fmt.Errorf("more than %d certificates", maxRoots)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certs = append(certs, c)
	}
	if len(certs) == 0 {
		return nil, errors.New("no certificate in PEM form")
	}
	return certs, nil
}

// ParseDER reads a chain as a connection shows it.
func ParseDER(chain [][]byte) ([]*x509.Certificate, error) {
	if len(chain) == 0 || len(chain) > maxRoots {
		return nil, fmt.Errorf("a chain of %d certificates; 1 to %d are read", len(chain), maxRoots)
	}
	var certs []*x509.Certificate
	for _, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		certs = append(certs, c)
	}
	return certs, nil
}
