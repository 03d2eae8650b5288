package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"berth/e2e/harness"
	"berth/structs"
)

// testTimeout bounds one test; what hangs fails with the agent's log. It is for a machine that is busy with other things: none takes long on a quiet one.
const testTimeout = 5 * time.Minute

// rig is one test's machine and agent.
type rig struct {
	*testing.T
	ctx   context.Context
	agent *harness.Agent
}

// newRig makes a machine and an agent that is not started yet. In the end the machine must be clean.
func newRig(t *testing.T, o harness.Options) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	t.Cleanup(cancel)
	// Why not t.TempDir: sockets below it have paths longer than the kernel takes.
	dir, err := os.MkdirTemp("/tmp", "e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	host, err := harness.NewHost(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	o.Binary, o.Dir, o.Host = shared.binary, dir, host
	r := &rig{T: t, ctx: ctx, agent: shared.fleet.New(o)}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the agent's log:\n%s", tail(quiet(r.agent.Log()), 80))
			saidLast(t)
		}
		if err := r.agent.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// devAgent is an agent in -dev with both images loaded; in the end it gets a Ctrl-C and must leave nothing.
func devAgent(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, harness.Options{})
	r.start()
	r.load()
	t.Cleanup(r.endClean)
	return r
}

// keepingAgent is a server and client that keep their state and their tasks over a restart.
func keepingAgent(t *testing.T, extra string) *rig {
	t.Helper()
	r := newRig(t, harness.Options{Persistent: true, Extra: extra})
	r.start()
	r.load()
	return r
}

func (r *rig) start() {
	r.Helper()
	if err := r.agent.Start(r.ctx); err != nil {
		r.Fatal(err)
	}
}

// load puts both images into the node's store.
func (r *rig) load() {
	r.Helper()
	r.ok("image", "load", shared.web)
	r.ok("image", "load", shared.box)
}

// endClean sends Ctrl-C and compares the machine with a clean one.
func (r *rig) endClean() {
	if r.Failed() || !r.agent.Running() {
		return
	}
	if err := r.agent.Signal(r.ctx, syscall.SIGINT); err != nil {
		r.Error(err)
		return
	}
	if err := r.agent.Exit(); err != nil {
		r.Errorf("the agent ended with %v after Ctrl-C", err)
	}
	r.nothingLeft()
}

// nothingLeft fails when the machine still holds something of the agent (I22).
func (r *rig) nothingLeft() {
	r.Helper()
	left, err := harness.Traces(r.agent.Scope())
	if err != nil {
		r.Error(err)
	}
	if len(left) > 0 {
		r.Errorf("the agent left behind:\n  %s", strings.Join(left, "\n  "))
	}
}

// run runs a command line.
func (r *rig) run(args ...string) harness.Outcome {
	r.Helper()
	return r.runIn(nil, args...)
}

func (r *rig) runIn(stdin io.Reader, args ...string) harness.Outcome {
	r.Helper()
	out, err := r.agent.Run(r.ctx, stdin, args...)
	if err != nil {
		r.Fatalf("berth %s: %v\n%s%s", strings.Join(args, " "), err, out.Stdout, out.Stderr)
	}
	return out
}

// ok runs a command line that must succeed, and gives its standard output. While another server begins to lead it may be told to try again.
func (r *rig) ok(args ...string) string {
	r.Helper()
	out := r.run(args...)
	for out.Code != 0 && (strings.Contains(out.Stderr, "try again") || strings.Contains(out.Stderr, "No cluster leader")) && r.ctx.Err() == nil {
		out = r.run(args...)
	}
	if out.Code != 0 {
		r.Fatalf("berth %s: exit code %d\n%s%s", strings.Join(args, " "), out.Code, out.Stdout, out.Stderr)
	}
	return out.Stdout
}

// fails runs a command line that must fail, and checks that its error says all of the texts.
func (r *rig) fails(texts []string, args ...string) harness.Outcome {
	r.Helper()
	out := r.run(args...)
	if out.Code == 0 {
		r.Fatalf("berth %s succeeded:\n%s", strings.Join(args, " "), out.Stdout)
	}
	for _, text := range texts {
		if !strings.Contains(out.Stderr+out.Stdout, text) {
			r.Errorf("berth %s does not say %q:\n%s%s", strings.Join(args, " "), text, out.Stdout, out.Stderr)
		}
	}
	return out
}

// jobFile writes a job file and gives its path.
func (r *rig) jobFile(name, text string) string {
	r.Helper()
	file := filepath.Join(r.agent.Dir, name+".hcl")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		r.Fatal(err)
	}
	return file
}

// submit registers a job without waiting for it.
func (r *rig) submit(name, text string, flags ...string) {
	r.Helper()
	r.ok(append(append([]string{"job", "run", "-detach"}, flags...), r.jobFile(name, text))...)
}

// allocs waits for a job's allocations, newest first.
func (r *rig) allocs(job string, done func([]harness.Alloc) bool) []harness.Alloc {
	r.Helper()
	all, err := r.agent.API.JobAllocs(r.ctx, job, done)
	if err != nil {
		r.Fatal(err)
	}
	return all
}

// one waits for the job's only allocation to have a client status.
func (r *rig) one(job, status string) harness.Alloc {
	r.Helper()
	all := r.allocs(job, func(all []harness.Alloc) bool {
		if len(all) == 1 && all[0].ClientStatus != status && (all[0].ClientStatus == "failed" || all[0].ClientStatus == "complete") {
			r.Fatalf("allocation of %s is %s, waited for %s: %s", job, all[0].ClientStatus, status, events(all[0]))
		}
		return len(all) == 1 && all[0].ClientStatus == status
	})
	return all[0]
}

// events are an allocation's task events in words.
func events(a harness.Alloc) string {
	var b strings.Builder
	for task, s := range a.TaskStates {
		for _, e := range s.Events {
			fmt.Fprintf(&b, "\n  %s: %s: %s", task, e.Type, e.DisplayMessage)
		}
	}
	return b.String()
}

// event finds a task's last event of a type, nil if there is none.
func event(a harness.Alloc, task, kind string) *structs.TaskEvent {
	var found *structs.TaskEvent
	if s := a.TaskStates[task]; s != nil {
		for _, e := range s.Events {
			if e.Type == kind {
				found = e
			}
		}
	}
	return found
}

// get asks a server on the agent's machine for a page.
func (r *rig) get(url string) (string, error) {
	req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := r.agent.Client().Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// page waits until a server answers: a started process need not listen yet, and nothing announces that it does.
func (r *rig) page(url string) string {
	r.Helper()
	for {
		body, err := r.get(url)
		if err == nil {
			return body
		}
		select {
		case <-r.ctx.Done():
			r.Fatalf("%s does not answer: %v", url, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func tail(text string, lines int) string {
	all := strings.Split(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// quiet is an agent's log without what gossip says all the time, and without the ends of very long lines.
func quiet(log string) string {
	var out []string
	for _, line := range strings.Split(log, "\n") {
		if !strings.Contains(line, "[DEBUG] berth.gossip") {
			out = append(out, fmt.Sprintf("%.400s", line))
		}
	}
	return strings.Join(out, "\n")
}
