package localstate

import (
	"bytes"
	"encoding/json"

	"go.etcd.io/bbolt"

	"berth/structs"
)

// Saved is an allocation as it was stored: with its job, and the records of its tasks by name.
type Saved struct {
	Alloc *structs.Allocation
	Tasks map[string]json.RawMessage
}

// Restore gives everything that was stored, in the order of ids.
func (s *Store) Restore() ([]Saved, error) {
	var out []Saved
	err := s.db.View(func(tx *bbolt.Tx) error {
		jobs := map[string]*structs.Job{}
		err := tx.Bucket(bucketJobs).ForEach(func(k, v []byte) error {
			j := &structs.Job{}
			if _, err := j.UnmarshalMsg(v); err != nil {
				return err
			}
			jobs[string(k)] = j
			return nil
		})
		if err != nil {
			return err
		}
		return tx.Bucket(bucketAllocs).ForEach(func(k, v []byte) error {
			a := &structs.Allocation{}
			if _, err := a.UnmarshalMsg(v); err != nil {
				return err
			}
			a.Job = jobs[string(jobKeyOf(a))]
			saved := Saved{Alloc: a, Tasks: map[string]json.RawMessage{}}
			c := tx.Bucket(bucketTasks).Cursor()
			for tk, tv := c.Seek(k); bytes.HasPrefix(tk, k); tk, tv = c.Next() {
				saved.Tasks[string(tk[len(k):])] = bytes.Clone(tv)
			}
			out = append(out, saved)
			return nil
		})
	})
	if err != nil {
		return nil, damaged(s.path, err)
	}
	return out, nil
}
