package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"
)

// Lifetimes. Clocks may be off by a day: what is issued is valid from Backdate before now.
const (
	RootTTL  = 10 * 365 * 24 * time.Hour
	LeafTTL  = 24 * time.Hour // from the moment of issue; NotBefore lies Backdate before it
	Backdate = 25 * time.Hour
)

// maxPath is how many cross certificates may stand between a root and a leaf.
const maxPath = 2

// Digest names a root certificate: the SHA-256 of its DER form.
type Digest [sha256.Size]byte

// DigestOf gives a certificate's digest.
func DigestOf(c *x509.Certificate) Digest { return sha256.Sum256(c.Raw) }

// String is the first 16 bytes in hex, enough for people to compare.
func (d Digest) String() string { return fmt.Sprintf("%x", d[:16]) }

// Root is a certificate authority: certificate and key.
type Root struct {
	Cert *x509.Certificate
	key  *ecdsa.PrivateKey
	// Cross is the same authority's key certified by the root before it, so that machines which know only that one trust what
	// this one issues. Nil for a cluster's first root.
	Cross *x509.Certificate
}

// NewRoot makes an authority of ECDSA P-256 that is valid from Backdate before now. Previous, when not nil, certifies it too.
func NewRoot(region string, now time.Time, previous *Root) (*Root, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of a root: %w", err)
	}
	serial, err := newSerial(rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Berth " + region + " root " + serial.Text(36)[:8]},
		NotBefore: now.Add(-Backdate), NotAfter: now.Add(RootTTL), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true, IsCA: true, MaxPathLen: maxPath,
	}
	r := &Root{key: key}
	if r.Cert, err = sign(template, template, &key.PublicKey, key); err != nil {
		return nil, err
	}
	if previous == nil {
		return r, nil
	}
	if err := r.crossSign(previous); err != nil {
		return nil, err
	}
	return r, nil
}

// crossSign lets previous certify the key of r: the result is an intermediate below previous.
func (r *Root) crossSign(previous *Root) error {
	serial, err := newSerial(rand.Reader)
	if err != nil {
		return err
	}
	template := *r.Cert
	template.SerialNumber = serial
	template.AuthorityKeyId, template.SubjectKeyId = previous.Cert.SubjectKeyId, r.Cert.SubjectKeyId
	if template.NotAfter.After(previous.Cert.NotAfter) {
		template.NotAfter = previous.Cert.NotAfter
	}
	r.Cross, err = sign(&template, previous.Cert, &r.key.PublicKey, previous.key)
	return err
}

func sign(template, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate %q: %w", template.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

func newSerial(random io.Reader) (*big.Int, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	b[0] = b[0]&0x7f | 0x40 // positive, and always of the same length
	return new(big.Int).SetBytes(b), nil
}

// Digest names the root.
func (r *Root) Digest() Digest { return DigestOf(r.Cert) }

// Issue signs a certificate for the key of a request. What the request asks for otherwise is ignored: id alone says who its
// holder is. It is valid for ttl from now and, for clocks that are behind, from Backdate before now. The answer is the chain
// as a holder presents it: the certificate, and the cross certificate if there is one.
func (r *Root) Issue(request *x509.CertificateRequest, id Identity, now time.Time, ttl time.Duration) ([]*x509.Certificate, error) {
	if err := id.Validate(); err != nil {
		return nil, fmt.Errorf("issue a certificate: %w", err)
	}
	if err := request.CheckSignature(); err != nil {
		return nil, fmt.Errorf("issue a certificate for %s: the request is not signed by its key: %w", id, err)
	}
	if err := checkKey(request.PublicKey); err != nil {
		return nil, fmt.Errorf("issue a certificate for %s: %w", id, err)
	}
	if ttl <= 0 {
		return nil, fmt.Errorf("issue a certificate for %s: it would be valid for %s", id, ttl)
	}
	serial, err := newSerial(rand.Reader)
	if err != nil {
		return nil, err
	}
	end := now.Add(ttl)
	if end.After(r.Cert.NotAfter) {
		end = r.Cert.NotAfter
	}
	if !end.After(now) {
		return nil, fmt.Errorf("issue a certificate for %s: the cluster's root ended at %s and this machine's clock says %s", id,
			r.Cert.NotAfter.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	leaf, err := sign(&x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: string(id.Role) + "." + id.Region + ".berth"},
		URIs: identityURIs(id), DNSNames: leafNames(id), NotBefore: now.Add(-Backdate), NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}, r.Cert, request.PublicKey, r.key)
	if err != nil {
		return nil, err
	}
	chain := []*x509.Certificate{leaf}
	if r.Cross != nil {
		chain = append(chain, r.Cross)
	}
	return chain, nil
}

// key gives the authority's key in PKCS 8 form, for Seal.
func (r *Root) keyDER() ([]byte, error) { return x509.MarshalPKCS8PrivateKey(r.key) }

// ParseRoot puts a root together from its parts; cross may be empty.
func ParseRoot(certDER, crossDER, keyDER []byte) (*Root, error) {
	cert, err := x509.ParseCertificate(certDER)
	if err != nil {
		return nil, fmt.Errorf("read a root's certificate: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyDER)
	if err != nil {
		return nil, fmt.Errorf("read a root's key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("read a root's key: a %T is not an ECDSA key", parsed)
	}
	if pub, ok := cert.PublicKey.(*ecdsa.PublicKey); !ok || !pub.Equal(&key.PublicKey) {
		return nil, errors.New("the root's key is not that of its certificate")
	}
	r := &Root{Cert: cert, key: key}
	if len(crossDER) > 0 {
		if r.Cross, err = x509.ParseCertificate(crossDER); err != nil {
			return nil, fmt.Errorf("read a root's cross certificate: %w", err)
		}
		if !bytes.Equal(r.Cross.RawSubjectPublicKeyInfo, cert.RawSubjectPublicKeyInfo) {
			return nil, errors.New("the root's cross certificate is for another key")
		}
	}
	return r, nil
}
