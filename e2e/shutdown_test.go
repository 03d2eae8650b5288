package e2e

import (
	"fmt"
	"syscall"
	"testing"

	"berth/e2e/harness"
)

// An agent that is told to end lets its work leave first, the least important first and system jobs last; a second signal ends it at once.
// When it is back, its node takes work again.
func TestANodeIsDrainedBeforeItsAgentEnds(t *testing.T) {
	r := newRig(t, harness.Options{Persistent: true})
	r.agent.Config = fmt.Sprintf(`bind_addr = "127.0.0.1"
leave_on_terminate = true
server {
  enabled = true
  bootstrap_expect = 1
}
client {
  enabled = true
  bridge_network_name = %q
  cgroup_parent = %q
  drain_on_shutdown {
    deadline = "10m"
  }
}
`, r.agent.Bridge, r.agent.Cgroup)
	r.start()
	r.load()
	const ends = "trap 'exit 0' TERM; while true; do sleep 0.1; done"
	order := []string{"low", "high", "everywhere"}
	first := map[string]string{}
	for _, name := range order {
		s := spec{command: ends, job: "  priority = " + map[string]string{"low": "20", "high": "80", "everywhere": "10"}[name] + "\n"}
		if name == "everywhere" {
			s.kind = "system"
		}
		r.submit(name, s.text(name))
		first[name] = r.one(name, "running").ID
	}
	r.end()
	if err := r.agent.Exit(); err != nil {
		t.Errorf("the agent ended with %v", err)
	}
	r.start()
	var before int64
	for _, name := range order {
		for _, a := range r.allocs(name, func(all []harness.Alloc) bool { return true }) {
			if a.ID != first[name] {
				continue
			}
			task := a.TaskStates["main"]
			if a.ClientStatus != "complete" || task.FinishedAt.IsZero() {
				t.Fatalf("%s is %s: %+v", name, a.ClientStatus, task)
			}
			for _, e := range task.Events {
				if e.Type == "Killing" && e.Time < before {
					t.Errorf("%s was told to end before those before it had", name)
				}
			}
			before = task.FinishedAt.UnixNano()
		}
	}
	for _, name := range order {
		if now := r.running(name, 1)[0].ID; now == first[name] {
			t.Errorf("%s runs as it did before", name)
		}
	}

	// Something that does not end keeps the agent, until it is told again.
	r.submit("stays", spec{kind: "batch", command: "trap '' TERM; while true; do sleep 0.1; done"}.text("stays"))
	stays := r.one("stays", "running").ID
	if err := syscall.Kill(r.agent.Pid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	r.allocs("low", func(all []harness.Alloc) bool { return len(all) > 0 && all[0].ClientStatus != "running" })
	r.end()
	r.start()
	if a := r.one("stays", "running"); a.ID != stays {
		t.Errorf("%s took the place of %s", a.ID, stays)
	}
	r.running("low", 1)
	for _, name := range append(order, "stays") {
		r.ok("job", "stop", "-purge", "-detach", name)
	}
	for _, name := range append(order, "stays") {
		r.allocsGone(name)
	}
	r.end()
}

// end tells the agent to end, and waits until it has.
func (r *rig) end() {
	r.Helper()
	if err := r.agent.Signal(r.ctx, syscall.SIGTERM); err != nil {
		r.Fatal(err)
	}
}
