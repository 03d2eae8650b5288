package localstate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"berth/internal/boltfile"
	"berth/structs"
)

// format is the version of what the file holds.
const format = "1"

// fileName is the file within its directory.
const fileName = "state.db"

// Buckets and keys. Constant.
var (
	bucketMeta   = []byte("meta")   // format, id, secret
	bucketAllocs = []byte("allocs") // id: allocation, msgpack
	bucketJobs   = []byte("jobs")   // namespace 0 id 0 version: job, msgpack
	bucketTasks  = []byte("tasks")  // allocation id, task name: JSON
	keyFormat    = []byte("format")
	keyID        = []byte("node id")
	keySecret    = []byte("node secret")
)

// Options change how a store works.
type Options struct {
	// NoSync leaves writing to the kernel: what is stored survives the agent, not a power loss. For -dev.
	NoSync bool
}

// Store is an open file.
type Store struct {
	db   *bbolt.DB
	path string
}

// Open opens the file in a directory, and makes both if need be. The error says when another agent holds it.
func Open(dir string, o Options) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the client's state directory: %w", err)
	}
	path := filepath.Join(dir, fileName)
	used := func() error {
		return &structs.Error{Kind: structs.KindConflict, Err: fmt.Errorf("client state %s is used by another agent", path),
			Hint: "stop that agent, or give this one its own data_dir"}
	}
	if _, err := boltfile.Compact(path); errors.Is(err, boltfile.ErrLocked) {
		return nil, used()
	} else if err != nil {
		return nil, damaged(path, err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: boltfile.LockTimeout, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, NoSync: o.NoSync,
	})
	switch {
	case errors.Is(err, bberrors.ErrTimeout):
		return nil, used()
	case errors.Is(err, bberrors.ErrInvalid), errors.Is(err, bberrors.ErrChecksum), errors.Is(err, bberrors.ErrVersionMismatch):
		return nil, damaged(path, err)
	case err != nil:
		return nil, fmt.Errorf("open client state %s: %w", path, err)
	}
	s := &Store{db: db, path: path}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func damaged(path string, err error) error {
	return &structs.Error{Kind: structs.KindInternal, Subject: "client state " + path, Err: fmt.Errorf("is damaged: %w", err),
		Hint: "move the file away and start again: the node then gets a new identity, and its tasks are placed anew"}
}

func (s *Store) prepare() error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		for _, b := range [][]byte{bucketMeta, bucketAllocs, bucketJobs, bucketTasks} {
			if _, err := tx.CreateBucketIfNotExists(b); err != nil {
				return damaged(s.path, err)
			}
		}
		meta := tx.Bucket(bucketMeta)
		switch have := meta.Get(keyFormat); {
		case have == nil:
			return meta.Put(keyFormat, []byte(format))
		case string(have) != format:
			return &structs.Error{Kind: structs.KindConflict, Subject: "client state " + s.path,
				Err: fmt.Errorf("has format %q, and this program knows %q", have, format), Hint: "start the newer program again"}
		}
		return nil
	})
}

// Close gives the file back.
func (s *Store) Close() error { return s.db.Close() }

// Identity gives the node's id and secret; newID makes them at the first call of the file's life.
func (s *Store) Identity(newID func() structs.ID) (id, secret structs.ID, err error) {
	err = s.db.Update(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		for _, k := range []struct {
			key []byte
			id  *structs.ID
		}{{keyID, &id}, {keySecret, &secret}} {
			switch have := meta.Get(k.key); {
			case have == nil:
				*k.id = newID()
				if err := meta.Put(k.key, k.id[:]); err != nil {
					return err
				}
			case len(have) != len(*k.id):
				return damaged(s.path, fmt.Errorf("%s has %d bytes", k.key, len(have)))
			default:
				copy(k.id[:], have)
			}
		}
		return nil
	})
	return id, secret, err
}

func jobKey(namespace, id string, version uint64) []byte {
	return fmt.Appendf(nil, "%s\x00%s\x00%d", namespace, id, version)
}

func jobKeyOf(a *structs.Allocation) []byte { return jobKey(a.Namespace, a.JobID, a.JobVersion) }

// PutAlloc stores an allocation and its job version.
func (s *Store) PutAlloc(a *structs.Allocation) error {
	alloc, err := a.MarshalMsg(nil)
	if err != nil {
		return fmt.Errorf("store allocation %s: %w", a.ID, err)
	}
	var job []byte
	if a.Job != nil {
		if job, err = a.Job.MarshalMsg(nil); err != nil {
			return fmt.Errorf("store job of allocation %s: %w", a.ID, err)
		}
	}
	puts := []put{{bucketAllocs, a.ID[:], alloc}}
	if job != nil {
		puts = append(puts, put{bucketJobs, jobKeyOf(a), job})
	}
	if err := s.put(puts); err != nil {
		return fmt.Errorf("store allocation %s: %w", a.ID, err)
	}
	return nil
}

// PutTask stores the record of a task as JSON.
func (s *Store) PutTask(allocID structs.ID, task string, record any) error {
	b, err := json.Marshal(record)
	if err == nil {
		err = s.put([]put{{bucketTasks, append(bytes.Clone(allocID[:]), task...), b}})
	}
	if err != nil {
		return fmt.Errorf("store task %q of allocation %s: %w", task, allocID, err)
	}
	return nil
}

type put struct{ bucket, key, value []byte }

// put writes what differs, in one transaction; nothing at all when nothing does.
func (s *Store) put(puts []put) error {
	differs := false
	err := s.db.View(func(tx *bbolt.Tx) error {
		for _, p := range puts {
			differs = differs || !bytes.Equal(tx.Bucket(p.bucket).Get(p.key), p.value)
		}
		return nil
	})
	if err != nil || !differs {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		for _, p := range puts {
			if err := tx.Bucket(p.bucket).Put(p.key, p.value); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteAlloc forgets an allocation, its tasks, and its job version if it was the last of it.
func (s *Store) DeleteAlloc(id structs.ID) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		allocs, tasks := tx.Bucket(bucketAllocs), tx.Bucket(bucketTasks)
		var gone structs.Allocation
		value := allocs.Get(id[:])
		if value == nil {
			return nil
		}
		_, broken := gone.UnmarshalMsg(value)
		if err := allocs.Delete(id[:]); err != nil {
			return err
		}
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
		if broken != nil || s.jobUsed(allocs, jobKeyOf(&gone)) {
			return nil
		}
		return tx.Bucket(bucketJobs).Delete(jobKeyOf(&gone))
	})
	if err != nil {
		return fmt.Errorf("forget allocation %s: %w", id, err)
	}
	return nil
}

// jobUsed reports that an allocation of the job version is left. What cannot be read counts as one.
func (s *Store) jobUsed(allocs *bbolt.Bucket, job []byte) bool {
	c := allocs.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		var a structs.Allocation
		if _, err := a.UnmarshalMsg(v); err != nil || bytes.Equal(jobKeyOf(&a), job) {
			return true
		}
	}
	return false
}

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
