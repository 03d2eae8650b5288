package e2e

import (
	"strings"
	"testing"

	"berth/e2e/harness"
)

// running waits for a job to have so many allocations that run and are meant to.
func (r *rig) running(job string, n int) []harness.Alloc {
	r.Helper()
	var out []harness.Alloc
	r.allocs(job, func(all []harness.Alloc) bool {
		out = nil
		for _, a := range all {
			if a.DesiredStatus == "run" && a.ClientStatus == "running" {
				out = append(out, a)
			}
		}
		return len(out) == n
	})
	return out
}

// ended waits for an allocation to have ended because it was asked to.
func (r *rig) ended(job, id string) {
	r.Helper()
	r.allocs(job, func(all []harness.Alloc) bool {
		for _, a := range all {
			if a.ID == id {
				return a.DesiredStatus == "stop" && a.ClientStatus == "complete"
			}
		}
		return false
	})
}

func TestATaintEvictsWhoDoesNotTolerateIt(t *testing.T) {
	r := devAgent(t)
	const sleep = "trap 'exit 0' TERM; while true; do sleep 0.1; done"
	tolerates := func(duration string) string {
		return "  toleration {\n    key = \"maintenance\"\n    operator = \"exists\"\n    effect = \"NoExecute\"\n    duration = \"" + duration + "\"\n  }\n"
	}
	jobs := map[string]string{"fast": "", "brief": tolerates("1s"), "patient": tolerates("1h")}
	first := map[string]string{}
	for _, name := range []string{"fast", "brief", "patient"} {
		r.submit(name, spec{command: sleep, job: jobs[name]}.text(name))
		first[name] = r.running(name, 1)[0].ID
	}
	r.ok("node", "taint", "-add", "maintenance:NoExecute", "-self")
	r.ended("fast", first["fast"])
	r.ended("brief", first["brief"])
	if now := r.running("patient", 1)[0].ID; now != first["patient"] {
		t.Errorf("allocation %s was replaced by %s", first["patient"], now)
	}
	if why := r.ok("why", "fast"); !strings.Contains(why, "taint maintenance:NoExecute") {
		t.Errorf("why fast:\n%s", why)
	}
	r.ok("node", "taint", "-remove", "maintenance", "-self")
	for _, name := range []string{"fast", "brief", "patient"} {
		if now := r.running(name, 1)[0].ID; (now == first[name]) != (name == "patient") {
			t.Errorf("%s ran as %s, and runs as %s", name, first[name], now)
		}
	}
}

func TestADrainWaitsForABudgetUntilItsDeadline(t *testing.T) {
	r := devAgent(t)
	const sleep = "trap 'exit 0' TERM; while true; do sleep 0.1; done"
	// Healthy first: what is still to be judged is not held.
	r.ok("job", "run", r.jobFile("held", spec{command: sleep, count: 2, job: "  update {\n    min_healthy_time = \"0s\"\n  }\n",
		group: "    disruption {\n      min_available = 2\n    }\n"}.text("held")))
	r.submit("free", spec{command: sleep}.text("free"))
	held, free := r.running("held", 2), r.running("free", 1)[0].ID
	r.ok("node", "drain", "-enable", "-no-deadline", "-detach", "-yes", "-self")
	r.ended("free", free)
	const budget = "the disruption block of group g of job held: 2 of 2 allocations are available, and 2 must stay so"
	for _, args := range [][]string{{"why", "held"}, {"node", "status", "-self"}} {
		if text := r.ok(args...); !strings.Contains(text, budget) {
			t.Errorf("berth %s does not name the budget:\n%s", strings.Join(args, " "), text)
		}
	}
	r.running("held", 2)
	r.ok("node", "drain", "-enable", "-deadline", "1s", "-detach", "-yes", "-self")
	for _, a := range held {
		r.ended("held", a.ID)
	}
	r.ok("node", "drain", "-disable", "-yes", "-self")
	r.running("held", 2)
	r.running("free", 1)
}
