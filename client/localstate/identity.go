package localstate

import (
	"fmt"

	"go.etcd.io/bbolt"

	"berth/structs"
)

// Identity gives the node's id and secret; newID makes them at the first call of the file's life.
func (s *Store) Identity(newID func() structs.ID) (id, secret structs.ID, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		id, secret, err = readIdentity(tx)
		return err
	})
	if err != nil {
		return id, secret, damaged(s.path, err)
	}
	if !id.IsZero() && !secret.IsZero() {
		return id, secret, nil
	}
	err = s.commit(func(tx *bbolt.Tx) error {
		if id, secret, err = readIdentity(tx); err != nil {
			return damaged(s.path, err)
		}
		for _, k := range []struct {
			key []byte
			id  *structs.ID
		}{{keyID, &id}, {keySecret, &secret}} {
			if !k.id.IsZero() {
				continue
			}
			*k.id = newID()
			if err := tx.Bucket(bucketMeta).Put(k.key, k.id[:]); err != nil {
				return fmt.Errorf("store the node's identity: %w", err)
			}
		}
		return nil
	})
	return id, secret, err
}

// readIdentity gives what is stored, zero where nothing is.
func readIdentity(tx *bbolt.Tx) (id, secret structs.ID, err error) {
	meta := tx.Bucket(bucketMeta)
	for _, k := range []struct {
		key []byte
		id  *structs.ID
	}{{keyID, &id}, {keySecret, &secret}} {
		have := meta.Get(k.key)
		if have != nil && len(have) != len(*k.id) {
			return id, secret, fmt.Errorf("%s has %d bytes", k.key, len(have))
		}
		copy(k.id[:], have)
	}
	return id, secret, nil
}
