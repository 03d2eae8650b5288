package boltfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"berth/internal/durable"
)

// Floor is the size below which a file is not worth the work, in bytes.
const Floor = 8 << 20

// LockTimeout is how long Compact waits for another process to let go of the file.
const LockTimeout = 2 * time.Second

// ErrLocked: another process has the database open.
var ErrLocked = errors.New("another process has it open")

// Result tells what a compaction did; both are zero when it was not worth it.
type Result struct{ BytesBefore, BytesAfter int64 }

// Compact rewrites a database of which more than half is free: bolt files never shrink, and free pages make every write
// slower. A file that does not exist or is small is left alone. ErrLocked when another process holds it.
func Compact(path string) (Result, error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && st.Size() < Floor {
		return Result{}, nil
	}
	if err != nil {
		return Result{}, err
	}
	src, err := openFile(path, bbolt.Options{Timeout: LockTimeout, NoFreelistSync: true})
	if errors.Is(err, bberrors.ErrTimeout) {
		return Result{}, fmt.Errorf("open %s: %w", path, ErrLocked)
	}
	if err != nil {
		return Result{}, fmt.Errorf("open %s: %w", path, err)
	}
	defer src.Close()
	// A writing transaction, given up at once, is what makes bolt count its free pages.
	tx, err := src.Begin(true)
	if err != nil {
		return Result{}, fmt.Errorf("read %s: %w", path, err)
	}
	if err := tx.Rollback(); err != nil {
		return Result{}, fmt.Errorf("read %s: %w", path, err)
	}
	stats := src.Stats()
	free := int64(stats.FreePageN+stats.PendingPageN) * int64(src.Info().PageSize)
	if free*2 <= st.Size() {
		return Result{}, nil
	}
	after, err := rewrite(src, path)
	if err != nil {
		return Result{}, fmt.Errorf("compact %s: %w", path, err)
	}
	return Result{BytesBefore: st.Size(), BytesAfter: after}, nil
}

func rewrite(src *bbolt.DB, path string) (size int64, err error) {
	tmp := path + ".compact"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	dst, err := bbolt.Open(tmp, 0o600, &bbolt.Options{NoFreelistSync: true, NoSync: true})
	if err != nil {
		return 0, err
	}
	defer os.Remove(tmp) // gone already when the rename succeeded
	err = bbolt.Compact(dst, src, 1<<20)
	if err == nil {
		err = dst.Sync()
	}
	if cerr := dst.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return 0, err
	}
	st, err := os.Stat(tmp)
	if err != nil {
		return 0, err
	}
	if err := os.Rename(tmp, path); err != nil {
		return 0, err
	}
	return st.Size(), durable.SyncDir(filepath.Dir(path))
}
