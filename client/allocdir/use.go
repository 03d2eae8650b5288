package allocdir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Use is the disk an allocation takes.
type Use struct {
	Bytes   int64 // on disk, holes not counted
	Entries int   // that were looked at
	// Complete is false when there were more entries than could be looked at: Bytes is then a lower bound.
	Complete bool
}

// maxWalk bounds how many entries one look at the disk's use visits.
const maxWalk = 200_000

// errEnough ends a walk.
var errEnough = errors.New("enough was seen")

// DiskUse adds up what the allocation takes on its disk. Links are not followed, other file systems (secrets, volumes) are not
// counted, and a file with several names counts once. It looks at no more than a bounded number of entries.
func (d *Dir) DiskUse(ctx context.Context) (Use, error) { return d.diskUse(ctx, maxWalk) }

func (d *Dir) diskUse(ctx context.Context, limit int) (Use, error) {
	root, err := os.OpenRoot(d.root)
	if errors.Is(err, fs.ErrNotExist) {
		return Use{Complete: true}, nil
	}
	if err != nil {
		return Use{}, fmt.Errorf("disk use: %w", err)
	}
	defer root.Close()
	var use Use
	var device uint64
	seen := map[uint64]bool{} // inodes with more than one name
	err = fs.WalkDir(root.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if use.Entries >= limit {
			return errEnough
		}
		use.Entries++
		if err != nil {
			return skipGone(e, err)
		}
		info, err := e.Info()
		if err != nil {
			return skipGone(e, err)
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return nil
		}
		if p == "." {
			device = st.Dev
		}
		if st.Dev != device {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if st.Nlink > 1 && !e.IsDir() {
			if seen[st.Ino] {
				return nil
			}
			seen[st.Ino] = true
		}
		use.Bytes += st.Blocks * 512
		return nil
	})
	use.Complete = !errors.Is(err, errEnough)
	if err != nil && use.Complete {
		return Use{}, fmt.Errorf("disk use: %w", err)
	}
	return use, nil
}

// skipGone goes on after an entry that a task removed meanwhile.
func skipGone(e fs.DirEntry, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if e != nil && e.IsDir() {
		return fs.SkipDir
	}
	return nil
}
