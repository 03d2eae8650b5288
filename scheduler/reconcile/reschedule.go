package reconcile

import (
	"slices"
	"time"

	"berth/structs"
)

const (
	// rescheduleSlack is how early a replacement may be made: waiting less is not worth an evaluation.
	rescheduleSlack = time.Second
	// followUpWindow is how far apart replacements may be to share one follow-up evaluation.
	followUpWindow = 5 * time.Second
	// rescheduleEventsMax is how many events a tracker keeps when attempts are unlimited.
	rescheduleEventsMax = 5
)

// What a tracker's LastReschedule says.
const (
	rescheduleOK      = "ok"
	reschedulePending = "pending"
	rescheduleNoMore  = "no more attempts"
)

// rescheduleAt tells when a failed allocation may be replaced; not eligible means never.
func (r *reconciler) rescheduleAt(a *structs.Allocation, group *structs.TaskGroup) (at time.Time, eligible bool) {
	if t := a.DesiredTransition.ForceReschedule; t != nil && *t {
		return r.in.Now, true
	}
	// While a deployment watches over it, the deployment's rules decide whether it goes on.
	if r.deployment.Active() && a.DeploymentID == r.deployment.ID {
		if t := a.DesiredTransition.Reschedule; t == nil || !*t {
			return time.Time{}, false
		}
	}
	p := group.ReschedulePolicy
	if p == nil {
		return time.Time{}, false
	}
	failed := FailTime(a)
	if c := group.Completion; c != nil && r.batch {
		switch after := c.AfterFailure(a); {
		case after == structs.ExitFailIndex || after == structs.ExitFailJob:
			return time.Time{}, false
		case after == structs.ExitIgnore:
			return failed.Add(Delay(a, p)), true
		case c.Retries != nil:
			return failed.Add(Delay(a, p)), failuresBefore(a) < *c.Retries
		}
	}
	if !deref(p.Unlimited) && attemptsIn(a.RescheduleTracker, failed.Add(-deref(p.Interval))) >= deref(p.Attempts) {
		return time.Time{}, false
	}
	return failed.Add(Delay(a, p)), true
}

func attemptsIn(t *structs.RescheduleTracker, since time.Time) int {
	n := 0
	if t != nil {
		for _, e := range t.Events {
			if e.RescheduleTime > since.UnixNano() && !e.Ignored {
				n++
			}
		}
	}
	return n
}

// FailTime is when the allocation's last task ended, or when its client last reported.
func FailTime(a *structs.Allocation) time.Time {
	var last time.Time
	for _, s := range a.TaskStates {
		if s.FinishedAt.After(last) {
			last = s.FinishedAt
		}
	}
	if last.IsZero() {
		return time.Unix(0, a.ModifyTime)
	}
	return last
}

// Delay is how long after its failure an allocation is replaced: constant, doubling, or the sum of the last two, from the
// policy's delay up to its maximum, and from the start again after a run longer than that maximum.
func Delay(a *structs.Allocation, p *structs.ReschedulePolicy) time.Duration {
	base := deref(p.Delay)
	t := a.RescheduleTracker
	if t == nil || len(t.Events) == 0 {
		return base
	}
	var d time.Duration
	last := t.Events[len(t.Events)-1]
	switch deref(p.DelayFunction) {
	case "exponential":
		d = last.Delay * 2
	case "fibonacci":
		d = last.Delay
		if n := len(t.Events); n > 1 {
			d += t.Events[n-2].Delay
		}
	default:
		return base
	}
	limit := deref(p.MaxDelay)
	if limit <= 0 || d < limit {
		return max(d, base)
	}
	if FailTime(a).Sub(time.Unix(0, last.RescheduleTime)) > limit {
		return base
	}
	return limit
}

