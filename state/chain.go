package state

import (
	"crypto/sha256"
	"encoding/hex"
)

// Chain is the rolling hash of the log's entries that were applied. Two replicas that have the same origin and the same index, and
// not the same hash, have applied different things.
type Chain struct {
	Origin uint64 // index of the entry it begins at; 0 before it has begun
	Hash   [sha256.Size]byte
}

// Text is the hash in hex.
func (c Chain) Text() string { return hex.EncodeToString(c.Hash[:]) }

// SetChain stores the rolling hash. It is of no table: nobody is woken for it.
func (t *WriteTxn) SetChain(c Chain) { t.work.chain = c }
