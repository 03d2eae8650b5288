package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"berth/e2e/harness"
)

func TestLogsCanBeFollowed(t *testing.T) {
	r := devAgent(t)
	r.submit("talker", spec{command: `i=0; while true; do i=$((i+1)); echo out $i; echo err $i >&2; sleep 0.1; done`}.text("talker"))
	a := r.one("talker", "running")
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.agent.Binary, "alloc", "logs", "-f", a.ID[:8])
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.agent.Host.Start(cmd); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for i := 1; i <= 15; i++ {
		if !lines.Scan() || lines.Text() != fmt.Sprintf("out %d", i) {
			t.Fatalf("line %d is %q (%v)", i, lines.Text(), lines.Err())
		}
	}
	cancel()
	cmd.Wait()
	if out := r.ok("alloc", "logs", "-stderr", a.ID[:8]); !strings.HasPrefix(out, "err 1\nerr 2\n") {
		t.Errorf("standard error: %.100q", out)
	}
	if out := r.ok("alloc", "logs", "-tail", "-n", "1", "-stderr", a.ID[:8]); strings.Count(out, "\n") != 1 {
		t.Errorf("the last line: %q", out)
	}
}

func TestExecGivesStreamsAndTheExitCode(t *testing.T) {
	r := devAgent(t)
	r.submit("shell", spec{command: "sleep 1000", task: `      env { WORD = "inside" }`}.text("shell"))
	a := r.one("shell", "running")
	out := r.run("alloc", "exec", a.ID[:8], "/bin/sh", "-c", "echo $WORD; echo bad >&2; exit 7")
	if out.Code != 7 || out.Stdout != "inside\n" || !strings.Contains(out.Stderr, "bad") {
		t.Errorf("exit code %d, output %q, error %q", out.Code, out.Stdout, out.Stderr)
	}
	big := strings.Repeat("0123456789abcdef\n", 1<<14)
	out = r.runIn(strings.NewReader(big), "alloc", "exec", "-i", a.ID[:8], "/bin/cat")
	if out.Code != 0 || out.Stdout != big {
		t.Errorf("cat gave %d bytes of %d, exit code %d: %s", len(out.Stdout), len(big), out.Code, out.Stderr)
	}
	if out := r.run("alloc", "exec", a.ID[:8], "/bin/nothing"); out.Code == 0 || !strings.Contains(out.Stderr+out.Stdout, "nothing") {
		t.Errorf("a missing command: exit code %d, %s%s", out.Code, out.Stdout, out.Stderr)
	}
}

func TestATaskIsRestartedByItsPolicyAndThenFails(t *testing.T) {
	r := devAgent(t)
	r.submit("failing", spec{command: "echo try; exit 3", group: `
    restart {
      attempts = 2
      interval = "5m"
      delay    = "100ms"
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }`}.text("failing"))
	all := r.allocs("failing", func(all []harness.Alloc) bool { return len(all) == 1 && all[0].ClientStatus == "failed" })
	s := all[0].TaskStates["main"]
	if s.Restarts != 2 || !s.Failed {
		t.Errorf("restarts %d, failed %t, want 2 and true:%s", s.Restarts, s.Failed, events(all[0]))
	}
	if e := event(all[0], "main", "Terminated"); e == nil || e.Details["exit_code"] != "3" {
		t.Errorf("no event tells exit code 3:%s", events(all[0]))
	}
	if out := r.ok("alloc", "logs", all[0].ID); out != "try\ntry\ntry\n" {
		t.Errorf("log of three runs: %q", out)
	}
}

func TestAnOutOfMemoryKillIsReportedAsSuch(t *testing.T) {
	r := devAgent(t)
	r.submit("hungry", spec{memory: 16, kind: "batch", group: noRestart,
		command: "x=a; while true; do x=$x$x; done"}.text("hungry"))
	a := r.one("hungry", "failed")
	e := event(a, "main", "Terminated")
	if e == nil || e.Details["oom_killed"] != "true" || !strings.Contains(strings.ToLower(e.DisplayMessage), "oom") {
		t.Errorf("no event tells of the kill for memory:%s", events(a))
	}
}

