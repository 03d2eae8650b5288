package atrest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Sizes, in bytes.
const (
	keyBytes  = 32
	saltBytes = 16
)

// rounds of PBKDF2 for passphrases.
const rounds = 600_000

// Key is what everything of one server is encrypted with.
type Key struct{ b [keyBytes]byte }

// NewKey draws a key.
func NewKey() (*Key, error) {
	k := &Key{}
	if _, err := rand.Read(k.b[:]); err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	return k, nil
}

// ParseKey reads a key: 32 bytes, or their base64 or hex form, with white space around it.
func ParseKey(text []byte) (*Key, error) {
	if len(text) == keyBytes {
		return &Key{b: [keyBytes]byte(text)}, nil
	}
	s := strings.TrimSpace(string(text))
	for _, decode := range []func(string) ([]byte, error){base64.StdEncoding.DecodeString, hex.DecodeString} {
		if b, err := decode(s); err == nil && len(b) == keyBytes {
			return &Key{b: [keyBytes]byte(b)}, nil
		}
	}
	return nil, fmt.Errorf("a key is %d bytes, as they are or in base64 or hex; this has %d characters", keyBytes, len(s))
}

// FromPassphrase derives a key. The salt is no secret; it must be the same each time.
func FromPassphrase(passphrase string, salt []byte) (*Key, error) {
	if passphrase == "" || len(salt) < saltBytes {
		return nil, errors.New("derive a key: the passphrase is empty or the salt too short")
	}
	b, err := pbkdf2.Key(sha256.New, passphrase, salt, rounds, keyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	return &Key{b: [keyBytes]byte(b)}, nil
}

// Text is the key in base64, for its file.
func (k *Key) Text() string { return base64.StdEncoding.EncodeToString(k.b[:]) }

// ID names the key without telling it.
func (k *Key) ID() string {
	b, err := hkdf.Key(sha256.New, k.b[:], nil, "berth key id", 8)
	if err != nil {
		panic(err) // the length is constant and small
	}
	return hex.EncodeToString(b)
}

// String hides the key.
func (k *Key) String() string { return "key " + k.ID() }

// derive gives the cipher of a salt.
func (k *Key) derive(salt []byte, purpose string) (cipher.AEAD, error) {
	b, err := hkdf.Key(sha256.New, k.b[:], salt, "berth at rest "+purpose, keyBytes)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(b)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
