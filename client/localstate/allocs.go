package localstate

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"berth/structs"
)

func jobKey(namespace, id string, version uint64) []byte {
	return fmt.Appendf(nil, "%s\x00%s\x00%d", namespace, id, version)
}

func jobKeyOf(a *structs.Allocation) []byte { return jobKey(a.Namespace, a.JobID, a.JobVersion) }

// usesOf is what the keys of all uses of a job version begin with.
func usesOf(job []byte) []byte { return append(bytes.Clone(job), 0) }

func useKey(job []byte, id structs.ID) []byte { return append(usesOf(job), id[:]...) }

// PutAlloc stores an allocation and its job version.
func (s *Store) PutAlloc(a *structs.Allocation) error {
	alloc, err := a.MarshalMsg(nil)
	if err != nil {
		return fmt.Errorf("store allocation %s: %w", a.ID, err)
	}
	puts := []put{{bucketAllocs, a.ID[:], alloc}, {bucketUses, useKey(jobKeyOf(a), a.ID), []byte{}}}
	if a.Job != nil {
		job, err := a.Job.MarshalMsg(nil)
		if err != nil {
			return fmt.Errorf("store job of allocation %s: %w", a.ID, err)
		}
		puts = append(puts, put{bucketJobs, jobKeyOf(a), job})
	}
	if s.has(puts) {
		return nil
	}
	err = s.commit(func(tx *bbolt.Tx) error {
		if err := leaveJob(tx, a.ID, jobKeyOf(a)); err != nil {
			return err
		}
		return putAll(tx, puts)
	})
	if err != nil {
		return fmt.Errorf("store allocation %s: %w", a.ID, err)
	}
	return nil
}

// PutTask stores the record of a task as JSON.
func (s *Store) PutTask(allocID structs.ID, task string, record any) error {
	b, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("store task %q of allocation %s: %w", task, allocID, err)
	}
	puts := []put{{bucketTasks, append(bytes.Clone(allocID[:]), task...), b}}
	if s.has(puts) {
		return nil
	}
	if err := s.commit(func(tx *bbolt.Tx) error { return putAll(tx, puts) }); err != nil {
		return fmt.Errorf("store task %q of allocation %s: %w", task, allocID, err)
	}
	return nil
}

// DeleteAlloc forgets an allocation, its tasks, and its job version if it was the last of it.
func (s *Store) DeleteAlloc(id structs.ID) error {
	err := s.commit(func(tx *bbolt.Tx) error {
		if err := leaveJob(tx, id, nil); err != nil {
			return err
		}
		tasks := tx.Bucket(bucketTasks)
		var keys [][]byte
		c := tasks.Cursor()
		for k, _ := c.Seek(id[:]); bytes.HasPrefix(k, id[:]); k, _ = c.Next() {
			keys = append(keys, bytes.Clone(k))
		}
		for _, k := range keys {
			if err := tasks.Delete(k); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketAllocs).Delete(id[:])
	})
	if err != nil {
		return fmt.Errorf("forget allocation %s: %w", id, err)
	}
	return nil
}

// leaveJob ends the stored allocation's use of its job version, unless it is the one to come, and forgets a version nobody uses.
func leaveJob(tx *bbolt.Tx, id structs.ID, next []byte) error {
	value := tx.Bucket(bucketAllocs).Get(id[:])
	if value == nil {
		return nil
	}
	var old structs.Allocation
	if _, err := old.UnmarshalMsg(value); err != nil {
		return fmt.Errorf("read allocation %s: %w", id, err)
	}
	job := jobKeyOf(&old)
	if bytes.Equal(job, next) {
		return nil
	}
	uses := tx.Bucket(bucketUses)
	if err := uses.Delete(useKey(job, id)); err != nil {
		return err
	}
	if k, _ := uses.Cursor().Seek(usesOf(job)); bytes.HasPrefix(k, usesOf(job)) {
		return nil
	}
	return tx.Bucket(bucketJobs).Delete(job)
}
