package placer

import (
	"fmt"
	"time"

	"berth/structs"
)

// write proposes a slice.
func (l *Core) write(w *work, s slice) {
	cmd := &structs.PlanApplyCommand{Evals: s.evals}
	if s.plan != nil && !s.plan.Empty() {
		cmd.Plans = []*structs.Plan{s.plan}
	}
	l.inFlight++
	l.placing += s.placements()
	w.flying++
	l.Propose(structs.CmdPlanApply, cmd, func(value any, err error) {
		r := result{work: w, slice: s, err: err}
		if err == nil && len(cmd.Plans) > 0 {
			if replies, ok := value.([]*structs.PlanResult); ok && len(replies) == 1 {
				r.reply = replies[0]
			} else {
				r.err = fmt.Errorf("one plan was answered with %T", value)
			}
		}
		l.land(r)
	})
}

// revoke takes placements off the fleet that were not accepted: those on the nodes, or all when nodes is nil. What the plan
// would have stopped is as the store has it.
func (l *Core) revoke(plan *structs.Plan, nodes map[structs.ID]string) {
	if plan == nil {
		return
	}
	for _, g := range plan.Place {
		for _, it := range g.Items {
			if _, refused := nodes[it.NodeID]; refused || nodes == nil {
				l.fleet.Remove(it.AllocID)
			}
		}
	}
	snap := l.State.Snapshot()
	for _, s := range plan.Stop {
		if a := snap.Alloc(s.AllocID); a != nil {
			l.fleet.SetAlloc(a)
		}
	}
}

// giveUp ends an evaluation as failed and looks at its job again later.
func (l *Core) giveUp(w *work, why string) {
	l.stats.Failed++
	l.fleet.ReleaseHolds(w.eval.JobKey())
	l.Logger.Warn("an evaluation failed", "eval_id", w.eval.ID, "namespace", w.eval.Namespace, "job_id", w.eval.JobID, "reason", why)
	l.replace(w, why, l.Now().Add(followUpAfter))
}

// replace stores a new evaluation of the same job, to be looked at then, and ends the old one as failed if why is given. The
// old one is no longer in flight when that was written; until then its job waits.
func (l *Core) replace(w *work, why string, at time.Time) {
	now := l.Now().UnixNano()
	next := &structs.Evaluation{
		ID: l.IDs.NewID(), Namespace: w.eval.Namespace, JobID: w.eval.JobID, Type: w.eval.Type, Priority: w.eval.Priority,
		TriggeredBy: structs.EvalTriggerFailedFollowUp, Status: structs.EvalStatusPending, WaitUntil: at, PreviousEval: w.eval.ID,
		CreateTime: now, ModifyTime: now,
	}
	evals := []*structs.Evaluation{next}
	if why != "" {
		old := *w.eval
		old.Status, old.StatusDescription, old.NextEval, old.ModifyTime = structs.EvalStatusFailed, why, next.ID, now
		evals = append(evals, &old)
	}
	w.run, w.last, w.refused, w.failed, w.fault, w.over = nil, nil, false, false, "", true
	l.write(w, slice{evals: evals, last: true})
}
