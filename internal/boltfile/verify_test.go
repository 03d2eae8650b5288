package boltfile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

func TestVerifyAcceptsWhatIsWholeEmptyOrMissing(t *testing.T) {
	dir := t.TempDir()
	whole, empty := filepath.Join(dir, "whole.db"), filepath.Join(dir, "empty.db")
	fill(t, whole, 1000, 700)
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{whole, empty, filepath.Join(dir, "missing.db")} {
		if err := Verify(path); err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
	}
}

func TestVerifyNamesDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	fill(t, path, 200, 200)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(b []byte) []byte{
		"cut in the middle": func(b []byte) []byte { return b[:len(b)/2] },
		"one page":          func(b []byte) []byte { return b[:4096] },
		"one byte":          func(b []byte) []byte { return b[:1] },
		"text":              func([]byte) []byte { return bytes.Repeat([]byte("not a database\n"), 2000) },
		"both heads lost":   func(b []byte) []byte { clear(b[:8192]); return b },
		"zeros":             func(b []byte) []byte { clear(b); return b },
	} {
		if err := os.WriteFile(path, damage(bytes.Clone(whole)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Verify(path); !IsDamage(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Whatever happened to a file: Verify finds it, or the file can be opened and read to its end.
func TestWhatPassesCanBeOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	fill(t, path, 300, 250)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Clone(whole)
		switch rapid.IntRange(0, 2).Draw(t, "damage") {
		case 0:
			b = b[:rapid.IntRange(0, len(b)).Draw(t, "length")]
		case 1:
			page := rapid.IntRange(0, len(b)/4096-1).Draw(t, "page")
			clear(b[page*4096 : (page+1)*4096])
		case 2:
			for range rapid.IntRange(1, 20).Draw(t, "bytes") {
				b[rapid.IntRange(0, min(len(b), 16*4096)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
			}
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Verify(path); err != nil {
			return
		}
		err := GuardOpen(func(open OpenFile) error { // what falls over it must not keep it locked from the next
			db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true, OpenFile: open})
			if err != nil {
				return err
			}
			return errors.Join(db.Update(func(tx *bbolt.Tx) error {
				b, err := tx.CreateBucketIfNotExists([]byte("rows"))
				if err != nil {
					return err
				}
				return b.ForEach(func(_, _ []byte) error { return nil })
			}), db.Close())
		})
		if err != nil && !IsDamage(err) && !errors.Is(err, os.ErrInvalid) {
			t.Logf("refused at opening: %v", err)
		}
	})
}
