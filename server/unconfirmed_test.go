package server

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/go-hclog"
)

// A server that dies in the middle of a restore, wherever, comes back with the whole state it had; one that confirmed the restore, with the restored
// one.
func TestARestoreThatWasNotConfirmedIsTakenBack(t *testing.T) {
	for _, at := range []point{atCreate, atPersist, atKeep, atKept, atRestore, atRestored, atStored} {
		t.Run(string(at), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir, relic := t.TempDir(), filepath.Join(t.TempDir(), "relic")
				var restores atomic.Bool
				w := newTown()
				f := w.join(t, 1, 1, dir, func(c *Config) {
					c.reached = func(p point) {
						if p == at && marked(dir) && restores.CompareAndSwap(true, false) {
							if err := os.CopyFS(relic, os.DirFS(dir)); err != nil {
								t.Error(err)
							}
						}
					}
				})
				leader(t, f)
				write(t, f.Server, "kept")
				data := saved(t, f.Server)
				for n := range 20 {
					write(t, f.Server, fmt.Sprintf("later-%d", n))
				}
				restores.Store(true)
				if _, err := f.RestoreSnapshot(t.Context(), bytes.NewReader(data), false); err != nil {
					t.Fatal(err)
				}
				write(t, f.Server, "then")
				finish(f)
				if restores.Load() {
					t.Fatal("it did not come there")
				}
				for name, c := range map[string]struct {
					dir  string
					back bool
				}{"died": {relic, true}, "confirmed": {dir, false}} {
					for range 2 {
						f := newTown().join(t, 1, 1, c.dir, nil)
						leader(t, f)
						for n := range 20 {
							if has(f.Server, fmt.Sprintf("later-%d", n)) != c.back {
								t.Fatalf("%s: later-%d is there: %v", name, n, !c.back)
							}
						}
						if !has(f.Server, "kept") || has(f.Server, "then") == c.back {
							t.Errorf("%s: it has kept %v, then %v", name, has(f.Server, "kept"), has(f.Server, "then"))
						}
						write(t, f.Server, "again-"+name)
						finish(f)
					}
					if _, err := os.Stat(filepath.Join(c.dir, restoringName)); !os.IsNotExist(err) {
						t.Errorf("%s: the mark stays: %v", name, err)
					}
				}
			})
		})
	}
}

// marked reports that a restore has begun in a directory.
func marked(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, restoringName))
	return err == nil
}

// restoredIn runs a server that writes "kept" and ten later, restores what it had before those, and writes "then". It gives the directory as it
// was when the state was replaced and nobody had confirmed it.
func restoredIn(t *testing.T) (relic string) {
	t.Helper()
	dir, relic := filepath.Join(swift(t), "server"), filepath.Join(swift(t), "relic")
	f := newTown().join(t, 1, 1, dir, func(c *Config) {
		c.reached = func(p point) {
			if p == atRestored && marked(dir) {
				if err := copyTree(dir, relic); err != nil {
					t.Error(err)
				}
			}
		}
	})
	leader(t, f)
	write(t, f.Server, "kept")
	data := saved(t, f.Server)
	for n := range 10 {
		write(t, f.Server, fmt.Sprintf("later-%d", n))
	}
	if _, err := f.RestoreSnapshot(t.Context(), bytes.NewReader(data), false); err != nil {
		t.Fatal(err)
	}
	write(t, f.Server, "then")
	finish(f)
	return relic
}

