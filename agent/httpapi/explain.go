package httpapi

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"berth/acl"
	"berth/api"
	"berth/internal/cron"
	"berth/state"
	"berth/structs"
)

func (a *API) explainRoutes() {
	a.route("/v1/explain/job/{id}", methods{http.MethodGet: in(acl.ReadJob).then(a.whyJob)})
	a.route("/v1/explain/allocation/{id}", methods{http.MethodGet: ofAlloc(acl.ReadJob).then(a.whyAlloc)})
	a.route("/v1/explain/node/{id}", methods{http.MethodGet: within(nodeRead(), acl.ReadJob).then(a.whyNode)})
}

// maxHistory bounds the history of an explanation.
const maxHistory = 20

func (a *API) whyJob(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		j, err := r.job(s)
		if err != nil {
			return answer{}, err
		}
		_, changed := s.EvalsByJobW(j.Namespace, j.ID)
		_, job := s.JobW(j.Namespace, j.ID)
		return answer{value: explainJob(r.teller(s), j), index: max(j.ModifyIndex, newest(s, s.EvalsByJob(j.Namespace, j.ID), func(e *structs.Evaluation) uint64 { return e.ModifyIndex }, state.TableEvals)), changed: changed, also: job}, nil
	})
}

func explainJob(s teller, j *structs.Job) *api.Why {
	w := &why{Kind: "job", ID: j.ID, Name: j.Name, Namespace: j.Namespace, Facts: []api.WhyFact{}, Waiting: []api.WhyWaiting{}, History: []api.WhyEvent{}}
	running, wanted := map[string]int{}, 0
	ending, failed := 0, 0
	for al := range s.AllocsByJob(j.Namespace, j.ID) {
		switch {
		case al.ClientStatus == structs.AllocClientRunning && !al.ServerTerminal():
			running[al.TaskGroup]++
		case al.ClientStatus == structs.AllocClientRunning:
			ending++
		case al.ClientStatus == structs.AllocClientFailed && al.NextAllocation.IsZero() && al.JobVersion == j.Version:
			failed++
		}
		w.history(al)
		if al.Terminal() || al.ClientStatus == structs.AllocClientRunning {
			continue
		}
		w.Waiting = append(w.Waiting, waitingTasks(al)...)
	}
	w.Waiting = append(w.Waiting, leaving(s.Snapshot, func(al *structs.Allocation) bool { return al.JobID == j.ID && al.Namespace == j.Namespace })...)
	total := 0
	template := j.IsPeriodic() || j.IsParameterized() // nothing of it runs itself
	for _, g := range j.TaskGroups {
		if template {
			break
		}
		wanted += g.Desired()
		total += running[g.Name]
		w.Facts = append(w.Facts, api.WhyFact{Label: "group " + g.Name, Value: fmt.Sprintf("%d of %d running", running[g.Name], g.Desired())})
	}
	w.Facts = append(w.Facts, api.WhyFact{Label: "status", Value: j.Status}, api.WhyFact{Label: "version", Value: fmt.Sprint(j.Version)})
	w.Facts = append(w.Facts, dependFacts(s, j)...)
	if d := s.LatestDeployment(j.Namespace, j.ID); d != nil {
		w.Facts = append(w.Facts, api.WhyFact{Label: "deployment", Value: d.Status + ": " + d.StatusDescription})
	}
	var later []api.WhyWaiting   // what is only waited for until a time: told last, once for each time
	var last *structs.Evaluation // the newest that is over
	suspended := int64(0)        // when; 0 where nobody knows any more
	for e := range s.EvalsByJob(j.Namespace, j.ID) {
		if e.TriggeredBy == structs.EvalTriggerJobSuspend {
			suspended = max(suspended, e.CreateTime)
		}
		if e.Terminal() && e.Status != structs.EvalStatusCancelled && (last == nil || e.ModifyIndex > last.ModifyIndex) {
			last = e
		}
		switch e.Status {
		case structs.EvalStatusBlocked:
			w.Waiting = append(w.Waiting, unplaced(s, e)...)
		case structs.EvalStatusPending:
			reason := "its evaluation is about to be looked at"
			if !e.WaitUntil.IsZero() {
				reason = "its evaluation waits until " + e.WaitUntil.UTC().Format("15:04:05 MST")
			}
			if !slices.ContainsFunc(later, func(x api.WhyWaiting) bool { return x.Reason == reason }) {
				later = append(later, api.WhyWaiting{Subject: "job " + j.ID, Reason: reason, Since: e.CreateTime, Deadline: deadline(e)})
			}
		}
		w.History = append(w.History, api.WhyEvent{Time: e.ModifyTime, Subject: "evaluation " + e.ID.Short(),
			Message: strings.TrimSpace(e.TriggeredBy + " → " + e.Status + " " + e.StatusDescription)})
	}
	w.Waiting = append(w.Waiting, later...)
	switch {
	case j.Stopped():
		w.Summary = "The job is stopped."
	case j.Suspended:
		w.Summary = fmt.Sprintf("The job is suspended; %d of its allocations still run.", total+ending)
		w.Waiting = append([]api.WhyWaiting{{Subject: "job " + j.ID, Reason: "it is suspended: berth job resume " + structs.JobArgs(j.Namespace, j.ID), Since: suspended}}, w.Waiting...)
	case template:
		w.Summary = launches(j, time.Now())
	case len(w.Waiting) > 0:
		w.Summary = fmt.Sprintf("%d of %d allocations run; %s: %s.", total, wanted, w.Waiting[0].Subject, w.Waiting[0].Reason)
	case last != nil && last.Status == structs.EvalStatusFailed:
		w.Summary = fmt.Sprintf("%d of %d allocations run; its last evaluation failed: %s.", total, wanted, last.StatusDescription)
	case j.Status == structs.JobStatusDead && failed > 0:
		w.Summary = fmt.Sprintf("The job has ended; %d of %d failed and are not tried again.", failed, wanted)
	case j.Status == structs.JobStatusDead:
		w.Summary = "The job has ended: everything it was to do is done."
	default:
		w.Summary = fmt.Sprintf("%d of %d allocations run; nothing is waited for.", total, wanted)
	}
	w.finish()
	w.Next = []string{"berth job status " + structs.JobArgs(j.Namespace, j.ID)}
	if len(w.Waiting) == 0 && !j.Stopped() && last != nil && last.Status == structs.EvalStatusFailed {
		w.Next = append(w.Next, "berth job eval "+structs.JobArgs(j.Namespace, j.ID)) // once what it failed for is mended
	}
	return (*api.Why)(w)
}

