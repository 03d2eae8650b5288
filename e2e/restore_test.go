package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"berth/e2e/harness"
)

// archive is a snapshot of the cluster, as a machine gives it.
func (w *town) archive(i int) string {
	w.Helper()
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, "http://127.0.0.1:4646/v1/operator/snapshot", nil)
	if err != nil {
		w.Fatal(err)
	}
	resp, err := w.agents[i-1].Client().Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		w.Fatal(resp.Status, string(data), err)
	}
	return string(data)
}

// restore asks a machine to restore a snapshot, and gives what it answers.
func (w *town) restore(i int, archive string) error {
	req, err := http.NewRequestWithContext(w.ctx, http.MethodPut, "http://127.0.0.1:4646/v1/operator/snapshot", strings.NewReader(archive))
	if err != nil {
		return err
	}
	resp, err := w.agents[i-1].Client().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	return err
}

// A leader dies by SIGKILL in the middle of a restore that somebody asked for. The cluster goes on with the whole state it had or with the whole
// state of the snapshot, the same on every server, and the next restore does what it should.
func TestALeaderDiesInTheMiddleOfARestore(t *testing.T) {
	binary := crashing(t) // before the test's time begins
	w := newTown(t, 3)
	w.keepDead = true
	w.binary = binary
	w.form()
	w.join(2, "server")
	w.join(3, "server")
	lead := w.voters(3)
	put := func(name string) {
		t.Helper()
		w.until(name+" is written", func() bool { return w.put(w.voters(3), name) == nil })
	}
	const later = 5
	put("kept")
	saved := w.archive(lead)
	// The first snapshot is that of the state of before.
	for n, point := range []string{"snapshot.create:1", "snapshot.create:2", "snapshot.write:2", "snapshot.close.before:2", "snapshot.close.after:2", "restore.before:1", "restore.after:1"} {
		lead = w.voters(3)
		a := w.agents[lead-1]
		if err := a.Signal(w.ctx, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		a.Env = []string{"BERTH_CRASH_AT=" + point + ":term.run"}
		if err := a.Launch(); err != nil {
			t.Fatal(err)
		}
		w.lead(lead)
		for k := range later {
			put(fmt.Sprintf("later-%d-%d", n, k))
		}
		var asked error
		w.until(point+" is reached", func() bool {
			if a.Running() && w.leads(lead) { // another may lead again meanwhile
				asked = w.restore(lead, saved)
			}
			return !a.Running()
		})
		if asked == nil || a.Exit() == nil || a.Exit().Error() != "signal: killed" {
			t.Fatalf("%s: the restore answered %v, the server ended with %v", point, asked, a.Exit())
		}
		other := lead%3 + 1
		w.until("the others go on", func() bool { return w.put(other, fmt.Sprintf("meanwhile-%d", n)) == nil })
		a.Env = nil
		if err := a.Launch(); err != nil {
			t.Fatal(err)
		}
		put(fmt.Sprintf("then-%d", n))
		var have map[string]bool
		w.until(point+": all three have the same", func() bool {
			have = w.names(1)
			return have[fmt.Sprintf("then-%d", n)] && maps.Equal(have, w.names(2)) && maps.Equal(have, w.names(3))
		})
		of := 0
		for k := range later {
			if have[fmt.Sprintf("later-%d-%d", n, k)] {
				of++
			}
		}
		if !have["kept"] || of != 0 && of != later || !have[fmt.Sprintf("meanwhile-%d", n)] {
			t.Errorf("%s: a state of parts: %d of %d later ones, %v", point, of, later, have)
		}
		t.Logf("%s: %d of %d", point, of, later)
	}
	if slices.ContainsFunc([]int{1, 2, 3}, func(i int) bool { return !w.agents[i-1].Running() }) {
		t.Fatal("a server ended")
	}
	if err := w.restore(w.voters(3), saved); err != nil {
		t.Fatal(err)
	}
	w.until("the snapshot is everywhere", func() bool {
		return !slices.ContainsFunc([]int{1, 2, 3}, func(i int) bool { return len(w.names(i)) != 2 || !w.names(i)["kept"] })
	})
}

// TestARestoredClusterHearsWhatEndedMeanwhile: a snapshot does not know that an allocation has ended since; its node says so again.
func TestARestoredClusterHearsWhatEndedMeanwhile(t *testing.T) {
	r := newRig(t, harness.Options{Persistent: true})
	r.start()
	r.load()
	r.submit("short", spec{kind: "batch", command: untilTold}.text("short"))
	a := r.running("short", 1)[0]
	file := filepath.Join(t.TempDir(), "before.snap")
	r.ok("operator", "snapshot", "save", file)
	r.tell(a.ID)
	r.one("short", "complete")
	r.ok("operator", "snapshot", "restore", "-force", file)
	if b := r.one("short", "complete"); b.ID != a.ID {
		t.Errorf("%s ended, and then %s", a.ID, b.ID)
	}
	r.ok("job", "stop", "-purge", "short")
	r.endClean()
}
