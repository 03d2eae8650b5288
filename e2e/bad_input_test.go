package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"berth/e2e/harness"
)

// refuses runs an agent that must end by itself with a message that says all of the texts, and nothing half-applied.
func (r *rig) refuses(texts ...string) {
	r.Helper()
	if err := r.agent.Launch(); err != nil {
		r.Fatal(err)
	}
	if err := r.agent.Wait(r.ctx); err != nil {
		r.Fatalf("the agent went on: %v", err)
	}
	if r.agent.Exit() == nil {
		r.Errorf("the agent ended with exit code 0")
	}
	log := r.agent.Log()
	for _, text := range texts {
		if !strings.Contains(log, text) {
			r.Errorf("the agent does not say %q:\n%s", text, tail(log, 20))
		}
	}
	if strings.Contains(log, "goroutine ") {
		r.Errorf("the agent shows a stack trace:\n%s", tail(log, 20))
	}
}

func TestAnOccupiedAPIPortIsNamed(t *testing.T) {
	r := newRig(t, harness.Options{})
	l, err := r.agent.Host.Listen("127.0.0.1:4646")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r.refuses("127.0.0.1:4646", "in use")
	l.Close()
	r.nothingLeft()
}

func TestAUsedDataDirectoryIsNamed(t *testing.T) {
	r := keepingAgent(t, "")
	second := newRig(t, harness.Options{Persistent: true})
	// The second agent has a machine of its own, so only the folder is shared.
	second.agent.Data = r.agent.DataDir()
	second.refuses(r.agent.DataDir(), "use")
	r.ok("node", "status")
	if err := r.agent.Signal(r.ctx, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

func TestAMissingRuncIsNamed(t *testing.T) {
	empty := t.TempDir()
	r := newRig(t, harness.Options{Env: []string{"PATH=" + empty}})
	if err := r.agent.Launch(); err != nil {
		t.Fatal(err)
	}
	// Either the agent refuses to start, or it starts with a driver that says what it lacks.
	err := r.agent.Ready(r.ctx)
	if err == nil {
		out := r.ok("node", "status", "-self", "-verbose")
		if !strings.Contains(out, "runc") || !strings.Contains(out, "apt") {
			t.Errorf("the node's status does not say that runc is missing and how to install it:\n%s", out)
		}
		r.submit("impossible", spec{command: "true"}.text("impossible"))
		r.ok("job", "status", "impossible")
		r.endClean()
		return
	}
	if log := r.agent.Log(); !strings.Contains(log, "runc") || !strings.Contains(log, "apt") {
		t.Errorf("the agent does not say that runc is missing and how to install it:\n%s", tail(log, 20))
	}
}

func TestWithoutRootTheAgentSaysSo(t *testing.T) {
	r := newRig(t, harness.Options{})
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir), filepath.Dir(shared.binary)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	copied := filepath.Join("/tmp", filepath.Base(r.agent.Dir)+"-berth")
	text, err := os.ReadFile(shared.binary)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, text, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(copied) })
	cmd := exec.CommandContext(r.ctx, copied, "agent", "-dev", "-data-dir", filepath.Join(dir, "data"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := r.agent.Host.Start(cmd); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	if r.ctx.Err() != nil {
		t.Fatalf("the agent went on:\n%s", tail(out.String(), 20))
	}
	if err == nil || !strings.Contains(out.String(), "root") {
		t.Errorf("without root: %v\n%s", err, out.String())
	}
}

func TestATakenPortIsNamedAndNothingIsHalfApplied(t *testing.T) {
	r := devAgent(t)
	l, err := r.agent.Host.Listen("127.0.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r.submit("taken", spec{mode: "bridge", network: port(8080), command: served, group: noRestart}.text("taken"))
	all := r.allocs("taken", func(all []harness.Alloc) bool { return len(all) > 0 && all[0].ClientStatus == "failed" })
	if text := events(all[0]) + all[0].ClientDescription; !strings.Contains(text, "8080") {
		t.Errorf("the taken port is not named: %s", text)
	}
	// A second job that wants a port another job holds is not placed, and its status says why.
	l.Close()
	r.submit("holder", spec{mode: "bridge", network: port(8081), command: served}.text("holder"))
	r.one("holder", "running")
	out := r.run("job", "run", r.jobFile("second", spec{mode: "bridge", network: port(8081), command: served}.text("second")))
	if out.Code != 2 || !strings.Contains(out.Stdout+out.Stderr, "8081") {
		t.Errorf("a port that another job holds: exit code %d\n%s%s", out.Code, out.Stdout, out.Stderr)
	}
	// It starts as soon as the port is free.
	r.ok("job", "stop", "holder")
	r.one("second", "running")
}

func TestABrokenJobFileShowsPlaceLineAndHint(t *testing.T) {
	r := newRig(t, harness.Options{}) // no agent is needed to be told
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"unknown", "job \"a\" {\n  group \"g\" {\n    tsk \"t\" {\n    }\n  }\n}\n", []string{"unknown.hcl:3:5", "tsk \"t\"", "^", "task"}},
		{"typo", "job \"a\" {\n  group \"g\" {\n    cuont = 3\n    task \"t\" {\n      driver = \"containerd\"\n    }\n  }\n}\n", []string{"typo.hcl:3:5", "cuont = 3", "count"}},
		{"open", "job \"a\" {\n  group \"g\" {\n", []string{"open.hcl:"}},
		{"type", "job \"a\" {\n  group \"g\" {\n    count = \"many\"\n    task \"t\" {\n      driver = \"containerd\"\n    }\n  }\n}\n", []string{"type.hcl:3:", "count = \"many\"", "number"}},
	} {
		out := r.fails(c.want, "job", "validate", r.jobFile(c.name, c.text))
		if strings.Contains(out.Stdout+out.Stderr, "goroutine ") {
			t.Errorf("%s: a stack trace", c.name)
		}
	}
	r.fails([]string{"127.0.0.1:4646"}, "job", "status")
}

func TestAJobThatFitsNowhereSaysWhy(t *testing.T) {
	r := devAgent(t)
	out := r.run("job", "run", r.jobFile("huge", spec{memory: 1 << 24, command: "true"}.text("huge")))
	if out.Code != 2 || !strings.Contains(out.Stdout+out.Stderr, "memory") {
		t.Errorf("exit code %d\n%s%s", out.Code, out.Stdout, out.Stderr)
	}
	out = r.run("job", "run", r.jobFile("picky", spec{command: "true", job: `
  constraint {
    attribute = "${attr.kernel.name}"
    value     = "plan9"
  }`}.text("picky")))
	if out.Code != 2 || !strings.Contains(out.Stdout+out.Stderr, "kernel.name") {
		t.Errorf("exit code %d\n%s%s", out.Code, out.Stdout, out.Stderr)
	}
}