// launches says of a job that only launches others what launches them.
func launches(j *structs.Job, now time.Time) string {
	const self = "; nothing of it runs by itself."
	switch next := cron.NextLaunch(j, now); {
	case j.IsParameterized():
		return "It is launched by berth job dispatch " + structs.JobArgs(j.Namespace, j.ID) + self
	case next.IsZero():
		return "Its schedule launches nothing: it is switched off, or over" + self
	default:
		return "It is launched by its schedule, next at " + next.Format(time.RFC3339) + self
	}
}

func deadline(e *structs.Evaluation) int64 {
	if e.WaitUntil.IsZero() {
		return 0
	}
	return e.WaitUntil.UnixNano()
}

// unplaced are the groups a blocked evaluation could not place.
func unplaced(s teller, e *structs.Evaluation) []api.WhyWaiting {
	names := make([]string, 0, len(e.FailedTGAllocs)+len(e.Explanations))
	for name := range e.FailedTGAllocs {
		names = append(names, name)
	}
	for name := range e.Explanations {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []api.WhyWaiting
	for _, name := range slices.Compact(names) {
		x := api.WhyWaiting{Subject: "group " + name, Reason: "no node can take it", Since: e.CreateTime, Metrics: e.FailedTGAllocs[name], Explanation: current(s, e, e.Explanations[name])}
		if x.Explanation != nil && x.Explanation.Summary != "" {
			x.Reason = x.Explanation.Summary
		}
		out = append(out, x)
	}
	return out
}

// waitingTasks are tasks of an allocation that do not run yet, with their last event as the reason.
func waitingTasks(al *structs.Allocation) []api.WhyWaiting {
	if len(al.TaskStates) == 0 {
		return []api.WhyWaiting{{Subject: "allocation " + al.ID.Short(), Reason: "its node has not begun with it", Since: al.CreateTime}}
	}
	names := make([]string, 0, len(al.TaskStates))
	for name := range al.TaskStates {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []api.WhyWaiting
	for _, name := range names {
		st := al.TaskStates[name]
		if st == nil || st.State != structs.TaskStatePending {
			continue
		}
		x := api.WhyWaiting{Subject: "task " + name + " of " + al.ID.Short(), Reason: "it has not started", Since: al.CreateTime}
		if n := len(st.Events); n > 0 {
			x.Reason, x.Since = eventText(st.Events[n-1]), st.Events[n-1].Time
			if n > 1 && st.Events[n-1].Type == structs.TaskRestarting { // what it is tried again after
				x.Reason = eventText(st.Events[n-2]) + "; " + x.Reason
			}
		}
		out = append(out, x)
	}
	return out
}

func eventText(e *structs.TaskEvent) string { return cmp.Or(e.DisplayMessage, e.Message, e.Type) }

// why is an explanation being put together.
type why api.Why

// history adds what happened to an allocation.
func (w *why) history(al *structs.Allocation) {
	for name, st := range al.TaskStates {
		if st == nil {
			continue
		}
		for _, e := range st.Events {
			w.History = append(w.History, api.WhyEvent{Time: e.Time, Subject: "task " + name + " of " + al.ID.Short(), Message: e.Type + ": " + eventText(e)})
		}
	}
	if al.ServerTerminal() {
		w.History = append(w.History, api.WhyEvent{Time: al.ModifyTime, Subject: "allocation " + al.ID.Short(), Message: al.DesiredStatus + ": " + al.DesiredDescription})
	}
}

// finish puts the history in order, newest first, and keeps its beginning.
func (w *why) finish() {
	slices.SortStableFunc(w.History, func(a, b api.WhyEvent) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), strings.Compare(a.Subject, b.Subject))
	})
	w.History = w.History[:min(len(w.History), maxHistory)]
}

