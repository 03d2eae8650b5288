package placer

import (
	"fmt"
	"time"

	"berth/structs"
)

// Bounds of what goes into one command with others.
const (
	// togetherMax is how many slices share a command.
	togetherMax = 16
	// smallSlice is up to how many placements a slice waits for others.
	smallSlice = 16
)

// write proposes a slice. A small one shares a command with those that are decided while others are being written: that of a job
// with a few instances costs its servers less than a command of its own would.
func (l *Core) write(w *work, s slice) {
	n := s.placements()
	l.inFlight++
	l.placing += n
	w.flying++
	if n > smallSlice {
		l.flush()
		l.propose([]parcel{{w, s}})
		return
	}
	l.waiting = append(l.waiting, parcel{w, s})
	if l.commands == 0 || len(l.waiting) >= togetherMax {
		l.flush()
	}
}

// parcel is a slice on its way.
type parcel struct {
	work  *work
	slice slice
}

func (p parcel) hasPlan() bool { return p.slice.plan != nil && !p.slice.plan.Empty() }

// flush proposes what waits for others.
func (l *Core) flush() {
	if len(l.waiting) > 0 {
		all := l.waiting
		l.waiting = nil
		l.propose(all)
	}
}

// propose proposes slices as one command. One that is refused as a whole is tried again slice by slice: the fault is one's alone.
func (l *Core) propose(all []parcel) {
	cmd := &structs.PlanApplyCommand{}
	for _, p := range all {
		if p.hasPlan() {
			cmd.Plans = append(cmd.Plans, p.slice.plan)
		}
		cmd.Evals = append(cmd.Evals, p.slice.evals...)
	}
	l.commands++
	l.Propose(structs.CmdPlanApply, cmd, func(value any, err error) {
		l.commands--
		if err != nil && !passes(err) && len(all) > 1 {
			for i := range all {
				l.propose(all[i : i+1])
			}
			return
		}
		replies, _ := value.([]*structs.PlanResult)
		if err == nil && len(replies) != len(cmd.Plans) {
			err = fmt.Errorf("%d plans were answered with %T of %d", len(cmd.Plans), value, len(replies))
		}
		for _, p := range all {
			r := result{work: p.work, slice: p.slice, err: err}
			if err == nil && p.hasPlan() {
				r.reply, replies = replies[0], replies[1:]
			}
			l.land(r)
		}
		if l.commands == 0 {
			l.flush()
		}
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
