package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// counter writes one number each tenth of a second, and serves a page.
const counter = `mkdir -p /tmp/www; echo alive > /tmp/www/index.html; httpd -p 8080 -h /tmp/www; i=0; while true; do i=$((i+1)); echo $i; sleep 0.1; done`

// pid is the task's first process, seen from the machine.
func (r *rig) pid(alloc string) int {
	r.Helper()
	out := r.ok("alloc", "exec", alloc, "/bin/sh", "-c", "cat /proc/1/stat")
	if !strings.HasPrefix(out, "1 ") {
		r.Fatalf("the task's first process is %q", out)
	}
	// The start time in the process table tells one first process from another.
	fields := strings.Fields(out[strings.LastIndex(out, ")")+1:])
	start, err := strconv.Atoi(fields[19])
	if err != nil {
		r.Fatal(err)
	}
	return start
}

func TestTasksSurviveAnAgentThatIsKilled(t *testing.T) {
	for _, how := range []struct {
		name   string
		signal syscall.Signal
	}{{"kill -9", syscall.SIGKILL}, {"terminated", syscall.SIGTERM}} {
		t.Run(how.name, func(t *testing.T) {
			r := keepingAgent(t, "")
			r.submit("survivor", spec{mode: "bridge", network: port(8080), command: counter}.text("survivor"))
			before := r.one("survivor", "running")
			r.page("http://127.0.0.1:8080/")
			started := r.pid(before.ID)
			counted := r.count(before.ID, 1)

			if err := r.agent.Signal(r.ctx, how.signal); err != nil {
				t.Fatal(err)
			}
			if body := r.page("http://127.0.0.1:8080/"); body != "alive\n" {
				t.Errorf("without an agent the port answers %q", body)
			}
			r.start()
			after := r.one("survivor", "running")
			if after.ID != before.ID {
				t.Fatalf("allocation %s was replaced by %s", before.ID, after.ID)
			}
			if now := r.pid(after.ID); now != started {
				t.Errorf("the task was started again: start time %d, then %d", started, now)
			}
			if n := after.TaskStates["main"].Restarts; n != 0 {
				t.Errorf("%d restarts were counted", n)
			}
			if body := r.page("http://127.0.0.1:8080/"); body != "alive\n" {
				t.Errorf("after the return the port answers %q", body)
			}
			r.count(after.ID, counted+5) // what was written meanwhile and what comes now

			r.ok("job", "stop", "-purge", "survivor")
			r.allocsGone("survivor")
			if err := r.agent.Signal(r.ctx, syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			r.onlyNetworkLeft()
		})
	}
}

// count reads the log until it has that many numbers, and checks that it counts without a gap.
func (r *rig) count(alloc string, least int) int {
	r.Helper()
	for {
		lines := strings.Fields(r.ok("alloc", "logs", alloc))
		for i, line := range lines {
			if line != strconv.Itoa(i+1) {
				r.Fatalf("line %d of the log is %q", i+1, line)
			}
		}
		if len(lines) >= least {
			return len(lines)
		}
		if err := r.ctx.Err(); err != nil {
			r.Fatalf("the log has %d lines: %v", len(lines), err)
		}
	}
}

func (r *rig) allocsGone(job string) {
	r.Helper()
	for _, a := range r.allocs(job, nothingRuns) {
		if a.ClientStatus == "running" {
			r.Errorf("allocation %s still runs", a.ID)
		}
	}
}

// onlyNetworkLeft allows what an agent that keeps its state keeps: its bridge and its tables, and its own cgroup without
// tasks; no processes, mounts or namespaces.
func (r *rig) onlyNetworkLeft() {
	r.Helper()
	for _, trace := range r.traces() {
		kind, _, _ := strings.Cut(trace, " ")
		switch {
		case trace == "interface "+r.agent.Bridge, kind == "table":
		case kind == "cgroup" && strings.HasSuffix(trace, "/"+r.agent.Cgroup):
		default:
			r.Errorf("left behind: %s", trace)
		}
	}
}

func TestAJobOfManyTasksLeavesNothingAfterCtrlC(t *testing.T) {
	r := devAgent(t)
	for i := range 4 {
		name := fmt.Sprintf("many-%d", i)
		r.submit(name, spec{mode: []string{"bridge", "none", "host", "bridge"}[i], count: 3,
			command: "trap '' TERM INT; sleep 1000 & wait", task: `      kill_timeout = "1s"`}.text(name))
	}
	for i := range 4 {
		r.allocs(fmt.Sprintf("many-%d", i), running(3))
	}
	if len(r.traces()) < 20 {
		t.Errorf("twelve running tasks show only these traces: %q", r.traces())
	}
	// endClean sends the Ctrl-C and looks.
}

func TestADevAgentAfterAKilledOneStartsCleanAndLeavesNothing(t *testing.T) {
	r := devAgent(t)
	r.submit("orphan", spec{mode: "bridge", network: port(8080), command: served}.text("orphan"))
	r.one("orphan", "running")
	if err := r.agent.Signal(r.ctx, os.Kill); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.load()
	r.submit("orphan", spec{mode: "bridge", network: port(8080), command: served}.text("orphan"))
	r.one("orphan", "running")
	if body := r.page("http://127.0.0.1:8080/"); body != "hello\n" {
		t.Errorf("the page is %q", body)
	}
}

func TestAJobStoppedWhileTheAgentWasAwayIsStoppedOnItsReturn(t *testing.T) {
	r := keepingAgent(t, "")
	r.submit("exits", spec{kind: "batch", group: noRestart, command: untilTold + "; exit 5"}.text("exits"))
	running := r.one("exits", "running")
	if err := r.agent.Signal(r.ctx, os.Kill); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.agent.DataDir(), "client", "alloc", running.ID, "alloc", "go"), nil, 0o644); err != nil { // as tell does through an agent
		t.Fatal(err)
	}
	r.taskGone()
	r.start()
	a := r.one("exits", "failed")
	if e := event(a, "main", "Terminated"); e == nil {
		t.Errorf("no event tells of the end:%s", events(a))
	} else if e.Details["exit_code"] != "5" {
		t.Logf("the exit code was not kept: %s", e.DisplayMessage)
	}
	if err := r.agent.Signal(r.ctx, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}
