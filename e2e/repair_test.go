package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"berth/e2e/harness"
)

// What a follower has on its disk is damaged: its server names the file and ends, the others go on, and `operator rejoin` brings it back with
// everything.
func TestADamagedServerRejoins(t *testing.T) {
	binary := crashing(t) // before the test's time begins
	w := newTown(t, 3)
	w.binary = binary
	w.env = []string{"BERTH_SNAPSHOT_AFTER=16"}
	w.server = "  at_rest {\n    enabled = false\n  }\n" // words can be found in the files
	w.form()
	w.join(2, "server")
	w.join(3, "server")
	w.voters(3)
	names := map[string]bool{}
	put := func(i int, name string) {
		t.Helper()
		w.write(i, name)
		names[name] = true
	}
	for i := range 24 {
		put(1+i%3, fmt.Sprintf("first-%d", i))
	}
	for n, c := range []struct {
		name, file string // below raft
		damage     func(data []byte) []byte
		says       string
	}{
		{"a word of an entry is another", "raft.db", func(log []byte) []byte {
			return bytes.ReplaceAll(log, []byte("true-word-0"), []byte("fake-word-0"))
		}, "its checksum does not match"},
		{"a bit of the snapshot is another", "snapshots/*/state.bin", func(data []byte) []byte {
			data[len(data)/2] ^= 1
			return data
		}, "state.bin"},
	} {
		i := w.voters(3)%3 + 1
		a := w.agents[i-1]
		word := fmt.Sprintf("true-word-%d", n)
		put(i%3+1, word)
		w.until("it is everywhere", func() bool { return w.names(1)[word] && w.names(2)[word] && w.names(3)[word] })
		if err := a.Signal(w.ctx, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(a.DataDir(), "server", "raft", c.file))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %q, %v", c.name, files, err)
		}
		for _, path := range files {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			damaged := c.damage(slices.Clone(data))
			if bytes.Equal(data, damaged) {
				t.Fatalf("%s: the damage is none", c.name)
			}
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // it does not start with what it has, however often that is tried
			before := len(a.Log())
			if err := a.Launch(); err != nil {
				t.Fatal(err)
			}
			if err := a.Wait(w.ctx); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if text := a.Log()[before:]; a.Exit() == nil || !strings.Contains(text, c.says) || !strings.Contains(text, "berth operator rejoin") {
				t.Errorf("%s: it ended with %v and did not say %q:\n%s", c.name, a.Exit(), c.says, tail(text, 20))
			}
		}
		put(i%3+1, fmt.Sprintf("meanwhile-%d", n))

		out, err := a.Run(w.ctx, nil, "operator", "rejoin", "-force", "-config", filepath.Join(a.Dir, "agent.hcl"))
		if err != nil || out.Code != 0 || !strings.Contains(out.Stdout, "Start the agent again") {
			t.Fatalf("%s: %+v, %v", c.name, out, err)
		}
		if err := a.Launch(); err != nil {
			t.Fatal(err)
		}
		w.until(c.name+": it has everything", func() bool {
			have := w.names(i)
			for name := range names {
				if !have[name] {
					return false
				}
			}
			return !have["fake-word-0"]
		})
		w.voters(3)
	}
}

// dyingRecovery begins a recovery of a machine again and again; each dies by SIGKILL at another moment.
func (w *town) dyingRecovery(a *harness.Agent, recovery []string) {
	w.Helper()
	for _, point := range []string{"apply.after", "snapshot.create", "snapshot.write", "snapshot.close.before", "snapshot.close.after", "log.truncate.before", "log.truncate.after"} {
		out, err := harness.Command(w.ctx, a.Host, a.Binary, nil, append(os.Environ(), "BERTH_CRASH_AT="+point+":1"),
			append(slices.Clone(recovery), "-config", filepath.Join(a.Dir, "agent.hcl"))...)
		if err != nil || out.Code == 0 || !strings.Contains(out.Stderr, "crash point "+point+" reached") {
			w.Fatalf("a recovery that dies at %s: %+v, %v", point, out, err)
		}
	}
}

// All three servers come back with other addresses, of which nobody was told: one command on each makes them the cluster they were, though it was
// killed before at every moment.
func TestServersWithNewAddressesAreRecovered(t *testing.T) {
	binary := crashing(t) // before the test's time begins
	w := newTown(t, 3)
	w.binary = binary
	w.keepDead = true
	w.form()
	w.join(2, "server")
	w.join(3, "server")
	w.voters(3)
	var kept []string
	for i := range 12 {
		name := fmt.Sprintf("kept-%d", i)
		w.write(1+i%3, name)
		kept = append(kept, name)
	}
	recovery := []string{"operator", "recover"}
	for i, a := range w.agents {
		if err := a.Signal(w.ctx, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := w.lan.Move(i+1, 11+i); err != nil {
			t.Fatal(err)
		}
		id, err := os.ReadFile(filepath.Join(a.DataDir(), "server", "node-id"))
		if err != nil {
			t.Fatal(err)
		}
		recovery = append(recovery, fmt.Sprintf("-peer=%s=%s:4647", strings.TrimSpace(string(id)), harness.Addr(11+i)))
	}
	for i, a := range w.agents {
		if i == 0 {
			w.dyingRecovery(a, recovery)
		}
		out, err := a.Run(w.ctx, nil, append(slices.Clone(recovery), "-config", filepath.Join(a.Dir, "agent.hcl"))...)
		if err != nil || out.Code != 0 || !strings.Contains(out.Stdout, harness.Addr(13)+":4647") {
			t.Fatalf("machine %d: %+v, %v", i+1, out, err)
		}
		if err := a.Launch(); err != nil {
			t.Fatal(err)
		}
	}
	w.voters(3)
	w.write(2, "after")
	for i := 1; i <= 3; i++ {
		w.until(fmt.Sprintf("machine %d has everything", i), func() bool {
			have := w.names(i)
			return have["after"] && !slices.ContainsFunc(kept, func(name string) bool { return !have[name] })
		})
	}
}