func (a *API) whyAlloc(r *request) (any, error) {
	id, err := r.id("id", "alloc")
	if err != nil {
		return nil, err
	}
	return r.read(func(s *state.Snapshot) (answer, error) {
		al, changed := s.AllocW(id)
		if al == nil {
			return answer{}, notFound("alloc not found")
		}
		return answer{value: explainAlloc(r.teller(s), al), index: al.ModifyIndex, changed: changed}, nil
	})
}

func explainAlloc(s teller, al *structs.Allocation) *api.Why {
	w := &why{Kind: "allocation", ID: al.ID.String(), Name: al.Name(), Namespace: al.Namespace, Waiting: []api.WhyWaiting{}, History: []api.WhyEvent{}}
	w.Facts = []api.WhyFact{{Label: "status", Value: al.ClientStatus + ", wanted: " + al.DesiredStatus}, {Label: "node", Value: al.NodeName + " (" + al.NodeID.Short() + ")"}}
	for _, f := range []api.WhyFact{{Label: "told by its node", Value: al.ClientDescription}, {Label: "told by the servers", Value: al.DesiredDescription}} {
		if f.Value != "" {
			w.Facts = append(w.Facts, f)
		}
	}
	if m := al.Metrics; m != nil {
		w.Facts = append(w.Facts, api.WhyFact{Label: "placed", Value: fmt.Sprintf("%d nodes were looked at, %d did not fit, %d were full", m.NodesEvaluated, m.NodesFiltered, m.NodesExhausted)})
	}
	w.Facts = append(w.Facts, placementFacts(s, al)...)
	if n := s.Node(al.NodeID); n != nil && n.Status != structs.NodeStatusReady {
		w.Facts = append(w.Facts, api.WhyFact{Label: "its node is", Value: string(n.Status) + " " + n.StatusDescription})
	}
	if !al.Terminal() && al.ClientStatus != structs.AllocClientRunning {
		w.Waiting = waitingTasks(al)
	}
	w.Waiting = append(w.Waiting, leaving(s.Snapshot, func(o *structs.Allocation) bool { return o.ID == al.ID })...)
	w.history(al)
	w.finish()
	switch {
	case len(w.Waiting) > 0:
		w.Summary = fmt.Sprintf("%s: %s.", w.Waiting[0].Subject, w.Waiting[0].Reason)
	case al.ClientStatus == structs.AllocClientFailed && len(w.History) > 0:
		w.Summary = "It failed: " + w.History[0].Message + "."
	default:
		w.Summary = fmt.Sprintf("It is %s, and wanted to %s.", al.ClientStatus, al.DesiredStatus)
	}
	w.Next = []string{"berth alloc status " + al.ID.Short(), "berth alloc logs " + al.ID.Short()}
	return (*api.Why)(w)
}

