package powerloss

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// writerEnv makes the test's program write a database: where, and from which number on.
const writerEnv = "POWERLOSS_WRITER"

func TestMain(m *testing.M) {
	if at := os.Getenv(writerEnv); at != "" {
		if err := writeOn(at); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeOn says the number of the last key that is there, then writes one after the other and says each that was committed.
func writeOn(path string) error {
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path)) // the library leaves the name to its user
	if err != nil {
		return err
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return err
	}
	key := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	value := func(n uint64) string { return strings.Repeat(strconv.FormatUint(n, 10)+" ", 50+int(n%7)*200) }
	var last uint64
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("b"))
		if err != nil {
			return err
		}
		for err := range tx.Check() {
			return err
		}
		return b.ForEach(func(k, v []byte) error {
			last = binary.BigEndian.Uint64(k)
			if string(v) != value(last) {
				return fmt.Errorf("%d is %.40q", last, v)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for n := last; ; n++ {
		if n > last {
			if err := db.Update(func(tx *bbolt.Tx) error {
				if n > 40 { // pages are used again
					if err := tx.Bucket([]byte("b")).Delete(key(n - 40)); err != nil {
						return err
					}
				}
				return tx.Bucket([]byte("b")).Put(key(n), []byte(value(n)))
			}); err != nil {
				return err
			}
		}
		fmt.Println(n)
	}
}

// A database keeps what it committed over losses of power at any moment, with what it asks of a file system: maps, writes in place, syncs,
// growth, a lock. Its pages are mapped by a process of its own.
func TestADatabaseKeepsWhatItCommitted(t *testing.T) {
	d, dir := ForTest(t)
	acked := uint64(0)
	for seed := range uint64(12) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), writerEnv+"="+filepath.Join(dir, "db"))
		var complaints strings.Builder
		cmd.Stderr = &complaints
		first, before := true, acked
		err := d.Life(cmd, int64(10+rand.New(rand.NewPCG(seed, 1)).IntN(300)), seed, func(line string) {
			n, err := strconv.ParseUint(line, 10, 64)
			if err != nil || first && (n < before || n > before+1) {
				t.Errorf("seed %d: it has %q, and %d was committed", seed, line, before)
			}
			first, acked = false, n
		})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, complaints.String())
		}
	}
	if acked < 50 {
		t.Errorf("only %d were committed", acked)
	}
}

// What programs ask of a file system is answered as Linux does.
func TestItIsAFileSystem(t *testing.T) {
	d, dir := ForTest(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	is := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	check(os.MkdirAll(at("a/b/c"), 0o700))
	check(os.WriteFile(at("a/f"), []byte("text"), 0o640))
	is(os.Remove(at("a/b")), unix.ENOTEMPTY)
	is(os.Rename(at("a/f"), at("a/b/c/g")), nil)
	is(os.Link(at("a/b/c/g"), at("a/h")), nil)
	is(os.Link(at("a/b/c/g"), at("a/h")), unix.EEXIST)
	is(os.Rename(at("a/b/c"), at("a/k")), nil)
	if st, err := os.Stat(at("a/k/g")); err != nil || st.Size() != 4 || st.Mode() != 0o640 {
		t.Errorf("%v, %v", st, err)
	}
	check(os.Chmod(at("a/h"), 0o600))
	if list, err := os.ReadDir(at("a")); err != nil || fmt.Sprint(list) != "[d b/ - h d k/]" {
		t.Errorf("%v, %v", list, err)
	}
	check(os.RemoveAll(at("a/k")))

	f, err := os.OpenFile(at("a/h"), os.O_RDWR|os.O_APPEND, 0)
	check(err)
	_, err = f.WriteString(" more")
	check(err)
	other, err := os.Open(at("a/h"))
	check(err)
	check(unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB))
	is(unix.Flock(int(other.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK)
	check(os.Remove(at("a/h")))
	if text, err := io.ReadAll(other); err != nil || string(text) != "text more" {
		t.Errorf("a file without a name is %q, %v", text, err)
	}
	check(unix.Fallocate(int(f.Fd()), 0, 0, 5000))
	if st, err := f.Stat(); err != nil || st.Size() != 5000 {
		t.Errorf("%v, %v", st, err)
	}
	check(errors.Join(f.Close(), other.Close()))

	// What is synced with its name is there after a restart, what is not may be gone.
	check(os.WriteFile(at("kept"), []byte("kept"), 0o600))
	for _, name := range []string{"kept", "."} {
		f, err := os.Open(at(name))
		check(err)
		check(errors.Join(f.Sync(), f.Close()))
	}
	check(os.WriteFile(at("kept2"), []byte("kept2"), 0o600))
	gone := false
	for seed := range uint64(20) {
		check(d.Restart(seed))
		if text, err := os.ReadFile(at("kept")); err != nil || string(text) != "kept" {
			t.Fatalf("%q, %v", text, err)
		}
		if _, err := os.Stat(at("kept2")); err != nil {
			gone = true
		}
		check(os.WriteFile(at("kept2"), []byte("kept2"), 0o600))
	}
	if !gone {
		t.Error("a name that was not synced was never lost")
	}
}
