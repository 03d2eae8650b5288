package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"berth/structs"
)

// goal is what a monitor waits for when its evaluation is over.
type goal int

const (
	goalNone    goal = iota // the evaluation is not over
	goalStarted             // the allocations have started, or ended
	goalRollout             // the deployment has ended
	goalStopped             // the allocations have ended
)

// progress is what a monitor knows, and says each thing of once. It asks nobody.
type progress struct {
	*env
	verbose bool
	goal    goal
	version uint64 // of the job, when the goal is set

	eval   *structs.Evaluation
	allocs []*structs.AllocListStub
	index  uint64 // allocs are those of
	rolled *structs.Deployment

	seen   map[structs.ID]string // client status by allocation
	told   map[string]int64      // time of the newest event said, by allocation and task
	health string
}

func newProgress(e *env, verbose bool) *progress {
	return &progress{env: e, verbose: verbose, seen: map[structs.ID]string{}, told: map[string]int64{}}
}

func now() string { return time.Now().Format(time.RFC3339) }

func (p *progress) step(format string, args ...any) {
	p.say("%s", p.paint("1", "==> "+now()+": "+fmt.Sprintf(format, args...)))
}

func (p *progress) line(format string, args ...any) {
	p.say("    %s: %s", now(), fmt.Sprintf(format, args...))
}

func (p *progress) over() bool { return p.eval != nil && p.eval.Terminal() }

// evaluation says how the evaluation changed.
func (p *progress) evaluation(x *structs.Evaluation) {
	was := structs.EvalStatusPending
	if p.eval == nil {
		by := "job"
		if x.TriggeredBy != structs.EvalTriggerJobRegister {
			by = x.TriggeredBy + " of job"
		}
		p.line("Evaluation triggered by %s %q", by, x.JobID)
	} else {
		was = p.eval.Status
	}
	if !x.DeploymentID.IsZero() && (p.eval == nil || p.eval.DeploymentID != x.DeploymentID) {
		p.line("Evaluation within deployment: %q", short8(x.DeploymentID, p.verbose))
	}
	if x.Status != was {
		p.line("Evaluation status changed: %q -> %q", was, x.Status)
	}
	p.eval = x
	if !p.over() {
		return
	}
	end := ""
	if len(x.FailedTGAllocs) > 0 {
		end = " but failed to place all allocations:"
	}
	p.step("Evaluation %q finished with status %q%s", short8(x.ID, p.verbose), x.Status, end)
	if x.StatusDescription != "" {
		p.line("%s", x.StatusDescription)
	}
	p.placementFailures(x)
	if !x.BlockedEval.IsZero() && len(x.FailedTGAllocs) > 0 {
		p.line("Evaluation %q waiting for additional capacity to place remainder", short8(x.BlockedEval, p.verbose))
	}
}

// allocations says what happened to the allocations the evaluation is about. An answer older than one before is passed over.
func (p *progress) allocations(index uint64, all []*structs.AllocListStub) {
	if index < p.index {
		return
	}
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b *structs.AllocListStub) int {
		return cmp.Or(cmp.Compare(a.CreateIndex, b.CreateIndex), strings.Compare(a.Name, b.Name))
	})
	p.allocs, p.index = all, index
	for _, a := range all {
		if p.eval == nil || a.ModifyIndex < p.eval.CreateIndex {
			continue
		}
		was, known := p.seen[a.ID]
		p.seen[a.ID] = a.ClientStatus
		id := short8(a.ID, p.verbose)
		switch {
		case !known && a.CreateIndex >= p.eval.CreateIndex:
			p.line("Allocation %q created: node %q, group %q", id, short8(a.NodeID, p.verbose), a.TaskGroup)
			was = structs.AllocClientPending
		case !known:
			p.line("Allocation %q modified: node %q, group %q", id, short8(a.NodeID, p.verbose), a.TaskGroup)
			was = a.ClientStatus
		}
		if was != a.ClientStatus {
			why := ""
			if a.ClientDescription != "" {
				why = " (" + a.ClientDescription + ")"
			}
			p.line("Allocation %q status changed: %q -> %q%s", id, was, a.ClientStatus, why)
		}
		p.events(a)
	}
}

// notable are the events that tell that something goes wrong.
var notable = []string{structs.TaskDriverFailure, structs.TaskSetupFailure, structs.TaskFailedValidation, structs.TaskTerminated, structs.TaskRestarting,
	structs.TaskNotRestarting, structs.TaskArtifactFailed, structs.TaskHookFailed, structs.TaskRestoreFailed, structs.TaskDiskExceeded}

// tells reports an event that explains why a task does not run, or does not run well.
func tells(st *structs.TaskState, ev *structs.TaskEvent) bool {
	switch ev.Type {
	case structs.TaskTerminated:
		return !strings.Contains(eventText(ev), "Exit Code: 0") // the one text of the contract for a good end
	case structs.TaskNotRestarting:
		return st.Failed
	}
	return slices.Contains(notable, ev.Type)
}

// events says what goes wrong in the tasks of an allocation that is meant to run.
func (p *progress) events(a *structs.AllocListStub) {
	if a.DesiredStatus != structs.AllocDesiredRun {
		return
	}
	for _, name := range sortedKeys(a.TaskStates) {
		st := a.TaskStates[name]
		if st == nil || st.Successful() {
			continue
		}
		key := a.ID.String() + "/" + name
		for _, ev := range st.Events {
			if ev.Time <= p.told[key] {
				continue
			}
			p.told[key] = ev.Time
			if tells(st, ev) {
				p.line("Task %q of %q: %s: %s", name, short8(a.ID, p.verbose), ev.Type, eventText(ev))
			}
		}
	}
}

func eventText(e *structs.TaskEvent) string { return cmp.Or(e.DisplayMessage, e.Message) }

// rollout says how far the deployment is.
func (p *progress) rollout(d *structs.Deployment) {
	p.rolled = d
	if text := deploymentHealth(d); text != p.health {
		p.health = text
		p.line("Deployment %q: %s", short8(d.ID, p.verbose), text)
	}
}

// deploymentHealth is how far a rollout is, on one line.
func deploymentHealth(d *structs.Deployment) string {
	parts := make([]string, 0, len(d.TaskGroups))
	for _, name := range sortedKeys(d.TaskGroups) {
		g := d.TaskGroups[name]
		text := fmt.Sprintf("%s %d of %d healthy", name, g.HealthyAllocs, g.DesiredTotal)
		if g.DesiredCanaries > 0 && !g.Promoted {
			text = fmt.Sprintf("%s %d of %d canaries healthy", name, g.HealthyAllocs, g.DesiredCanaries)
		}
		if g.UnhealthyAllocs > 0 {
			text += fmt.Sprintf(", %d unhealthy", g.UnhealthyAllocs)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}
