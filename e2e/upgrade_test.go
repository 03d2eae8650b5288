package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"berth/e2e/harness"
	"berth/structs"
)

// build makes the program with something else linked into it.
func build(t *testing.T, dir, flags string) string {
	t.Helper()
	out := filepath.Join(dir, "berth-other")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", "no_cri,no_btrfs,no_zfs,no_devmapper", "-ldflags", "-s -w "+flags,
		"-o", out, "berth")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	return out
}

// crashing is the program linked for tests: it ends where and makes snapshots when it is told to. It is built once.
func crashing(t *testing.T) string {
	t.Helper()
	shared.once.Do(func() { shared.crashing = build(t, shared.dir, "-X berth/server.linkedPoints=on") })
	if shared.crashing == "" {
		t.Fatal("the program for tests could not be built")
	}
	return shared.crashing
}

// oldVersion is what the older program of a test calls itself. It knows no kind of command behind oldLevel: no priority classes, for one.
const (
	oldVersion = "0.0.9"
	oldLevel   = structs.CmdPriorityClass - 1
)

// replace ends a machine's server in peace and starts another program on what it left.
func (w *town) replace(i int, binary string) {
	w.Helper()
	a := w.agents[i-1]
	if err := a.Signal(w.ctx, syscall.SIGTERM); err != nil {
		w.Fatal(err)
	}
	if err := a.Exit(); err != nil {
		w.Errorf("the server of machine %d ended with %v", i, err)
	}
	a.Binary = binary
	if err := a.Launch(); err != nil {
		w.Fatal(err)
	}
	w.until(fmt.Sprintf("machine %d is back", i), func() bool { return len(w.names(i)) > 0 })
	w.voters(3)
}

// lead makes a machine's server lead.
func (w *town) lead(i int) {
	w.Helper()
	w.until(fmt.Sprintf("machine %d leads", i), func() bool { return w.leads(i) })
}

// leads reports that a machine's server leads, and asks it to when it does not.
func (w *town) leads(i int) bool {
	w.Helper()
	a := w.agents[i-1]
	id, err := os.ReadFile(filepath.Join(a.DataDir(), "server", "node-id"))
	if err != nil {
		w.Fatal(err)
	}
	transfer := "/v1/operator/raft/transfer-leadership?id=" + strings.TrimSpace(string(id))
	var p peers
	if err := a.API.Get(w.ctx, "/v1/operator/raft/configuration?stale", &p); err != nil {
		return false
	}
	for _, s := range p.Servers {
		if s.Leader && s.Node == fmt.Sprintf("m%d.global", i) {
			return true
		}
	}
	_, _ = a.API.Call(w.ctx, http.MethodPut, transfer, nil, nil) // it may be too early
	return false
}

// hears waits until a machine has heard by gossip of all three. Until then it takes one that it has not heard of for as old as programs
// are that tell no level, and the older one of this test is older still.
func (w *town) hears(i int) {
	w.Helper()
	w.until(fmt.Sprintf("machine %d has heard of all", i), func() bool {
		var all struct{ Members []struct{ Status string } }
		if w.agents[i-1].API.Get(w.ctx, "/v1/agent/members", &all) != nil {
			return false
		}
		alive := 0
		for _, m := range all.Members {
			if m.Status == "alive" {
				alive++
			}
		}
		return alive == 3
	})
}

// Servers are replaced one by one by those of a newer version, and one of them back and forth, while clients write: nothing that was
// acknowledged is lost, and what only the newer version knows is refused until all know it. Then there is no way back, and a server that is
// set back says so.
func TestARollingUpgradeLosesNothing(t *testing.T) {
	older := build(t, t.TempDir(), fmt.Sprintf("-X berth/internal/version.linked=%s -X berth/server/fsm.linkedLevel=%d", oldVersion, oldLevel))
	w := newTown(t, 3)
	w.keepDead = true
	newer := w.binary
	w.binary = older
	w.form()
	w.join(2, "server")
	w.join(3, "server")
	w.voters(3)

	h := w.history(3, rand.Uint64())
	class := func(i int) error {
		_, err := w.agents[i-1].API.Call(w.ctx, http.MethodPut, "/v1/priority-class/low", map[string]any{"Value": 20}, nil)
		return err
	}
	refused := func(by string) {
		t.Helper()
		var last error
		w.until("the newer change is refused by "+by, func() bool {
			last = class(1)
			var e *harness.StatusError
			return errors.As(last, &e) && e.Code != http.StatusServiceUnavailable
		})
		if text := last.Error(); !strings.Contains(text, "409") || !strings.Contains(text, "runs an older version, Berth "+oldVersion) ||
			!strings.Contains(text, "server m") || !strings.Contains(text, "upgrade it first") {
			t.Errorf("with %s the newer change was answered %v", by, last)
		}
	}
	step := func(i int, binary, what string) {
		t.Helper()
		t.Logf("%v: %s", time.Since(h.began).Round(10*time.Millisecond), what)
		w.replace(i, binary)
		h.flows("this: " + what)
		h.goOn(30)
	}

	refused("three of the older version")
	step(3, newer, "the third is upgraded")
	w.hears(3)
	w.lead(3)
	refused("a leader of the newer version")
	step(3, older, "the third goes back while it leads")
	step(3, newer, "and forth")
	step(2, newer, "the second is upgraded")
	w.hears(2)
	w.lead(2)
	refused("one of the older version left")
	step(1, newer, "the first is upgraded")
	w.until("the newer change is taken", func() bool { return class(1) == nil })

	w.voters(3)
	for i, a := range w.agents {
		if text := a.Log(); strings.Contains(text, "is not known to Berth") || strings.Contains(text, "panic") {
			t.Errorf("machine %d came to something it does not know", i+1)
		}
	}
	t.Logf("%v: a server is set back too late", time.Since(h.began).Round(10*time.Millisecond))
	w.until("machine 3 has the change", func() bool {
		return w.agents[2].API.Get(w.ctx, "/v1/priority-class/low?stale", nil) == nil
	})
	a := w.agents[2]
	if err := a.Signal(w.ctx, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	a.Binary = older
	if err := a.Launch(); err != nil {
		t.Fatal(err)
	}
	if err := a.Wait(w.ctx); err != nil {
		t.Fatal(err)
	}
	if text := a.Log(); a.Exit() == nil || !strings.Contains(text, "is not known to Berth "+oldVersion) || !strings.Contains(text, "nothing of it was applied: start this server with") {
		t.Errorf("a server that was set back ended with %v and did not say why", a.Exit())
	}
	h.flows("a server that ended by itself")
	a.Binary = newer
	if err := a.Launch(); err != nil {
		t.Fatal(err)
	}
	h.judge()
}
