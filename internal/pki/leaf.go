package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net/url"
)

// maxRequestBytes bounds a certificate request.
const maxRequestBytes = 8 << 10

// NewRequest makes a key (ECDSA P-256) and a request for a certificate of it, in DER form.
func NewRequest() (crypto.Signer, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, nil, fmt.Errorf("make a certificate request: %w", err)
	}
	return key, der, nil
}

// ParseRequest reads a certificate request of a stranger: its size, signature and key are checked.
func ParseRequest(der []byte) (*x509.CertificateRequest, error) {
	if len(der) > maxRequestBytes {
		return nil, fmt.Errorf("a certificate request of %d bytes; at most %d are read", len(der), maxRequestBytes)
	}
	r, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("read a certificate request: %w", err)
	}
	if err := checkKey(r.PublicKey); err != nil {
		return nil, fmt.Errorf("read a certificate request: %w", err)
	}
	if err := r.CheckSignature(); err != nil {
		return nil, fmt.Errorf("read a certificate request: it is not signed by its key: %w", err)
	}
	return r, nil
}

// checkKey keeps to keys that are strong and cheap to verify.
func checkKey(pub crypto.PublicKey) error {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() || k.Curve == elliptic.P384() {
			return nil
		}
	case ed25519.PublicKey:
		return nil
	}
	return fmt.Errorf("a key of type %T is not accepted: ECDSA P-256, P-384 and Ed25519 are", pub)
}

func identityURIs(id Identity) []*url.URL { return []*url.URL{id.URI()} }

// leafNames are the host names of a certificate: those the contract's tools look for beside Berth's, and loopback's.
func leafNames(id Identity) []string {
	return []string{string(id.Role) + "." + id.Region + ".berth", string(id.Role) + "." + id.Region + ".nomad", "localhost"}
}