// track adds a replacement to the chain of a failed allocation.
func (r *reconciler) track(a *structs.Allocation, group *structs.TaskGroup) (*structs.RescheduleTracker, []structs.ID) {
	var events []*structs.RescheduleEvent
	if a.RescheduleTracker != nil {
		events = slices.Clone(a.RescheduleTracker.Events)
	}
	p := group.ReschedulePolicy
	var delay time.Duration
	if p != nil {
		delay = Delay(a, p)
		if deref(p.Unlimited) {
			events = events[max(0, len(events)-(rescheduleEventsMax-1)):]
		} else if interval := deref(p.Interval); interval > 0 {
			since := r.in.Now.Add(-interval).UnixNano()
			events = slices.DeleteFunc(events, func(e *structs.RescheduleEvent) bool { return e.RescheduleTime < since })
		}
	}
	ignored := r.batch && a.ClientStatus == structs.AllocClientFailed && group.Completion.AfterFailure(a) == structs.ExitIgnore
	events = append(events, &structs.RescheduleEvent{
		RescheduleTime: r.in.Now.UnixNano(), PrevAllocID: a.ID, PrevNodeID: a.NodeID, Delay: delay, Ignored: ignored,
	})
	var avoid []structs.ID
	for _, e := range events {
		if !slices.Contains(avoid, e.PrevNodeID) {
			avoid = append(avoid, e.PrevNodeID)
		}
	}
	t := &structs.RescheduleTracker{Events: events, LastReschedule: rescheduleOK}
	if group.Completion != nil && group.Completion.Retries != nil {
		if t.Failures = failuresBefore(a); !ignored {
			t.Failures++
		}
	}
	return t, avoid
}

// followUps makes evaluations for what must wait, those close together sharing one, and notes them on the allocations.
func (r *reconciler) followUps(waiting []delayed) {
	slices.SortStableFunc(waiting, func(x, y delayed) int {
		if c := x.at.Compare(y.at); c != 0 {
			return c
		}
		return x.alloc.ID.Compare(y.alloc.ID)
	})
	open := map[string]*structs.Evaluation{}
	for _, w := range waiting {
		if r.awaited(w) {
			continue
		}
		e := open[w.trigger]
		if e == nil || w.at.Sub(e.WaitUntil) > followUpWindow {
			e = r.followUp(w.trigger, w.at)
			open[w.trigger] = e
		}
		r.annotate(w.alloc, e.ID)
	}
}

// awaited reports that an evaluation waits for the allocation's time already.
func (r *reconciler) awaited(w delayed) bool {
	id := w.alloc.FollowupEvalID
	if id.IsZero() || id == r.in.Eval.ID {
		return false
	}
	e := r.in.EvalByID(id)
	return e != nil && e.Status == structs.EvalStatusPending && !e.WaitUntil.IsZero() && !e.WaitUntil.After(w.at.Add(followUpWindow))
}

func (r *reconciler) followUp(trigger string, at time.Time) *structs.Evaluation {
	ev := r.in.Eval
	e := &structs.Evaluation{
		ID: r.in.IDs.NewID(), Namespace: ev.Namespace, Priority: ev.Priority, Type: ev.Type, TriggeredBy: trigger,
		JobID: ev.JobID, JobModifyIndex: ev.JobModifyIndex, Status: structs.EvalStatusPending,
		StatusDescription: followUpReason[trigger], WaitUntil: at, PreviousEval: ev.ID,
		CreateTime: r.in.Now.UnixNano(), ModifyTime: r.in.Now.UnixNano(),
	}
	if r.job != nil {
		e.Priority = r.job.Priority
	}
	r.res.FollowUps = append(r.res.FollowUps, e)
	return e
}

var followUpReason = map[string]string{
	structs.EvalTriggerAllocReschedule:  "created for delayed rescheduling",
	structs.EvalTriggerRetryFailedAlloc: "created to replace what its node stops by itself",
	structs.EvalTriggerReconnect:        "created to look whether its node tells of what was out of sight",
	structs.EvalTriggerMaxDisconnect:    "created to end the wait for a disconnected node",
}

// annotate notes a follow-up evaluation on an allocation, in the update it may have already.
func (r *reconciler) annotate(a *structs.Allocation, id structs.ID) {
	r.update(a).FollowupEvalID = id
}

// update is the allocation's entry in the plan.
func (r *reconciler) update(a *structs.Allocation) *structs.PlanUpdate {
	u, ok := r.updates[a.ID]
	if !ok {
		u = &structs.PlanUpdate{AllocID: a.ID, JobVersion: a.JobVersion, DeploymentID: a.DeploymentID}
		r.updates[a.ID] = u
		r.res.Update = append(r.res.Update, u)
	}
	return u
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
