package boltfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"berth/internal/durable"
)

// Make makes an empty database where there is no file, in one step, and its name durable. Why: the library writes its first pages into the file
// that it has just made; after a loss of power in between it would be there by half, and damaged.
func Make(path string) error {
	dir, tmp := filepath.Dir(path), path+".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) { // of one that ended meanwhile; it may be another name of the file
		return err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, durable.SyncDir(dir)) // who made it may have ended before its name was durable
	}
	db, err := bbolt.Open(tmp, 0o600, nil)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	if err := db.Close(); err != nil {
		return err
	}
	if err := os.Link(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) { // Why: unlike a rename it replaces nothing
		return err
	}
	return durable.SyncDir(dir)
}
