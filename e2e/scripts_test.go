package e2e

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"berth/e2e/harness"
)

// TestAMachineThatLacksNothingIsLeftAlone runs what `make dev` and `make test` run first, on the machine they have prepared.
func TestAMachineThatLacksNothingIsLeftAlone(t *testing.T) {
	for _, what := range []string{"run", "test"} {
		out, err := exec.CommandContext(t.Context(), "../scripts/deps", what).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("deps %s: %v\n%s", what, err, out)
		}
	}
}

// TestMakeDev runs what `make dev` runs after the build, twice, and presses Ctrl-C.
func TestMakeDev(t *testing.T) {
	r := newRig(t, harness.Options{})
	for range 2 {
		said, end := r.dev()
		for _, want := range []string{"http://127.0.0.1:8080/", "http://127.0.0.1:4646", "berth job status web"} {
			if !strings.Contains(said, want) {
				t.Errorf("it does not say %q:\n%s", want, said)
			}
		}
		if body := r.page("http://127.0.0.1:8080/"); !strings.Contains(body, "It works") {
			t.Errorf("the sample job answers %q", body)
		}
		r.one("web", "running")
		if rest := end(); !strings.Contains(rest, "the agent has stopped") {
			t.Errorf("after Ctrl-C it says %q", rest)
		}
		r.nothingLeft()
	}
}

// TestMakeDevBesideAnAgent starts a second one while the first runs: it says so and leaves the first alone.
func TestMakeDevBesideAnAgent(t *testing.T) {
	r := newRig(t, harness.Options{})
	r.start()
	cmd := r.script()
	said, err := r.agent.Host.Combined(cmd)
	if err == nil || !strings.Contains(said, "answers on http://127.0.0.1:4646 already") {
		t.Errorf("a second one: %v\n%s", err, said)
	}
	r.ok("node", "status")
	r.endClean()
}

// script is scripts/dev with an agent configured as this test's.
func (r *rig) script() *exec.Cmd {
	r.Helper()
	config, err := r.agent.Configure()
	if err != nil {
		r.Fatal(err)
	}
	cmd := exec.CommandContext(r.ctx, "../scripts/dev", "-config", config)
	cmd.Env = append(os.Environ(), "BERTH_BINARY="+shared.binary, "DEV_DIR="+filepath.Join(r.agent.Dir, "dev"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// dev starts the script and gives what it says until it waits for Ctrl-C, and a function that presses it, waits for the end and
// gives the rest of what was said.
func (r *rig) dev() (said string, end func() string) {
	r.Helper()
	cmd := r.script()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.Fatal(err)
	}
	if err := r.agent.Host.Start(cmd); err != nil {
		r.Fatal(err)
	}
	// A terminal sends Ctrl-C to the whole group.
	group := func(sig syscall.Signal) { _ = syscall.Kill(-cmd.Process.Pid, sig) }
	stop := context.AfterFunc(r.ctx, func() { group(syscall.SIGKILL) })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		said += lines.Text() + "\n"
		if strings.HasPrefix(lines.Text(), "Ctrl-C here") {
			break
		}
	}
	end = func() (rest string) {
		r.Helper()
		group(syscall.SIGINT)
		for lines.Scan() {
			rest += lines.Text() + "\n"
		}
		if err := cmd.Wait(); err != nil {
			r.Errorf("make dev ends with %v: %s", err, stderr.String())
		}
		stop()
		return rest
	}
	if !strings.Contains(said, "Ctrl-C here") {
		end()
		r.Fatalf("make dev does not start: %s%s", said, stderr.String())
	}
	return said, end
}
