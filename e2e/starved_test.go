package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"berth/e2e/harness"
)

// limited makes a control group that ends after the agents in it.
func (w *town) limited(name string) *harness.Limits {
	w.Helper()
	l, err := harness.NewLimits(fmt.Sprintf("berth-e2e-%s-%d", name, os.Getpid()))
	if errors.Is(err, errors.ErrUnsupported) {
		w.Skip(err)
	}
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		for _, a := range w.agents {
			if a == nil {
				continue
			}
			if err := a.Close(); err != nil { // whether or not the test's time is over
				w.Error(err)
			}
		}
		if err := l.Close(); err != nil {
			w.Error(err)
		}
	})
	return l
}

// A server that may have a fifth more memory than it takes under load lives on under load, for it collects before the kernel would end it. One
// that the kernel ends comes back with all that was acknowledged. A leader that has a quarter of a processor goes on leading, or it is told.
func TestServersWithLittleMemoryAndLittleProcessorTime(t *testing.T) {
	w := newTown(t, 3)
	w.keepDead = true
	memory, cpu := w.limited("memory"), w.limited("cpu")
	wrapped, err := memory.Wrap(w.dir, w.binary)
	if err != nil {
		t.Fatal(err)
	}
	w.binary = wrapped
	w.form()
	w.binary = shared.binary
	w.join(2, "server")
	w.join(3, "server")
	w.voters(3)
	first := w.agents[0]

	h := w.history(3, rand.Uint64())

	h.goOn(500)
	steady, err := memory.Used()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Signal(w.ctx, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := memory.Memory(steady * 6 / 5); err != nil {
		t.Fatal(err)
	}
	if err := first.Launch(); err != nil {
		t.Fatal(err)
	}
	h.has(1, "the server with little memory is back")
	w.lead(1)
	h.goOn(500)
	h.has(1, "the server with little memory has all of it")
	killed, err := memory.Killed()
	if err != nil || killed > 0 || !first.Running() {
		t.Fatalf("with %d bytes, a fifth more than under load without a limit, %d processes were killed (%v)", steady*6/5, killed, err)
	}

	w.until("the kernel kills the leader for its memory", func() bool {
		used, err := memory.Used()
		if err == nil {
			_ = memory.Memory(used - used/50) // refused when there is nothing to be had back, until it needs more
		}
		return !first.Running()
	})
	if killed, err := memory.Killed(); err != nil || killed == 0 {
		t.Fatalf("the leader ended, and %d processes were killed: %v, %v", killed, err, first.Exit())
	}
	h.flows("the leader was killed")
	if err := memory.Memory(-1); err != nil {
		t.Fatal(err)
	}
	if err := first.Launch(); err != nil {
		t.Fatal(err)
	}
	h.has(1, "the server that was killed for its memory is back")

	lead := w.voters(3)
	told := w.changesTold()
	if err := cpu.Add(w.agents[lead-1].Pid()); err != nil {
		t.Fatal(err)
	}
	if err := cpu.CPU(25); err != nil {
		t.Fatal(err)
	}
	starved := time.Now()
	h.goOn(800)
	h.flows("the leader has little processor time")
	now := w.voters(3)
	t.Logf("%d bytes under load; a quarter of a processor for %v: machine %d led, then %d, %d lines tell of elections", steady, time.Since(starved), lead, now, w.changesTold()-told)
	if now != lead && w.changesTold() == told {
		t.Errorf("machine %d leads instead of %d, and no log says why", now, lead)
	}
	if err := cpu.CPU(1000); err != nil {
		t.Fatal(err)
	}
	h.judge()
}

// changesTold counts lines of the logs that say why another server leads.
func (w *town) changesTold() int {
	n := 0
	for _, a := range w.agents {
		for _, line := range []string{"heartbeat timeout reached", "failed to contact quorum"} {
			n += strings.Count(a.Log(), line)
		}
	}
	return n
}
