package pki

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// keyBytes is the size of a cluster key, AES-256.
const keyBytes = 32

// ClusterKey is the secret all servers of a cluster share and nobody else has. It seals the keys of the roots in the replicated
// state, so that neither the log nor a backup holds them in clear; the keys of other parts are derived from it. Servers keep it
// in a file and get it when they join.
type ClusterKey struct{ b [keyBytes]byte }

// NewClusterKey draws one.
func NewClusterKey() (*ClusterKey, error) {
	k := &ClusterKey{}
	if _, err := rand.Read(k.b[:]); err != nil {
		return nil, fmt.Errorf("draw the cluster's key: %w", err)
	}
	return k, nil
}

// ParseClusterKey takes over a key's 32 bytes.
func ParseClusterKey(b []byte) (*ClusterKey, error) {
	if len(b) != keyBytes {
		return nil, fmt.Errorf("read the cluster's key: %d bytes instead of %d", len(b), keyBytes)
	}
	return &ClusterKey{b: [keyBytes]byte(b)}, nil
}

// Bytes is the key itself, for a server that joins and for the key's own file.
func (k *ClusterKey) Bytes() []byte { return append([]byte(nil), k.b[:]...) }

// String hides the key.
func (k *ClusterKey) String() string { return "cluster key (hidden)" }

// Derive gives a key of its own for a purpose ("gossip"): n bytes, the same on every server.
func (k *ClusterKey) Derive(purpose string, n int) ([]byte, error) {
	out, err := hkdf.Key(sha256.New, k.b[:], nil, "berth "+purpose, n)
	if err != nil {
		return nil, fmt.Errorf("derive the key for %s: %w", purpose, err)
	}
	return out, nil
}

func (k *ClusterKey) aead(purpose string) (cipher.AEAD, error) {
	key, err := k.Derive(purpose, keyBytes)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Seal encrypts something for a purpose; only servers with k can open it, and only as about what it was sealed about.
func (k *ClusterKey) Seal(purpose string, plain, about []byte) ([]byte, error) {
	aead, err := k.aead(purpose)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, about), nil
}

// Open undoes Seal.
func (k *ClusterKey) Open(purpose string, sealed, about []byte) ([]byte, error) {
	aead, err := k.aead(purpose)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed, about)
	if err != nil {
		return nil, ErrWrongKey
	}
	return plain, nil
}

// sealPurpose is what the sealing of roots' keys is derived for.
const sealPurpose = "root key"

// SealKey gives the root's key sealed; only servers with k can open it, and only for this root.
func (k *ClusterKey) SealKey(r *Root) ([]byte, error) {
	der, err := r.keyDER()
	if err != nil {
		return nil, fmt.Errorf("seal the key of root %s: %w", r.Digest(), err)
	}
	aead, err := k.aead(sealPurpose)
	if err != nil {
		return nil, fmt.Errorf("seal the key of root %s: %w", r.Digest(), err)
	}
	return aead.Seal(nil, nil, der, r.Cert.Raw), nil
}

// ErrWrongKey is returned when a root's key was sealed with another cluster key, or was damaged.
var ErrWrongKey = errors.New("it was sealed with another cluster's key, or is damaged")

// OpenRoot puts a root together from its certificate, its cross certificate (may be empty) and its sealed key.
func (k *ClusterKey) OpenRoot(certDER, crossDER, sealed []byte) (*Root, error) {
	aead, err := k.aead(sealPurpose)
	if err != nil {
		return nil, fmt.Errorf("open a root's key: %w", err)
	}
	der, err := aead.Open(nil, nil, sealed, certDER)
	if err != nil {
		return nil, fmt.Errorf("open a root's key: %w", ErrWrongKey)
	}
	return ParseRoot(certDER, crossDER, der)
}
