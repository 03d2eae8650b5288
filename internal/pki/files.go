package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"berth/internal/durable"
)

// Names of the files a machine keeps below its directory.
const (
	certFile = "node.pem"  // chain and key in one file, so that they change together
	rootFile = "roots.pem" // the trusted roots
	keyFile  = "cluster.key"
	caFile   = "issuer.pem" // a server's: the root that issues, its key sealed
)

// Save writes credentials below dir (made with mode 0700), each file in one step.
func (c *Credentials) Save(dir string) error {
	key, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		return fmt.Errorf("save the certificate: %w", err)
	}
	if err := durable.WriteFile(filepath.Join(dir, rootFile), c.Trusted.PEM()); err != nil {
		return err
	}
	text := append(EncodeChain(c.Chain), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	return durable.WriteFile(filepath.Join(dir, certFile), text)
}

// Load reads credentials that were saved. fs.ErrNotExist is in the error's chain when there are none.
func Load(dir string) (*Credentials, error) {
	c, err := loadFiles(filepath.Join(dir, rootFile), filepath.Join(dir, certFile), filepath.Join(dir, certFile))
	if err != nil {
		return nil, err
	}
	if c.ID, err = IdentityOf(c.Leaf()); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, certFile), err)
	}
	return c, nil
}

// LoadFiles reads credentials from files in PEM form, as the configuration's tls block names them: ca_file, cert_file, key_file.
// The certificate need not say who its holder is; ID holds what it does say.
func LoadFiles(caPath, certPath, keyPath string) (*Credentials, error) {
	c, err := loadFiles(caPath, certPath, keyPath)
	if err != nil {
		return nil, err
	}
	c.Foreign = true
	if id, err := IdentityOf(c.Leaf()); err == nil {
		c.ID = id
	}
	return c, nil
}

func loadFiles(caPath, certPath, keyPath string) (*Credentials, error) {
	caText, err := os.ReadFile(caPath)
	if err != nil {
		return nil, fmt.Errorf("read the trusted roots: %w", err)
	}
	bundle, err := ParseBundle(caText)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", caPath, err)
	}
	certText, err := os.ReadFile(certPath)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	certs, _ := splitPEM(certText)
	chain, err := ParseChain(certs)
	if err != nil {
		return nil, fmt.Errorf("read the certificate in %s: %w", certPath, err)
	}
	keyText, err := os.ReadFile(keyPath)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	_, keyDER := splitPEM(keyText)
	key, err := parseKey(keyDER)
	if err != nil {
		return nil, fmt.Errorf("read the key in %s: %w", keyPath, err)
	}
	c, err := fit(chain, key, bundle)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", certPath, keyPath, err)
	}
	return c, nil
}

// splitPEM parts certificates (as PEM) from the first key (as DER).
func splitPEM(text []byte) (certs, key []byte) {
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			return certs, key
		}
		switch b.Type {
		case "CERTIFICATE":
			certs = append(certs, pem.EncodeToMemory(b)...)
		case "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY":
			if key == nil {
				key = b.Bytes
			}
		}
	}
}

func parseKey(der []byte) (crypto.Signer, error) {
	if der == nil {
		return nil, errors.New("no private key in PEM form (an encrypted key is not read)")
	}
	if k, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if s, ok := k.(crypto.Signer); ok {
			return s, nil
		}
		return nil, fmt.Errorf("a key of type %T cannot sign", k)
	}
	if k, err := x509.ParseECPrivateKey(der); err == nil {
		return k, nil
	}
	k, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return nil, errors.New("it is in none of the forms PKCS 8, SEC 1 and PKCS 1")
	}
	return k, nil
}

// SaveKey writes the cluster's key below dir.
func (k *ClusterKey) SaveKey(dir string) error {
	return durable.WriteFile(filepath.Join(dir, keyFile), pem.EncodeToMemory(&pem.Block{Type: "BERTH CLUSTER KEY", Bytes: k.b[:]}))
}

// LoadClusterKey reads the cluster's key; fs.ErrNotExist is in the error's chain when there is none.
func LoadClusterKey(dir string) (*ClusterKey, error) {
	path := filepath.Join(dir, keyFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's key: %w", err)
	}
	b, _ := pem.Decode(text)
	if b == nil || b.Type != "BERTH CLUSTER KEY" {
		return nil, fmt.Errorf("read the cluster's key: %s does not hold one", path)
	}
	return ParseClusterKey(b.Bytes)
}

// SaveRoot keeps the root that issues below dir, its key sealed: a server whose certificate has ended issues its own with it.
func (k *ClusterKey) SaveRoot(dir string, r *Root) error {
	sealed, err := k.SealKey(r)
	if err != nil {
		return err
	}
	certs := []*x509.Certificate{r.Cert}
	if r.Cross != nil {
		certs = append(certs, r.Cross)
	}
	return durable.WriteFile(filepath.Join(dir, caFile), append(EncodeChain(certs), pem.EncodeToMemory(&pem.Block{Type: sealedBlock, Bytes: sealed})...))
}

const sealedBlock = "BERTH SEALED KEY"

// LoadRoot reads what SaveRoot wrote; fs.ErrNotExist is in the error's chain when there is nothing.
func (k *ClusterKey) LoadRoot(dir string) (*Root, error) {
	path := filepath.Join(dir, caFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the root: %w", err)
	}
	var certs [][]byte
	for {
		var b *pem.Block
		b, text = pem.Decode(text)
		switch {
		case b == nil || len(certs) > 2:
			return nil, fmt.Errorf("read the root: %s is damaged", path)
		case b.Type == "CERTIFICATE":
			certs = append(certs, b.Bytes)
		case b.Type == sealedBlock && len(certs) > 0:
			r, err := k.OpenRoot(certs[0], append(certs, nil)[1], b.Bytes)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			return r, nil
		}
	}
}
