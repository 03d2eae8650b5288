package localstate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"berth/internal/boltfile"
)

// errPanic is a file whose pages make no sense: the library falls over them instead of telling.
var errPanic = errors.New("its pages make no sense")

// guard turns a panic over a damaged file into an error. A file that is cut off faults when it is read.
func guard(f func() error) (err error) {
	faults := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(faults)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	return f()
}

// isDamage reports that a file cannot be used as it is, whoever tries.
func isDamage(err error) bool {
	return errors.Is(err, errPanic) || errors.Is(err, bberrors.ErrInvalid) || errors.Is(err, bberrors.ErrChecksum) ||
		errors.Is(err, bberrors.ErrVersionMismatch)
}

// verify reads everything a file holds, for the library does part of its own reading where no panic can be caught. It belongs
// into guard.
func verify(path string) error {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && st.Size() == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: boltfile.LockTimeout})
	if err != nil {
		return err
	}
	err = guard(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			if tx.Size() > st.Size() {
				return fmt.Errorf("%w: it has %d bytes of %d", errPanic, st.Size(), tx.Size())
			}
			return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error { return readBucket(b) })
		})
	})
	return errors.Join(err, db.Close())
}

// readBucket touches every byte.
func readBucket(b *bbolt.Bucket) error {
	sum := byte(0)
	return b.ForEach(func(k, v []byte) error {
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