func (a *API) whyNode(r *request) (any, error) {
	id, err := r.id("id", "node")
	if err != nil {
		return nil, err
	}
	return r.read(func(s *state.Snapshot) (answer, error) {
		n, changed := s.NodeW(id)
		if n == nil {
			return answer{}, notFound("node not found")
		}
		return answer{value: explainNode(s, n, r.sees), index: n.ModifyIndex, changed: changed}, nil
	})
}

func explainNode(s *state.Snapshot, n *structs.Node, sees func(namespace string) bool) *api.Why {
	w := &why{Kind: "node", ID: n.ID.String(), Name: n.Name, Waiting: []api.WhyWaiting{}, History: []api.WhyEvent{}}
	running := 0
	for al := range s.AllocsByNode(n.ID) {
		if al.ClientStatus == structs.AllocClientRunning {
			running++
		}
	}
	w.Facts = []api.WhyFact{{Label: "status", Value: strings.TrimSpace(string(n.Status) + " " + n.StatusDescription)},
		{Label: "placements", Value: n.SchedulingEligibility}, {Label: "running allocations", Value: fmt.Sprint(running)}}
	names := make([]string, 0, len(n.Drivers))
	for name := range n.Drivers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if d := n.Drivers[name]; d != nil && !d.Healthy {
			w.Waiting = append(w.Waiting, api.WhyWaiting{Subject: "driver " + name, Reason: d.HealthDescription, Since: d.UpdateTime.UnixNano()})
		}
	}
	if n.DrainStrategy != nil {
		w.Waiting = append(w.Waiting, api.WhyWaiting{Subject: "drain", Reason: fmt.Sprintf("%d allocations have to leave", running),
			Since: n.DrainStrategy.StartedAt.UnixNano()})
	}
	w.Waiting = append(w.Waiting, leaving(s, func(al *structs.Allocation) bool { return al.NodeID == n.ID && sees(al.Namespace) })...)
	for _, t := range n.Taints {
		w.Facts = append(w.Facts, api.WhyFact{Label: "taint", Value: t.String()})
	}
	for _, e := range n.Events {
		w.History = append(w.History, api.WhyEvent{Time: e.Timestamp.UnixNano(), Subject: e.Subsystem, Message: e.Message})
	}
	w.finish()
	switch {
	case n.Ready():
		w.Summary = "The node is ready and takes allocations."
	case n.Status != structs.NodeStatusReady:
		w.Summary = fmt.Sprintf("The node is %s: the servers have not heard of it in time.", n.Status)
	case n.DrainStrategy != nil:
		w.Summary = "The node is being drained and takes nothing."
	default:
		w.Summary = "The node is not eligible for placements; make it so with berth node eligibility -enable " + n.ID.Short() + "."
	}
	w.Next = []string{"berth node status " + n.ID.Short()}
	return (*api.Why)(w)
}
