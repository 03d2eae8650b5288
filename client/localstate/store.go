package localstate

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"go.etcd.io/bbolt"

	"berth/internal/boltfile"
	"berth/internal/durable"
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
	bucketUses   = []byte("uses")   // key of a job 0 allocation id: nothing
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

	mu      sync.Mutex // guards waiting
	waiting []*write
	writing sync.Mutex // held by who writes waiting
}

// Open opens the file in a directory, and makes both if need be. The error says when another agent holds it, and of a damaged
// file its name and the way out.
func Open(dir string, o Options) (*Store, error) {
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the client's state directory: %w", err)
	}
	path := filepath.Join(dir, fileName)
	var s *Store
	err := boltfile.GuardOpen(func(open boltfile.OpenFile) error {
		if err := boltfile.Make(path); err != nil {
			return err
		}
		if err := boltfile.Verify(path); err != nil {
			return err
		}
		if _, err := boltfile.Compact(path); err != nil {
			return err
		}
		// The list of free pages is kept in the file: without it the library searches for them at every opening, in a
		// goroutine of its own, and there a damaged file would end the whole program.
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout: boltfile.LockTimeout, FreelistType: bbolt.FreelistMapType, NoSync: o.NoSync, OpenFile: open,
		})
		if err != nil {
			return err
		}
		s = &Store{db: db, path: path}
		return s.prepare()
	})
	if err != nil && s != nil && !errors.Is(err, boltfile.ErrDamaged) { // then its file is closed
		err = errors.Join(err, s.db.Close())
	}
	var told *structs.Error
	switch {
	case err == nil:
		return s, nil
	case errors.As(err, &told):
		return nil, err
	case boltfile.IsLocked(err):
		return nil, &structs.Error{Kind: structs.KindConflict, Err: fmt.Errorf("client state %s is used by another agent", path),
			Hint: "stop that agent, or give this one its own data_dir"}
	case boltfile.IsDamage(err):
		return nil, damaged(path, err)
	default:
		return nil, fmt.Errorf("open client state %s: %w", path, err)
	}
}

func damaged(path string, err error) error {
	return &structs.Error{Kind: structs.KindInternal, Subject: "client state " + path, Err: fmt.Errorf("is damaged: %w", err),
		Hint: "move the file away and start again: the node then gets a new identity, and its tasks are placed anew"}
}

func (s *Store) prepare() error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		indexed := tx.Bucket(bucketUses) != nil
		for _, b := range [][]byte{bucketMeta, bucketAllocs, bucketJobs, bucketTasks, bucketUses} {
			if _, err := tx.CreateBucketIfNotExists(b); err != nil {
				return damaged(s.path, err)
			}
		}
		if !indexed {
			if err := indexUses(tx); err != nil {
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

// indexUses notes which allocations use which job version.
func indexUses(tx *bbolt.Tx) error {
	return tx.Bucket(bucketAllocs).ForEach(func(_, v []byte) error {
		var a structs.Allocation
		if _, err := a.UnmarshalMsg(v); err != nil {
			return err
		}
		return tx.Bucket(bucketUses).Put(useKey(jobKeyOf(&a), a.ID), []byte{})
	})
}

// Close gives the file back.
func (s *Store) Close() error { return s.db.Close() }
