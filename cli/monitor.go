package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"berth/api"
	"berth/structs"
)

// monitorPoll is how long one question of a monitor is kept open.
const monitorPoll = time.Minute

// monitor follows an evaluation until it is over, and the rollout it belongs to, and says what happens. Exit code 2 when not
// everything could be placed, 1 when the evaluation or the rollout failed.
func (e *env) monitor(ctx context.Context, c *api.Client, id structs.ID, verbose bool) error {
	m := &monitor{env: e, c: c, verbose: verbose, seen: map[structs.ID]string{}}
	m.step("Monitoring evaluation %q", short8(id, verbose))
	last, err := m.evaluation(ctx, id)
	if err != nil {
		return err
	}
	m.step("Evaluation %q finished with status %q", short8(id, verbose), last.Status)
	if last.Status == structs.EvalStatusFailed {
		m.line("%s", last.StatusDescription)
		return exitError{1}
	}
	if len(last.FailedTGAllocs) > 0 || len(last.Explanations) > 0 {
		m.failures(last)
		return exitError{2}
	}
	if last.DeploymentID.IsZero() {
		return nil
	}
	return m.deployment(ctx, last.DeploymentID)
}

// monitor is what was said already.
type monitor struct {
	*env
	c       *api.Client
	verbose bool
	seen    map[structs.ID]string // status of an allocation
	health  string
}

func now() string { return time.Now().Format(time.RFC3339) }

func (m *monitor) step(format string, args ...any) {
	m.say("%s", m.paint("1", "==> "+now()+": "+fmt.Sprintf(format, args...)))
}

func (m *monitor) line(format string, args ...any) {
	m.say("    %s: "+format, append([]any{now()}, args...)...)
}

// evaluation follows one until it is over.
func (m *monitor) evaluation(ctx context.Context, id structs.ID) (*structs.Evaluation, error) {
	q := &api.QueryOptions{WaitTime: monitorPoll}
	status := ""
	for {
		x, meta, err := m.c.Evaluations().Get(ctx, id.String(), q)
		if err != nil {
			return nil, err
		}
		if status == "" {
			m.line("Evaluation triggered by %s %q", map[bool]string{true: "job", false: x.TriggeredBy + " of job"}[x.TriggeredBy == structs.EvalTriggerJobRegister], x.JobID)
			status = structs.EvalStatusPending
		}
		if err := m.allocations(ctx, id); err != nil {
			return nil, err
		}
		if x.Status != status {
			m.line("Evaluation status changed: %q -> %q", status, x.Status)
			status = x.Status
		}
		if x.Terminal() || x.Status == structs.EvalStatusBlocked {
			if !x.DeploymentID.IsZero() {
				m.line("Evaluation within deployment: %q", short8(x.DeploymentID, m.verbose))
			}
			return x, nil
		}
		q.WaitIndex = meta.LastIndex
	}
}

// allocations says what the evaluation made.
func (m *monitor) allocations(ctx context.Context, eval structs.ID) error {
	all, _, err := m.c.Evaluations().Allocations(ctx, eval.String(), nil)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b *structs.AllocListStub) int { return strings.Compare(a.Name, b.Name) })
	for _, a := range all {
		m.allocation(a)
	}
	return nil
}

func (m *monitor) allocation(a *structs.AllocListStub) {
	old, known := m.seen[a.ID]
	m.seen[a.ID] = a.ClientStatus
	switch {
	case !known:
		m.line("Allocation %q created: node %q, group %q", short8(a.ID, m.verbose), short8(a.NodeID, m.verbose), a.TaskGroup)
	case old != a.ClientStatus:
		m.line("Allocation %q status changed: %q -> %q (%s)", short8(a.ID, m.verbose), old, a.ClientStatus, a.ClientDescription)
		if a.ClientStatus == structs.AllocClientFailed {
			m.lastWords(a)
		}
	}
}

// lastWords are the last events of the tasks of an allocation that failed.
func (m *monitor) lastWords(a *structs.AllocListStub) {
	for name, st := range a.TaskStates {
		if st == nil || !st.Failed {
			continue
		}
		for _, ev := range st.Events[max(0, len(st.Events)-3):] {
			m.say("        task %q: %s: %s", name, ev.Type, eventText(ev))
		}
	}
	m.say("        more: berth alloc status %s, berth alloc logs -stderr %s", a.ID.Short(), a.ID.Short())
}

func eventText(e *structs.TaskEvent) string {
	if e.DisplayMessage != "" {
		return e.DisplayMessage
	}
	return e.Message
}

