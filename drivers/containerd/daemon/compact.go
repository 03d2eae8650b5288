package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.etcd.io/bbolt"
)

// compactFloor is the size below which a database is not worth the work, in bytes.
const compactFloor = 8 << 20

// compact rewrites a bolt database of which more than half is free, because bolt files never shrink and their free pages
// make every write slower. The old file stays until the new one is complete and on disk.
func compact(path string, log hclog.Logger) error {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && st.Size() < compactFloor {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at containerd's database: %w", err)
	}
	src, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 3 * time.Second, NoFreelistSync: true})
	if err != nil {
		return fmt.Errorf("open containerd's database %s: %w (is another agent using this data directory?)", path, err)
	}
	defer src.Close()
	// A writing transaction, given up at once, is what makes bolt count its free pages.
	tx, err := src.Begin(true)
	if err != nil {
		return fmt.Errorf("read containerd's database %s: %w", path, err)
	}
	if err := tx.Rollback(); err != nil {
		return fmt.Errorf("read containerd's database %s: %w", path, err)
	}
	free := int64(src.Stats().FreePageN+src.Stats().PendingPageN) * int64(src.Info().PageSize)
	if free*2 <= st.Size() {
		return nil
	}
	tmp := path + ".compact"
	_ = os.Remove(tmp)
	dst, err := bbolt.Open(tmp, 0o600, &bbolt.Options{NoFreelistSync: true, NoSync: true})
	if err != nil {
		return fmt.Errorf("make %s: %w", tmp, err)
	}
	defer os.Remove(tmp)
	err = bbolt.Compact(dst, src, 1<<20)
	if err == nil {
		err = dst.Sync()
	}
	if cerr := dst.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("compact containerd's database %s: %w", path, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("compact containerd's database: %w", err)
	}
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		_ = dir.Sync()
		dir.Close()
	}
	log.Info("containerd's database was compacted", "bytes", st.Size(), "free", free)
	return nil
}
