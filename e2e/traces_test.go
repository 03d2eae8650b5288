package e2e

import (
	"strings"
	"time"

	"berth/e2e/harness"
)

// traces is what the agent has put into the kernel.
func (r *rig) traces() []string {
	r.Helper()
	all, err := harness.Traces(r.agent.Scope())
	if err != nil {
		r.Fatal(err)
	}
	return all
}

// taskGone waits until no task of the agent runs a shell: with no agent there, nothing can be asked but the process table.
func (r *rig) taskGone() {
	r.Helper()
	for {
		found := false
		for _, t := range r.traces() {
			found = found || (strings.HasPrefix(t, "process ") && strings.Contains(t, "/bin/sh -c"))
		}
		if !found {
			return
		}
		select {
		case <-r.ctx.Done():
			r.Fatalf("a task still runs: %q", r.traces())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// running is a condition: as many allocations run.
func running(n int) func([]harness.Alloc) bool {
	return func(all []harness.Alloc) bool {
		have := 0
		for _, a := range all {
			if a.ClientStatus == "running" {
				have++
			}
		}
		return have >= n
	}
}

// nothingRuns is a condition: every allocation ended.
func nothingRuns(all []harness.Alloc) bool {
	for _, a := range all {
		if a.ClientStatus == "running" || a.ClientStatus == "pending" {
			return false
		}
	}
	return true
}
