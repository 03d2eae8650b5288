package atrest

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// A sealed record is the mark, the salt, the count, and what GCM made of the data. 0xc1 begins no msgpack, so that a record tells
// itself from one that was written in clear.
const (
	mark       = "\xc1BSL1"
	countBytes = 8
	tagBytes   = 16
	headBytes  = len(mark) + saltBytes + countBytes
	// Overhead is how much longer a sealed record is than its data.
	Overhead = headBytes + tagBytes
)

// ErrSealed is what cannot be opened: sealed with another key, changed, or not where it belongs.
var ErrSealed = errors.New("it was sealed with another key, or is damaged")

// maxCiphers bounds the ciphers of earlier starts that are kept.
const maxCiphers = 64

// Sealer seals and opens records with one key. Safe for concurrent use.
type Sealer struct {
	key   *Key
	salt  [saltBytes]byte
	own   cipher.AEAD
	count atomic.Uint64

	mu     sync.Mutex // guards ciphers
	others map[[saltBytes]byte]cipher.AEAD
}

// NewSealer draws the salt of this start.
func NewSealer(key *Key) (*Sealer, error) {
	s := &Sealer{key: key, others: map[[saltBytes]byte]cipher.AEAD{}}
	if _, err := rand.Read(s.salt[:]); err != nil {
		return nil, fmt.Errorf("draw a salt: %w", err)
	}
	var err error
	s.own, err = key.derive(s.salt[:], "record")
	return s, err
}

// Sealed reports whether data has the form of a sealed record.
func Sealed(data []byte) bool { return len(data) >= len(mark) && string(data[:len(mark)]) == mark }

// Seal encrypts data for a place: it opens only there.
func (s *Sealer) Seal(data, place []byte) []byte {
	out := make([]byte, 0, len(data)+Overhead)
	out = append(append(out, mark...), s.salt[:]...)
	out = binary.BigEndian.AppendUint64(out, s.count.Add(1))
	return s.own.Seal(out, nonce(out[headBytes-countBytes:]), data, place)
}

// nonce is a count with zeros before it.
func nonce(count []byte) []byte { return append(make([]byte, 12-countBytes, 12), count...) }

// Open decrypts a record that was sealed for a place.
func (s *Sealer) Open(record, place []byte) ([]byte, error) {
	if !Sealed(record) || len(record) < Overhead {
		return nil, ErrSealed
	}
	salt := [saltBytes]byte(record[len(mark):])
	c, err := s.cipher(salt)
	if err != nil {
		return nil, err
	}
	data, err := c.Open(nil, nonce(record[headBytes-countBytes:headBytes]), record[headBytes:], place)
	if err != nil {
		return nil, ErrSealed
	}
	return data, nil
}

func (s *Sealer) cipher(salt [saltBytes]byte) (cipher.AEAD, error) {
	if salt == s.salt {
		return s.own, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.others[salt]; c != nil {
		return c, nil
	}
	c, err := s.key.derive(salt[:], "record")
	if err != nil {
		return nil, err
	}
	if len(s.others) >= maxCiphers {
		clear(s.others)
	}
	s.others[salt] = c
	return c, nil
}
