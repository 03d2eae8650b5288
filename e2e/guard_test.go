package e2e

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestForeignPagesAreKeptOut sends what a browser sends for a page of another site, and for a name that was rebound.
func TestForeignPagesAreKeptOut(t *testing.T) {
	r := devAgent(t)
	for name, c := range map[string]struct {
		host, origin string
		want         int
	}{
		"a program":         {"", "", http.StatusOK},
		"a foreign page":    {"", "http://evil.example", http.StatusForbidden},
		"a rebound name":    {"evil.example:4646", "http://evil.example:4646", http.StatusForbidden},
		"its own page":      {"127.0.0.1:4646", "http://127.0.0.1:4646", http.StatusOK},
		"a name unheard of": {"evil.example:4646", "", http.StatusForbidden},
	} {
		req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, "http://127.0.0.1:4646/v1/jobs", nil)
		if err != nil {
			t.Fatal(err)
		}
		if req.Host = c.host; c.origin != "" {
			req.Header.Set("Origin", c.origin)
		}
		resp, err := r.agent.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: %s, not %d", name, resp.Status, c.want)
		}
	}
}

// TestAnExecEndsWithItsCaller kills the command line in the middle of an exec.
func TestAnExecEndsWithItsCaller(t *testing.T) {
	r := devAgent(t)
	r.submit("sleeper", spec{mode: "none", command: "sleep 1000000"}.text("sleeper"))
	a := r.one("sleeper", "running")
	cmd := exec.CommandContext(r.ctx, shared.binary, "alloc", "exec", "-i=false", "-t=false", a.ID, "/bin/sleep", "4242424242")
	cmd.Env = os.Environ()
	if err := r.agent.Host.Start(cmd); err != nil {
		t.Fatal(err)
	}
	r.until("the command runs", func() bool { return inside("4242424242") > 0 })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	r.until("the command has ended", func() bool { return inside("4242424242") == 0 })
}

// inside counts the sleeps with such an argument, the command line that asked for one aside.
func inside(arg string) (n int) {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range lines {
		text, _ := os.ReadFile(f)
		if words := bytes.Split(bytes.TrimRight(text, "\x00"), []byte{0}); len(words) == 2 && string(words[1]) == arg && strings.HasSuffix(string(words[0]), "sleep") {
			n++
		}
	}
	return n
}

// until waits for what nothing announces.
func (r *rig) until(what string, done func() bool) {
	r.Helper()
	for !done() {
		select {
		case <-r.ctx.Done():
			r.Fatalf("it does not come about that %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
