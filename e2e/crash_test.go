package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A server of three ends with SIGKILL, as the kernel does it, at the moment of its life that is named: around the log's write, the apply, the
// answer, a snapshot, a restore, the hand-over. What was acknowledged stays, and it comes back with what it left. The same in virtual time,
// for every moment there is, is server's TestNothingIsLostWhereverAServerDies.
func TestAServerDiesAtNamedMoments(t *testing.T) {
	binary := crashing(t) // before the test's time begins
	w := newTown(t, 3)
	w.keepDead = true
	w.binary = binary
	w.env = []string{"BERTH_SNAPSHOT_AFTER=16"}
	w.form()
	w.join(2, "server")
	w.join(3, "server")
	w.voters(3)
	h := w.history(3, rand.Uint64())

	const leads = ":term.run" // counted behind that
	for _, c := range []struct {
		point string
		leads bool
		asked bool // it is asked to end: that is when it comes there
	}{
		{"log.store.before:20", false, false},
		{"log.store.after:20", false, false},
		{"log.store.before:10" + leads, true, false},
		{"log.store.after:10" + leads, true, false},
		{"apply.before:20", false, false},
		{"apply.after:10" + leads, true, false},
		{"propose:10", true, false},
		{"reply:10", true, false},
		{"snapshot.write:1" + leads, true, false},
		{"snapshot.close.before:1", false, false},
		{"snapshot.close.after:1" + leads, true, false},
		{"log.compact.after:1", false, false},
		{"restore.before:1", false, false},
		{"handover:1", true, true},
	} {
		began := time.Since(h.began)
		i := w.voters(3)
		if !c.leads {
			i = i%3 + 1
		}
		a := w.agents[i-1]
		if err := a.Signal(w.ctx, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		a.Env = append(slices.Clone(w.env), "BERTH_CRASH_AT="+c.point)
		if err := a.Launch(); err != nil {
			t.Fatal(err)
		}
		w.until(c.point+" is reached", func() bool {
			switch {
			case !a.Running() && c.asked && a.Exit() == nil: // it led no more when it was asked to end
				if err := a.Launch(); err != nil {
					t.Fatal(err)
				}
			case !a.Running():
				return true
			case c.leads && !w.leads(i): // another may lead again meanwhile
			case c.asked:
				if err := a.Signal(w.ctx, syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			return false
		})
		point, _, _ := strings.Cut(c.point, ":")
		if text := a.Log(); a.Exit() == nil || a.Exit().Error() != "signal: killed" || !strings.HasSuffix(text, "crash point "+point+" reached\n") {
			t.Fatalf("%s: it ended with %v", c.point, a.Exit())
		}
		h.flows("a death at " + point)
		a.Env = w.env
		if err := a.Launch(); err != nil {
			t.Fatal(err)
		}
		h.has(i, fmt.Sprintf("machine %d has what was acknowledged before it is back from %s", i, point))
		t.Logf("%s of machine %d: %v", c.point, i, (time.Since(h.began) - began).Round(time.Millisecond))
	}
	h.judge()
}

// has waits until a machine's server has every namespace that is acknowledged now.
func (h *history) has(i int, what string) {
	h.w.Helper()
	h.mu.Lock()
	var acked []string
	for name := range h.acked {
		acked = append(acked, name)
	}
	h.mu.Unlock()
	h.w.until(what, func() bool {
		have := h.w.names(i)
		for _, name := range acked {
			if !have[name] {
				return false
			}
		}
		return true
	})
}
