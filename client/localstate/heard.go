package localstate

import (
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

var keyHeard = []byte("servers heard") // when the servers last answered: nanoseconds since 1970, 8 bytes big-endian

// PutHeard notes that the servers answered at t.
func (s *Store) PutHeard(t time.Time) error {
	puts := []put{{bucketMeta, keyHeard, binary.BigEndian.AppendUint64(nil, uint64(t.UnixNano()))}}
	if err := s.commit(func(tx *bbolt.Tx) error { return putAll(tx, puts) }); err != nil {
		return fmt.Errorf("note when the servers were heard: %w", err)
	}
	return nil
}

// Heard is when the servers last answered, as PutHeard was told; zero when it never was.
func (s *Store) Heard() (at time.Time, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		v := tx.Bucket(bucketMeta).Get(keyHeard)
		switch len(v) {
		case 0:
		case 8:
			at = time.Unix(0, int64(binary.BigEndian.Uint64(v)))
		default:
			return fmt.Errorf("%s has %d bytes", keyHeard, len(v))
		}
		return nil
	})
	if err != nil {
		return time.Time{}, damaged(s.path, err)
	}
	return at, nil
}
