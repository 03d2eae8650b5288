package boltfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"berth/internal/powerloss"
)

// makerEnv makes the test's program make a database and open it.
const makerEnv = "BOLTFILE_MAKER"

func TestMain(m *testing.M) {
	if path := os.Getenv(makerEnv); path != "" {
		fmt.Fprintln(os.Stderr, makeAndStay(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func makeAndStay(path string) error {
	if err := Make(path); err != nil {
		return err
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	fmt.Println("made")
	for {
		if err := db.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucketIfNotExists([]byte("b"))
			return err
		}); err != nil {
			return err
		}
	}
}

// Who ended while it made the file leaves no second name of it: it would keep what the file once was when a smaller one takes its place.
func TestNothingIsLeftBesideTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f.db")
	if err := Make(path); err != nil {
		t.Fatal(err)
	}
	was, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, path+".new"); err != nil {
		t.Fatal(err)
	}
	if err := Make(path); err != nil {
		t.Fatal(err)
	}
	is, err := os.ReadFile(path)
	list, lerr := os.ReadDir(dir)
	if err != nil || lerr != nil || !bytes.Equal(is, was) || len(list) != 1 {
		t.Errorf("%v, %v, %v", list, err, lerr)
	}
}

// The power is cut at every step of a database's making. It is not there, or whole; and once it is made it stays.
func TestANewFileIsWholeOrMissing(t *testing.T) {
	d, dir := powerloss.ForTest(t)
	for round := range int64(24) {
		step, path := 1+round%12, filepath.Join(dir, fmt.Sprint(round))
		made := false
		for _, cut := range []int64{step, 40} {
			var complaints strings.Builder
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), makerEnv+"="+path)
			cmd.Stderr = &complaints
			if _, err := os.Stat(path); made && err != nil {
				t.Fatalf("step %d: it was made, and is gone: %v", step, err)
			}
			if err := d.Life(cmd, cut, uint64(round), func(string) { made = true }); err != nil {
				t.Fatalf("step %d: %v\n%s", step, err, complaints.String())
			}
		}
		if !made {
			t.Fatalf("step %d: it was not made in the end", step)
		}
	}
}

// A file that is there stays over a loss of power although who made it ended before its name was kept. What is in it is left alone.
func TestTheNameOfAFileThatIsThereIsKept(t *testing.T) {
	d, dir := powerloss.ForTest(t)
	for seed := range uint64(10) {
		path := filepath.Join(dir, fmt.Sprint(seed))
		if err := os.WriteFile(path, []byte("whose"), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			t.Fatal(err)
		}
		if err := Make(path); err != nil {
			t.Fatal(err)
		}
		if err := d.Restart(seed); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != "whose" {
			t.Fatalf("seed %d: %q, %v", seed, text, err)
		}
	}
}

func TestWhatAnEndedMakingLeftIsMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	if err := os.WriteFile(path+".new", []byte("half of a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(Make(path), Verify(path)); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(path + ".*"); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}
