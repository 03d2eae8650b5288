package server

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
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
						if p == at && restores.CompareAndSwap(true, false) {
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
