package e2e

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The disk of the leader fills up while clients write: another server leads and writes go on. When there is room again the server has what it
// missed, without a restart, and the history is linearizable.
func TestTheLeadersDiskFillsUpUnderWrites(t *testing.T) {
	w := newTown(t, 3)
	w.keepDead = true
	for i := range 3 {
		data := filepath.Join(w.dir, []string{"h1", "h2", "h3"}[i], "data")
		if err := os.MkdirAll(data, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("tmpfs", data, "tmpfs", 0, "size=48m,mode=755"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { // after its agent has ended
			if err := unix.Unmount(data, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
	}
	// The agents end before what they stand on: cleanups run from the last to the first, and theirs was before.
	t.Cleanup(func() {
		for _, a := range w.agents {
			if a != nil && a.Running() {
				_ = a.Signal(w.ctx, syscall.SIGKILL) // Close looks at the rest
			}
		}
	})
	w.form()
	w.join(2, "server")
	w.join(3, "server")
	lead := w.voters(3)
	h := w.history(3, rand.Uint64())
	h.goOn(30)

	filler := filepath.Join(w.agents[lead-1].DataDir(), "filler")
	fill := func() {
		f, err := os.OpenFile(filler, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return // not even a name
		}
		defer f.Close()
		for size := 1 << 20; size > 0; {
			if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
				size /= 2
			} else if err != nil {
				t.Error(err)
				return
			}
		}
	}
	w.until("another leads", func() bool {
		fill() // what was freed meanwhile
		return w.voters(3) != lead
	})
	h.flows("the disk of the leader is full")
	h.goOn(30)
	if !w.agents[lead-1].Running() {
		t.Fatal("the server ended")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	h.has(lead, "the server with the full disk has what it missed")
	h.judge()
}
