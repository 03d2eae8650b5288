package taskrunner

import (
	"fmt"
	"time"

	"berth/structs"
)

// jitterFraction of the delay is the most that is added to it, so that tasks that failed together do not return together.
const jitterFraction = 0.25

// policy is a task's restart policy with everything filled in.
type policy struct {
	attempts int
	interval time.Duration
	delay    time.Duration
	mode     string
	// onSuccess: an end without failure is followed by a start too.
	onSuccess bool
}

// policyOf derives the policy from the job: services and system jobs start again after a success, batch jobs and tasks
// that run beside the main ones only once do not.
func policyOf(jobType string, t *structs.Task) policy {
	p := policy{mode: structs.RestartModeFail}
	if r := t.RestartPolicy; r != nil {
		p.attempts, p.interval, p.delay = deref(r.Attempts), deref(r.Interval), deref(r.Delay)
		if r.Mode != nil {
			p.mode = *r.Mode
		}
	}
	p.onSuccess = jobType == structs.JobTypeService || jobType == structs.JobTypeSystem
	if !t.IsMain() {
		p.onSuccess = t.Lifecycle.Sidecar
	}
	return p
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// tally counts the ends of the current interval.
type tally struct {
	Since time.Time
	Ends  int
}

// ending is how an attempt ended, or how it failed to start.
type ending struct {
	// success: it ran to its end and nothing was wrong.
	success bool
	// hopeless: trying again cannot help.
	hopeless bool
	// asked: a user or a rule ended it in order to start it again.
	asked bool
	// after says what follows from its exit code, when the group's completion block says so.
	after string
}

// verdict is what follows from an ending.
type verdict struct {
	restart bool
	failed  bool // only without restart
	delay   time.Duration
	reason  string
}

// The reasons of the contract.
const (
	reasonWithin    = "Restart within policy"
	reasonNone      = "Policy allows no restarts"
	reasonSuccess   = "Restart unnecessary as task terminated successfully"
	reasonHopeless  = "Error was unrecoverable"
	reasonRequested = "Restart requested"
	reasonFatal     = "Exit code allows no restarts"
	reasonIgnored   = "Exit code does not count as a failure"
)

// judge applies the policy. jitter, from 0 to 1, is the share of the greatest jitter to add.
func judge(p policy, t tally, e ending, now time.Time, jitter float64) (verdict, tally) {
	if e.asked {
		return verdict{restart: true, reason: reasonRequested}, t
	}
	if e.success && !p.onSuccess {
		return verdict{reason: reasonSuccess}, t
	}
	if e.hopeless {
		return verdict{failed: true, reason: reasonHopeless}, t
	}
	if e.after == structs.ExitFailIndex || e.after == structs.ExitFailJob {
		return verdict{failed: true, reason: reasonFatal}, t
	}
	if p.attempts <= 0 && p.mode == structs.RestartModeFail {
		return verdict{failed: !e.success, reason: reasonNone}, t
	}
	if e.after == structs.ExitIgnore {
		return verdict{restart: true, delay: p.delay + time.Duration(jitter*jitterFraction*float64(p.delay)), reason: reasonIgnored}, t
	}
	if end := t.Since.Add(p.interval); t.Since.IsZero() || !now.Before(end) {
		t = tally{Since: now}
	}
	t.Ends++
	delay := p.delay + time.Duration(jitter*jitterFraction*float64(p.delay))
	if t.Ends <= p.attempts {
		return verdict{restart: true, delay: delay, reason: reasonWithin}, t
	}
	reason := fmt.Sprintf("Exceeded allowed attempts %d in interval %v and mode is %q", p.attempts, p.interval, p.mode)
	if p.mode == structs.RestartModeDelay {
		return verdict{restart: true, delay: t.Since.Add(p.interval).Sub(now) + delay - p.delay, reason: reason}, t
	}
	return verdict{failed: !e.success, reason: reason}, t
}
