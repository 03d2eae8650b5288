package localstate

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"
)

// write is a change that waits for its transaction.
type write struct {
	change func(tx *bbolt.Tx) error
	done   chan error // holds its outcome
}

// commit makes a change, and returns when it is on disk. Changes that come while another is being written share the next
// transaction, and so the cost of a sync.
func (s *Store) commit(change func(tx *bbolt.Tx) error) error {
	w := &write{change: change, done: make(chan error, 1)}
	s.mu.Lock()
	s.waiting = append(s.waiting, w)
	s.mu.Unlock()
	s.writing.Lock()
	defer s.writing.Unlock()
	if len(w.done) == 0 { // nobody took it along
		s.mu.Lock()
		batch := s.waiting
		s.waiting = nil
		s.mu.Unlock()
		s.writeAll(batch)
	}
	return <-w.done
}

// writeAll makes changes in one transaction. If one of them cannot be made, each is tried alone: it must not spoil the others.
func (s *Store) writeAll(batch []*write) {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		for _, w := range batch {
			if err := w.change(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && len(batch) > 1 {
		for _, w := range batch {
			w.done <- s.db.Update(w.change)
		}
		return
	}
	for _, w := range batch {
		w.done <- err
	}
}

type put struct{ bucket, key, value []byte }

func putAll(tx *bbolt.Tx, puts []put) error {
	for _, p := range puts {
		if err := tx.Bucket(p.bucket).Put(p.key, p.value); err != nil {
			return fmt.Errorf("write %s: %w", p.bucket, err)
		}
	}
	return nil
}

// has reports that all of it is on disk already.
func (s *Store) has(puts []put) bool {
	same := true
	err := s.db.View(func(tx *bbolt.Tx) error {
		for _, p := range puts {
			have := tx.Bucket(p.bucket).Get(p.key)
			same = same && have != nil && bytes.Equal(have, p.value)
		}
		return nil
	})
	return err == nil && same
}