func TestAForkBombIsStoppedByThePidsLimit(t *testing.T) {
	r := devAgent(t)
	r.submit("bomb", spec{memory: 128, config: "        pids_limit = 32",
		command: `while true; do sleep 1000 & done 2>/dev/null; sleep 1000`}.text("bomb"))
	r.submit("neighbour", spec{mode: "bridge", network: port(8080), command: served}.text("neighbour"))
	r.one("neighbour", "running")
	if body := r.page("http://127.0.0.1:8080/"); body != "hello\n" {
		t.Errorf("the neighbour answers %q", body)
	}
	r.ok("node", "status")
	a := r.allocs("bomb", func(all []harness.Alloc) bool { return len(all) > 0 && all[0].ClientStatus != "pending" })[0]
	if e := event(a, "main", "Started"); e == nil {
		t.Errorf("the bomb did not start:%s", events(a))
	}
	r.ok("job", "stop", "-purge", "bomb")
}

func TestALogFloodIsHeldByRotation(t *testing.T) {
	r := devAgent(t)
	r.submit("flood", spec{kind: "batch", group: noRestart, memory: 64,
		command: "dd if=/dev/zero bs=1048576 count=64 2>/dev/null | tr '\\000' 'x'; echo; echo the end", task: `
      logs {
        max_files     = 2
        max_file_size = 1
      }`}.text("flood"))
	a := r.one("flood", "complete")
	var files []struct {
		Name string
		Size int64
	}
	if err := r.agent.API.Get(r.ctx, "/v1/client/fs/ls/"+a.ID+"?path=alloc/logs", &files); err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, f := range files {
		total += f.Size
	}
	if total > 4<<20 {
		t.Errorf("a limit of 2 files of 1 MB left %d bytes: %v", total, files)
	}
	if out := r.ok("alloc", "logs", "-tail", "-n", "1", a.ID); !strings.Contains(out, "the end") {
		t.Errorf("the newest line is lost: %.200q", out)
	}
}

