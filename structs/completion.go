package structs

import (
	"slices"
	"strconv"
	"strings"
)

// What follows from an exit code.
const (
	ExitCount     = "count"      // a failure like any other (default)
	ExitIgnore    = "ignore"     // tried again, and not counted
	ExitFailIndex = "fail_index" // the index has failed for good
	ExitFailJob   = "fail_job"   // the job is given up
)

// Bounds of a Completion.
const (
	retriesMax   = 10_000
	exitRulesMax = 32
)

// Completion says when a group of a batch job is done and when it is given up. Being moved, preempted or lost is no failure.
// Beside the contract.
type Completion struct {
	// Retries is how often an index is tried again after failures that count, however long ago; nil leaves it to the reschedule policy.
	Retries *int
	// MaxFailed is how many indexes may fail for good before the job is given up; nil for all of them.
	MaxFailed *int
	// Success is how many indexes must end well: then the rest is stopped. Nil for all.
	Success *int
	Rules   []*ExitRule `json:",omitempty"`
}

// ExitRule says what follows from exit codes. The first one that matches decides.
type ExitRule struct {
	Task      string   // empty for every task of the group
	ExitCodes []string // "3" or "100-120"
	Action    string
}

// Wanted is how many indexes of a group must end well.
func (g *TaskGroup) Wanted() int {
	n := g.Desired()
	if g != nil && g.Completion != nil && g.Completion.Success != nil {
		n = min(n, *g.Completion.Success)
	}
	return n
}

// After is what follows from a task's exit code.
func (c *Completion) After(task string, code int) string {
	if c == nil {
		return ExitCount
	}
	for _, r := range c.Rules {
		if r.Task != "" && r.Task != task {
			continue
		}
		for _, text := range r.ExitCodes {
			if low, high, err := exitCodes(text); err == nil && code >= low && code <= high {
				return r.Action
			}
		}
	}
	return ExitCount
}

// AfterFailure is what follows from a failed allocation: the gravest that follows from the last exit codes of its failed tasks. What
// failed without one counts.
func (c *Completion) AfterFailure(a *Allocation) string {
	grave := []string{ExitIgnore, ExitCount, ExitFailIndex, ExitFailJob}
	worst := -1
	for name, s := range a.TaskStates {
		if s == nil || !s.Failed {
			continue
		}
		action := ExitCount
		if code, ok := s.LastExit(); ok {
			action = c.After(name, code)
		}
		worst = max(worst, slices.Index(grave, action))
	}
	if worst < 0 {
		return ExitCount
	}
	return grave[worst]
}

// LastExit is the exit code of the task's last end; false when it did not end by itself, or nobody saw how.
func (s *TaskState) LastExit() (int, bool) {
	for _, e := range slices.Backward(s.Events) {
		switch e.Type {
		case TaskTerminated:
			code, err := strconv.Atoi(e.Details["exit_code"])
			return code, err == nil && code != 0
		case TaskDriverFailure, TaskSetupFailure:
			return 0, false
		}
	}
	return 0, false
}

// exitCodes reads "3" or "100-120".
func exitCodes(text string) (low, high int, err error) {
	first, last, ranged := strings.Cut(text, "-")
	if low, err = strconv.Atoi(strings.TrimSpace(first)); err != nil {
		return 0, 0, err
	}
	if high = low; ranged {
		high, err = strconv.Atoi(strings.TrimSpace(last))
	}
	return low, high, err
}

func (c *checker) checkCompletion(p *place, g *TaskGroup) {
	d := g.Completion
	if d == nil {
		return
	}
	p = p.in("Completion")
	if c.job.Type != JobTypeBatch && c.knownType() {
		c.fault(p, "a %s job has no completion block", c.job.Type).Hint = "it is for batch jobs"
	}
	bounded := func(field, what string, n *int, low, high int, most string) {
		if n != nil && (*n < low || *n > high) {
			c.fault(p.in(field), "%s is %d; it must be between %d and %s", what, *n, low, most)
		}
	}
	bounded("Retries", "retries", d.Retries, 0, retriesMax, strconv.Itoa(retriesMax))
	bounded("MaxFailed", "max_failed", d.MaxFailed, 0, max(g.Desired()-1, 0), "one less than the count")
	bounded("Success", "success", d.Success, 1, max(g.Desired(), 1), "the count")
	if len(d.Rules) > exitRulesMax {
		c.fault(p.in("Rules"), "there are %d exit rules; at most %d are allowed", len(d.Rules), exitRulesMax)
		return
	}
	for i, r := range d.Rules {
		c.checkExitRule(p.item("Rules", i), g, r)
	}
}

func (c *checker) checkExitRule(p *place, g *TaskGroup, r *ExitRule) {
	c.oneOf(p.in("Action"), "action", r.Action, ExitCount, ExitIgnore, ExitFailIndex, ExitFailJob)
	if r.Task != "" && g.LookupTask(r.Task) == nil {
		c.fault(p.in("Task"), "group %q has no task %q", clip(g.Name), clip(r.Task))
	}
	if len(r.ExitCodes) == 0 {
		c.fault(p.in("ExitCodes"), "codes is empty").Hint = `write codes = ["42", "100-120"]`
	}
	for i, text := range r.ExitCodes {
		if low, high, err := exitCodes(text); err != nil || low < 1 || high > 255 || low > high {
			c.fault(p.item("ExitCodes", i), "%q is no exit code of a failure", clip(text)).Hint = "write a number from 1 to 255, or two with - between them"
		}
	}
}
