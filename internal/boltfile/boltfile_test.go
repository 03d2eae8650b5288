package boltfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// fill writes n rows of 4 KiB and removes all but the first keep.
func fill(t *testing.T, path string, n, keep int) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("rows"))
		if err != nil {
			return err
		}
		for i := range n {
			if err := b.Put(fmt.Appendf(nil, "%06d", i), make([]byte, 4096)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for i := keep; i < n; i++ {
			if err := tx.Bucket([]byte("rows")).Delete(fmt.Appendf(nil, "%06d", i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func rows(t *testing.T, path string) (n int) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_ = db.View(func(tx *bbolt.Tx) error {
		n = tx.Bucket([]byte("rows")).Stats().KeyN
		return nil
	})
	return n
}

func TestCompactShrinksAMostlyFreeFileAndKeepsItsRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	fill(t, path, 4000, 10)
	res, err := Compact(path)
	if err != nil || res.BytesAfter == 0 || res.BytesAfter*4 > res.BytesBefore {
		t.Fatalf("got %+v, %v", res, err)
	}
	if n := rows(t, path); n != 10 {
		t.Fatalf("%d rows are left, want 10", n)
	}
	if _, err := os.Stat(path + ".compact"); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the temporary file stayed: %v", err)
	}
}

func TestCompactLeavesAFullASmallAndAMissingFile(t *testing.T) {
	full := filepath.Join(t.TempDir(), "full.db")
	fill(t, full, 4000, 4000)
	small := filepath.Join(t.TempDir(), "small.db")
	fill(t, small, 100, 1)
	for _, path := range []string{full, small, filepath.Join(t.TempDir(), "none.db")} {
		if res, err := Compact(path); err != nil || res != (Result{}) {
			t.Errorf("%s: %+v, %v", filepath.Base(path), res, err)
		}
	}
}

func TestCompactSaysThatTheFileIsInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	fill(t, path, 4000, 10)
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := Compact(path); !errors.Is(err, ErrLocked) {
		t.Fatalf("got %v, want ErrLocked", err)
	}
}
