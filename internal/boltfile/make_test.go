package boltfile

import (
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

// The power is cut at every step of a database's making. It is not there, or whole; and once it is made it stays.
func TestANewFileIsWholeOrMissing(t *testing.T) {
	dir := t.TempDir()
	d, err := powerloss.Mount(dir)
	if errors.Is(err, powerloss.ErrNoFUSE) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
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
