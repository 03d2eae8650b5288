package server

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"berth/internal/idgen"
)

// used makes a data directory a server has worked in.
func used(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, stop := start(t, dir)
	for range 20 {
		e := register(t, s, job(1))
		until(t, s, "evaluation is done", func() bool { return s.State().Snapshot().Eval(e.ID).Terminal() })
	}
	stop()
	return dir
}

// runOnce starts a server on a directory and gives why it did not start; it is ended at once when it did.
func runOnce(dir string) error {
	s, err := New(Config{Name: "s1", DataDir: dir, Logger: hclog.NewNullLogger(), IDs: idgen.Random()})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	select {
	case <-s.Ready():
		cancel()
		return <-done
	case err := <-done:
		cancel()
		return err
	}
}

func TestADamagedOrLostLogIsToldAndNeverReplaced(t *testing.T) {
	whole := used(t)
	for name, c := range map[string]struct {
		damage func(t *testing.T, path string)
		want   string
	}{
		"empty file":   {func(t *testing.T, p string) { truncate(t, p, 0) }, "is empty, and this server was part of a cluster"},
		"missing file": {func(t *testing.T, p string) { remove(t, p) }, "is missing, and this server was part of a cluster"},
		"no directory": {func(t *testing.T, p string) { remove(t, filepath.Dir(p)) }, "is missing, and this server was part of a cluster"},
		"one byte":     {func(t *testing.T, p string) { truncate(t, p, 1) }, "is damaged"},
		"one page":     {func(t *testing.T, p string) { truncate(t, p, 4096) }, "is damaged"},
		"half":         {func(t *testing.T, p string) { truncate(t, p, size(t, p)/2) }, "is damaged"},
		"zeros":        {func(t *testing.T, p string) { overwrite(t, p, make([]byte, size(t, p))) }, "is damaged"},
		"text":         {func(t *testing.T, p string) { overwrite(t, p, bytes.Repeat([]byte("hello "), 9000)) }, "is damaged"},
		"an entry is gone": {func(t *testing.T, p string) {
			edit(t, p, func(b *bbolt.Bucket) error { return b.Delete([]byte{0, 0, 0, 0, 0, 0, 0, 9}) })
		}, "is damaged"},
		"a bit of an entry turned": {func(t *testing.T, p string) {
			edit(t, p, func(b *bbolt.Bucket) error {
				c := b.Cursor()
				for key, v := c.Seek([]byte{0, 0, 0, 0, 0, 0, 0, 9}); key != nil; key, v = c.Next() {
					if at := bytes.Index(v, []byte("web")); at >= 0 { // among them may be what the leader writes by itself
						v = bytes.Clone(v)
						v[at] ^= 1
						return b.Put(bytes.Clone(key), v)
					}
				}
				return errors.New("no entry from the ninth on has a job in it")
			})
		}, "is damaged"},
		"all entries are gone": {func(t *testing.T, p string) {
			db, err := bbolt.Open(p, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := db.Update(func(tx *bbolt.Tx) error {
				return errors.Join(tx.DeleteBucket([]byte("logs")), tx.DeleteBucket([]byte("conf")))
			}); err != nil {
				t.Fatal(err)
			}
		}, "has no entries, and this server was part of a cluster"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "raft", "raft.db")
			c.damage(t, path)
			err := runOnce(dir)
			if err == nil {
				t.Fatal("it started")
			}
			text := err.Error()
			for _, want := range []string{path, c.want, "restore " + dir + " from a backup", "berth operator rejoin"} {
				if !strings.Contains(text, want) {
					t.Errorf("%q does not say %q", text, want)
				}
			}
			if strings.Contains(text, "\n") {
				t.Errorf("more than a line: %q", text)
			}
		})
	}
}

// Whatever happened to the file: the server starts with what it had, or says why not. Nothing falls over.
func TestNoDamageOfTheLogEndsTheProgram(t *testing.T) {
	dir := used(t)
	path := filepath.Join(dir, "raft", "raft.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Clone(whole)
		if rapid.Bool().Draw(t, "cut") {
			b = b[:rapid.IntRange(0, len(b)).Draw(t, "length")]
		} else {
			for range rapid.IntRange(1, 12).Draw(t, "bytes") {
				b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= rapid.ByteRange(1, 255).Draw(t, "mask")
			}
		}
		// A file of its own: what still looks at the last one must not see it change.
		if err := errors.Join(os.Remove(path), os.WriteFile(path, b, 0o600)); err != nil {
			t.Fatal(err)
		}
		if st, err := openStores(Config{DataDir: dir, Logger: hclog.NewNullLogger()}); err == nil {
			last, err := st.log.LastIndex()
			for i := uint64(1); err == nil && i <= last; i++ {
				var l raft.Log
				err = st.log.GetLog(i, &l)
			}
			if err := st.close(); err != nil {
				t.Fatal(err)
			}
		} else if !strings.Contains(err.Error(), path) {
			t.Fatalf("the error names no file: %v", err)
		}
		if !unlocked(t, path) {
			t.Fatal("the file is still locked")
		}
	})
}

// unlocked reports that nobody holds a file.
func unlocked(t *rapid.T, path string) bool {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

func TestANewDirectoryStarts(t *testing.T) {
	dir := t.TempDir()
	// A start that was killed before the log had a page.
	if err := os.MkdirAll(filepath.Join(dir, "raft"), 0o700); err != nil {
		t.Fatal(err)
	}
	overwrite(t, filepath.Join(dir, "raft", "raft.db"), nil)
	if err := runOnce(dir); err != nil {
		t.Fatal(err)
	}
	if err := runOnce(dir); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, path string, n int64) {
	t.Helper()
	if err := os.Truncate(path, n); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st.Size()
}

func edit(t *testing.T, path string, f func(*bbolt.Bucket) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(func(tx *bbolt.Tx) error { return f(tx.Bucket([]byte("logs"))) }); err != nil {
		t.Fatal(err)
	}
}
