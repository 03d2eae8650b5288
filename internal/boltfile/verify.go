package boltfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"syscall"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"
)

// ErrDamaged is a file whose pages make no sense: the library falls over them instead of telling.
var ErrDamaged = errors.New("its pages make no sense")

// Guard turns a panic over a damaged file into ErrDamaged. A file that is cut off faults when it is read. It protects the
// calling goroutine only.
func Guard(f func() error) (err error) {
	faults := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(faults)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	return f()
}

// OpenFile is how bolt opens its file (bbolt.Options).
type OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error)

// GuardOpen is Guard for what opens files: those that f opened with open are closed when it fell over them. The library leaves
// them open, and locked, until the garbage is collected.
func GuardOpen(f func(open OpenFile) error) error {
	var files []*os.File
	err := Guard(func() error {
		return f(func(name string, flag int, mode os.FileMode) (*os.File, error) {
			file, err := os.OpenFile(name, flag, mode)
			if err == nil {
				files = append(files, file)
			}
			return file, err
		})
	})
	if errors.Is(err, ErrDamaged) {
		for _, file := range files {
			if cerr := file.Close(); cerr != nil && !errors.Is(cerr, os.ErrClosed) {
				err = errors.Join(err, cerr)
			}
		}
	}
	return err
}

// openFile opens a bolt file, or says that it is damaged and holds nothing of it.
func openFile(path string, o bbolt.Options) (db *bbolt.DB, err error) {
	err = GuardOpen(func(open OpenFile) error {
		o.OpenFile = open
		db, err = bbolt.Open(path, 0o600, &o)
		return err
	})
	return db, err
}

// IsDamage reports that a file cannot be used as it is, whoever tries.
func IsDamage(err error) bool {
	return errors.Is(err, ErrDamaged) || errors.Is(err, bberrors.ErrInvalid) || errors.Is(err, bberrors.ErrChecksum) ||
		errors.Is(err, bberrors.ErrVersionMismatch)
}

// IsLocked reports that another process has the file open.
func IsLocked(err error) bool {
	return errors.Is(err, ErrLocked) || errors.Is(err, bberrors.ErrTimeout)
}

// Verify reads everything a file holds, for the library does part of its own reading where no panic can be caught. A file that
// is missing or empty has nothing to verify.
func Verify(path string) error {
	return Guard(func() error { return verify(path) })
}

func verify(path string) error {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && st.Size() == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	db, err := openFile(path, bbolt.Options{ReadOnly: true, Timeout: LockTimeout})
	if err != nil {
		var sys syscall.Errno
		if !IsLocked(err) && !IsDamage(err) && !errors.As(err, &sys) {
			err = fmt.Errorf("%w: %w", ErrDamaged, err) // what the library has no name for
		}
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	defer file.Close()
	err = Guard(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			if tx.Size() > st.Size() {
				return fmt.Errorf("%w: it has %d bytes of %d", ErrDamaged, st.Size(), tx.Size())
			}
			if err := walkPages(tx, file); err != nil {
				return err
			}
			return readBucket(tx.Cursor().Bucket())
		})
	})
	return errors.Join(err, db.Close())
}

// readBucket touches every byte, and sees that keys ascend: a page that hangs in two places of a tree breaks their order.
func readBucket(b *bbolt.Bucket) error {
	sum := byte(0)
	var last []byte
	above := b.Cursor()
	return b.ForEach(func(k, v []byte) error {
		if last != nil && bytes.Compare(last, k) >= 0 {
			return fmt.Errorf("%w: keys are out of order", ErrDamaged)
		}
		last = k
		if err := leadsTo(above, k); err != nil {
			return err
		}
		for _, part := range [][]byte{k, v} {
			for _, x := range part {
				sum ^= x
			}
		}
		if v == nil {
			if nested := b.Bucket(k); nested != nil {
				return readBucket(nested)
			}
		}
		return nil
	})
}