func TestNetworkModes(t *testing.T) {
	r := devAgent(t)
	look := `for i in /sys/class/net/*; do echo "link ${i##*/}"; done; readlink /proc/self/ns/net; cat /etc/resolv.conf >/dev/null && echo resolv; sleep 1000`
	for _, mode := range []string{"bridge", "host", "none"} {
		r.submit(mode, spec{mode: mode, command: look}.text(mode))
	}
	own, err := r.agent.Host.Output("readlink", "/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	logs := map[string]string{}
	for _, mode := range []string{"bridge", "host", "none"} {
		a := r.one(mode, "running")
		r.until("it has said where it is", func() bool {
			logs[mode] = r.ok("alloc", "logs", a.ID)
			return strings.Contains(logs[mode], "net:[")
		})
	}
	if !strings.Contains(logs["host"], strings.TrimSpace(own)) {
		t.Errorf("host mode is not the machine's namespace %s: %s", own, logs["host"])
	}
	for _, mode := range []string{"bridge", "none"} {
		if strings.Contains(logs[mode], strings.TrimSpace(own)) {
			t.Errorf("%s mode is in the machine's own namespace", mode)
		}
	}
	// The kernel's own view, from outside: an address in bridge mode, only loopback in none.
	for mode, want := range map[string]string{"bridge": "172.26.", "none": ""} {
		a := r.one(mode, "running")
		out := r.ok("alloc", "exec", a.ID, "/bin/sh", "-c", "ip -4 -o addr show; true")
		if want != "" && !strings.Contains(out, want) {
			t.Errorf("%s mode has no address: %q", mode, out)
		}
		if want == "" && strings.Count(out, "inet ") > strings.Count(out, "inet 127.0.0.1/8") {
			t.Errorf("%s mode has an address: %q", mode, out)
		}
	}
}

func TestAChangedJobIsUpdatedInPlaceOrReplaced(t *testing.T) {
	r := devAgent(t)
	job := spec{command: "sleep 1000", group: `
    update {
      max_parallel     = 1
      min_healthy_time = "100ms"
    }`}
	r.ok("job", "run", r.jobFile("upd", job.text("upd")))
	first := r.one("upd", "running")

	job.job = `  priority = 60`
	r.ok("job", "run", r.jobFile("upd", job.text("upd")))
	same := r.allocs("upd", func(all []harness.Alloc) bool { return len(all) > 0 && all[0].JobVersion == 1 })
	if len(same) != 1 || same[0].ID != first.ID || same[0].ClientStatus != "running" {
		t.Errorf("a change of the priority replaced the allocation: %+v", same)
	}

	job.task = `      env { CHANGED = "yes" }`
	r.ok("job", "run", r.jobFile("upd", job.text("upd")))
	all := r.allocs("upd", func(all []harness.Alloc) bool {
		running, complete := 0, 0
		for _, a := range all {
			switch {
			case a.JobVersion == 2 && a.ClientStatus == "running":
				running++
			case a.ID == first.ID && a.ClientStatus == "complete":
				complete++
			}
		}
		return running == 1 && complete == 1
	})
	if len(all) != 2 {
		t.Errorf("one replacement was wanted, there are %d allocations", len(all))
	}
	var plan struct{ Diff json.RawMessage }
	if _, err := r.agent.API.Call(r.ctx, http.MethodPost, "/v1/job/upd/plan", map[string]any{"Job": registered(r, "upd"), "Diff": true}, &plan); err != nil {
		t.Error(err)
	}
}

// registered is the job as the API shows it.
func registered(r *rig, job string) (out map[string]any) {
	r.Helper()
	if err := r.agent.API.Get(r.ctx, "/v1/job/"+job, &out); err != nil {
		r.Fatal(err)
	}
	return out
}

// TestAJobIsRestarted: its main tasks are restarted where they are, one allocation at a time; with -all-tasks its allocations begin again from
// their prestart tasks. Allocations and their directories stay.
func TestAJobIsRestarted(t *testing.T) {
	r := devAgent(t)
	r.submit("again", spec{count: 2, command: "echo main >> $NOMAD_ALLOC_DIR/told; " + patient, group: `
    task "first" {
      driver = "containerd"
      lifecycle {
        hook = "prestart"
      }
      config {
        image   = "` + boxImage + `"
        command = "/bin/sh"
        args    = ["-c", "echo first >> $NOMAD_ALLOC_DIR/told"]
      }
      resources {
        cpu    = 50
        memory = 32
      }
    }`}.text("again"))
	before := r.allocs("again", func(all []harness.Alloc) bool {
		n := 0
		for _, a := range all {
			if s := a.TaskStates["main"]; s != nil && s.State == "running" {
				n++
			}
		}
		return n == 2
	})
	told := func(want string) {
		t.Helper()
		for _, a := range before {
			if out := r.ok("alloc", "exec", "-task", "main", a.ID, "/bin/sh", "-c", "until [ $(tail -n 1 $NOMAD_ALLOC_DIR/told) = main ]; do sleep 0.1; done; cat $NOMAD_ALLOC_DIR/told"); out != want {
				t.Errorf("allocation %s was told %q, want %q", a.ID, out, want)
			}
		}
	}
	told("first\nmain\n")
	r.ok("job", "restart", "again")
	told("first\nmain\nmain\n")
	r.ok("job", "restart", "-all-tasks", "-batch-size", "100%", "again")
	told("first\nmain\nmain\nfirst\nmain\n")
	for _, a := range r.running("again", 2) {
		if s := a.TaskStates["main"]; s.Failed || s.State != "running" {
			t.Errorf("allocation %s: %s, failed %t:%s", a.ID, s.State, s.Failed, events(a))
		}
		if a.ID != before[0].ID && a.ID != before[1].ID {
			t.Errorf("%s took the place of another", a.ID)
		}
	}
}