// failures says why groups could not be placed.
func (m *monitor) failures(x *structs.Evaluation) {
	m.step("Not everything could be placed:")
	m.placementFailures(x)
	if !x.BlockedEval.IsZero() {
		m.line("Evaluation %q waits for room and places the rest as soon as there is some", short8(x.BlockedEval, m.verbose))
	}
	m.say("    next: berth why %s", x.JobID)
}

// placementFailures are the groups of an evaluation that found no node, and what each filter removed.
func (e *env) placementFailures(x *structs.Evaluation) {
	names := make([]string, 0, len(x.FailedTGAllocs))
	for name := range x.FailedTGAllocs {
		names = append(names, name)
	}
	for name := range x.Explanations {
		if x.FailedTGAllocs[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		n := 1
		metric := x.FailedTGAllocs[name]
		if metric != nil {
			n += metric.CoalescedFailures
		}
		plural := "s"
		if n == 1 {
			plural = ""
		}
		e.say("    Task Group %q (failed to place %d allocation%s):", name, n, plural)
		if metric != nil {
			e.metric(metric)
		}
		if why := x.Explanations[name]; why != nil {
			e.explanation(why)
		}
	}
}

// metric is the contract's account of filters.
func (e *env) metric(m *structs.AllocMetric) {
	if m.NodesEvaluated == 0 {
		e.say("      * No nodes were eligible for evaluation")
	}
	for _, dc := range sortedKeys(m.NodesAvailable) {
		if m.NodesAvailable[dc] == 0 {
			e.say("      * No nodes are available in datacenter %q", dc)
		}
	}
	for _, k := range sortedKeys(m.ConstraintFiltered) {
		e.say("      * Constraint %q: %d nodes excluded by filter", k, m.ConstraintFiltered[k])
	}
	for _, k := range sortedKeys(m.ClassExhausted) {
		e.say("      * Class %q: %d nodes exhausted", k, m.ClassExhausted[k])
	}
	for _, k := range sortedKeys(m.DimensionExhausted) {
		e.say("      * Dimension %q exhausted on %d nodes", k, m.DimensionExhausted[k])
	}
	for _, d := range m.QuotaExhausted {
		e.say("      * Quota limit hit %q", d)
	}
}

// explanation is why, in words.
func (e *env) explanation(x *structs.Explanation) {
	if x.Summary != "" {
		e.say("      %s", x.Summary)
	}
	if c := x.Closest; c != nil && c.Change != "" {
		e.say("      closest: node %s would fit with %s", c.NodeName, c.Change)
	}
	for _, u := range x.Unblocks {
		e.say("      it goes on when %s", u)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// deployment follows a rollout until it ends.
func (m *monitor) deployment(ctx context.Context, id structs.ID) error {
	m.step("Monitoring deployment %q", short8(id, m.verbose))
	q := &api.QueryOptions{WaitTime: monitorPoll}
	for {
		d, meta, err := m.c.Deployments().Get(ctx, id.String(), q)
		if err != nil {
			return err
		}
		all, _, err := m.c.Deployments().Allocations(ctx, id.String(), nil)
		if err != nil {
			return err
		}
		slices.SortFunc(all, func(a, b *structs.AllocListStub) int { return strings.Compare(a.Name, b.Name) })
		for _, a := range all {
			m.allocation(a)
		}
		if text := deploymentHealth(d); text != m.health {
			m.health = text
			m.line("%s", text)
		}
		switch {
		case !d.Active():
			m.step("Deployment %q %s: %s", short8(id, m.verbose), d.Status, d.StatusDescription)
			if d.Status != structs.DeploymentSuccessful {
				return exitError{1}
			}
			m.say("    next: berth job status %s", d.JobID)
			return nil
		case d.StatusDescription == structs.DeploymentDescNeedsPromotion && canariesHealthy(d):
			m.step("Deployment %q waits for a person: look at the canaries, then `berth deployment promote %s`", short8(id, m.verbose), id.Short())
			return nil
		}
		q.WaitIndex = meta.LastIndex
	}
}

func canariesHealthy(d *structs.Deployment) bool {
	for _, g := range d.TaskGroups {
		if g != nil && g.DesiredCanaries > 0 && !g.Promoted && g.HealthyAllocs < g.DesiredCanaries {
			return false
		}
	}
	return true
}

// deploymentHealth is how far a rollout is, on one line.
func deploymentHealth(d *structs.Deployment) string {
	parts := make([]string, 0, len(d.TaskGroups))
	for _, name := range sortedKeys(d.TaskGroups) {
		g := d.TaskGroups[name]
		text := fmt.Sprintf("%s %d of %d healthy", name, g.HealthyAllocs, g.DesiredTotal)
		if g.UnhealthyAllocs > 0 {
			text += fmt.Sprintf(", %d unhealthy", g.UnhealthyAllocs)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}
