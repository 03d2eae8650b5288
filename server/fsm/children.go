package fsm

import (
	"slices"
	"time"

	"berth/state"
	"berth/structs"
)

// schedule begins, changes or ends the following of a job's schedule. What is due already stays due when only something else of
// the job changes; another schedule begins now.
func (a *applier) schedule(job, old *structs.Job) {
	was := a.txn.PeriodicLaunch(job.Namespace, job.ID)
	if !job.FollowsSchedule() {
		if was != nil {
			a.txn.DeletePeriodicLaunch(job.Key())
		}
		return
	}
	l := structs.PeriodicLaunch{Namespace: job.Namespace, JobID: job.ID, Launch: a.at}
	if was != nil {
		l = *was
		if old == nil || !old.IsPeriodic() || !slices.Equal(old.Periodic.Crons(), job.Periodic.Crons()) || old.Periodic.Zone() != job.Periodic.Zone() {
			l.Launch = max(l.Launch, a.at)
		}
	}
	a.txn.PutPeriodicLaunch(&l)
}

// periodicLaunch answers the instance, nil when the overlap policy left it out. A launch that was made already answers what it
// made, and changes nothing.
func (a *applier) periodicLaunch(c *structs.PeriodicLaunchCommand) (any, error) {
	const cmd = structs.CmdPeriodicLaunch
	job := a.txn.Job(c.Namespace, c.JobID)
	subject := quoted("job", c.JobID)
	switch {
	case job == nil:
		return nil, fault(cmd, structs.KindNotFound, subject, "does not exist")
	case !job.IsPeriodic() || job.IsParameterized():
		return nil, fault(cmd, structs.KindInvalid, subject, "is not periodic")
	case job.Stop:
		return nil, fault(cmd, structs.KindConflict, subject, "is stopped")
	case job.Suspended:
		return nil, fault(cmd, structs.KindConflict, subject, "is suspended")
	}
	launch := time.Unix(0, c.Launch)
	made := a.txn.Job(c.Namespace, structs.PeriodicChildID(c.JobID, launch))
	if c.Forced {
		if made != nil {
			return nil, fault(cmd, structs.KindConflict, subject, "was launched in this second already")
		}
		return a.instance(job.PeriodicChild(launch, a.at), c.EvalID, structs.EvalTriggerPeriodicJob)
	}
	last := a.txn.PeriodicLaunch(c.Namespace, c.JobID)
	switch {
	case last == nil:
		return nil, fault(cmd, structs.KindConflict, subject, "does not follow a schedule")
	case c.Launch <= last.Launch && made != nil:
		return made, nil
	case c.Launch <= last.Launch:
		return nil, fault(cmd, structs.KindConflict, subject, "was launched for a later time already")
	}
	next := *last
	next.Launch = c.Launch
	policy := job.Periodic.OverlapPolicy()
	for child := range a.txn.Children(c.Namespace, c.JobID) {
		if child.Status == structs.JobStatusDead || child.Stop {
			continue
		}
		if policy == structs.OverlapForbid {
			next.Skipped = c.Launch
			a.txn.PutPeriodicLaunch(&next)
			return nil, nil
		}
		if policy == structs.OverlapReplace {
			if err := a.replace(child, c.Replaces); err != nil {
				return nil, err
			}
		}
	}
	a.txn.PutPeriodicLaunch(&next)
	if made != nil { // by hand, in that very second
		return made, nil
	}
	return a.instance(job.PeriodicChild(launch, a.at), c.EvalID, structs.EvalTriggerPeriodicJob)
}

// replace stops an instance for the next one.
func (a *applier) replace(child *structs.Job, with []structs.PeriodicReplace) error {
	i := slices.IndexFunc(with, func(r structs.PeriodicReplace) bool { return r.JobID == child.ID })
	if i < 0 {
		return fault(structs.CmdPeriodicLaunch, structs.KindConflict, quoted("job", child.ID), "began meanwhile, and is to be stopped first")
	}
	stopped := *child
	stopped.Stop = true
	stored := a.storeVersion(&stopped)
	return a.putEval(a.evalOf(stored, with[i].EvalID, structs.EvalTriggerJobDeregister))
}

func (a *applier) evalOf(job *structs.Job, id structs.ID, trigger string) *structs.Evaluation {
	return &structs.Evaluation{ID: id, Namespace: job.Namespace, JobID: job.ID, Type: job.Type, Priority: job.Priority, TriggeredBy: trigger,
		JobModifyIndex: job.JobModifyIndex, Status: structs.EvalStatusPending, CreateTime: a.at, ModifyTime: a.at}
}

// instance stores a child job and, unless it waits for a schedule of its own, its evaluation.
func (a *applier) instance(child *structs.Job, eval structs.ID, trigger string) (any, error) {
	stored := a.storeVersion(child)
	if child.IsPeriodic() {
		return stored, nil
	}
	return stored, a.putEval(a.evalOf(stored, eval, trigger))
}

// jobDispatch answers the instance: the one there is already, for a token that was used before.
func (a *applier) jobDispatch(c *structs.JobDispatchCommand) (any, error) {
	const cmd = structs.CmdJobDispatch
	job := a.txn.Job(c.Namespace, c.JobID)
	if job == nil {
		return nil, fault(cmd, structs.KindNotFound, quoted("job", c.JobID), "does not exist")
	}
	if job.Stop || job.Suspended {
		return nil, fault(cmd, structs.KindConflict, quoted("job", c.JobID), "is %s", map[bool]string{true: "stopped", false: "suspended"}[job.Stop])
	}
	if err := job.CheckDispatch(c.Payload, c.Meta); err != nil {
		return nil, fault(cmd, structs.KindInvalid, "", "%w", err)
	}
	if c.IdempotencyToken != "" {
		if made := dispatched(a.txn, job, c.IdempotencyToken); made != nil {
			return made, nil
		}
	}
	if c.ChildID == "" || a.txn.Job(c.Namespace, c.ChildID) != nil {
		return nil, fault(cmd, structs.KindConflict, quoted("job", c.ChildID), "exists")
	}
	return a.instance(job.DispatchChild(c, a.at), c.EvalID, structs.EvalTriggerJobRegister)
}

// dispatched is the instance a token made, nil if none is left of it.
func dispatched(txn *state.WriteTxn, job *structs.Job, token string) *structs.Job {
	for child := range txn.Children(job.Namespace, job.ID) {
		if child.DispatchIdempotencyToken == token {
			return child
		}
	}
	return nil
}