// An older program does not know the mark. What it acknowledged after it had started from the restored state is not taken back with it.
func TestARestoreThatAnOlderProgramWentOnFromStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := restoredIn(t)
		text, err := os.ReadFile(filepath.Join(dir, restoringName))
		if err := errors.Join(err, os.Remove(filepath.Join(dir, restoringName))); err != nil {
			t.Fatal(err)
		}
		old := newTown().join(t, 1, 1, dir, nil)
		leader(t, old)
		write(t, old.Server, "acknowledged")
		finish(old)
		if err := os.WriteFile(filepath.Join(dir, restoringName), text, 0o600); err != nil {
			t.Fatal(err)
		}
		f := newTown().join(t, 1, 1, dir, nil)
		leader(t, f)
		if !has(f.Server, "acknowledged") || has(f.Server, "later-1") || marked(dir) {
			t.Errorf("acknowledged is there: %v, later: %v, the mark: %v", has(f.Server, "acknowledged"), has(f.Server, "later-1"), marked(dir))
		}
		finish(f)
	})
}

// What was before a restore may not be whole: then nothing of what is there is removed, and the way out that is told works.
func TestARestoreStaysWhenWhatWasBeforeIsNotWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := restoredIn(t)
		snapshots := filepath.Join(dir, raftDirName, "snapshots")
		list, err := snapshotsIn(dir)
		if err != nil || len(list) != 2 {
			t.Fatalf("%v snapshots: %v", list, err)
		}
		state := filepath.Join(snapshots, list[1].ID, "state.bin")
		if err := os.WriteFile(state, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
		st, err := openStores(Config{DataDir: dir, Logger: hclog.NewNullLogger()})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(st.log.DeleteRange(1, 5), st.close()); err != nil {
			t.Fatal(err)
		}
		if err := runOnce(dir); err == nil || !strings.Contains(err.Error(), "not whole") {
			t.Error(err)
		}
		if after, err := snapshotsIn(dir); err != nil || len(after) != 2 || after[0].Index != list[0].Index {
			t.Fatalf("%v is left: %v", after, err)
		}
		if err := os.Remove(filepath.Join(dir, restoringName)); err != nil {
			t.Fatal(err)
		}
		f := newTown().join(t, 1, 1, dir, nil)
		leader(t, f)
		if !has(f.Server, "kept") || has(f.Server, "later-1") {
			t.Error("the restored state is not there")
		}
		finish(f)
	})
}

// Raft may have kept a restored snapshot when it says that it could not. The server goes on with what it had, also when it is started again.
func TestARestoreThatFailedLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(swift(t), "server")
		f := newTown().join(t, 1, 1, dir, func(c *Config) {
			c.reached = func(p point) {
				if p != atKeep || !marked(dir) {
					return
				}
				half, err := filepath.Glob(filepath.Join(dir, raftDirName, "snapshots", "*.tmp"))
				if err != nil || len(half) != 1 {
					t.Errorf("%v: %v", half, err)
					return
				}
				if err := copyTree(half[0], strings.TrimSuffix(half[0], ".tmp")); err != nil { // it cannot have its name
					t.Error(err)
				}
			}
		})
		leader(t, f)
		write(t, f.Server, "kept")
		data := saved(t, f.Server)
		write(t, f.Server, "later")
		if _, err := f.RestoreSnapshot(t.Context(), bytes.NewReader(data), false); err == nil || !strings.Contains(err.Error(), "nothing was changed") {
			t.Fatal(err)
		}
		leader(t, f)
		write(t, f.Server, "then")
		finish(f)
		f = newTown().join(t, 1, 1, dir, nil)
		leader(t, f)
		if !has(f.Server, "kept") || !has(f.Server, "later") || !has(f.Server, "then") {
			t.Error("it does not have what it had")
		}
		finish(f)
	})
}

// TestADamagedMarkOfARestoreIsTold: what it says cannot be guessed.
func TestADamagedMarkOfARestoreIsTold(t *testing.T) {
	dir := used(t)
	if err := os.WriteFile(filepath.Join(dir, restoringName), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := runOnce(dir); err == nil || !bytes.Contains([]byte(err.Error()), []byte(restoringName)) {
		t.Error(err)
	}
	if _, err := Recover(dir, "a:1", nil, nil, hclog.NewNullLogger()); err == nil {
		t.Error("a recovery begins with it")
	}
}
