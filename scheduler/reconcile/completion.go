package reconcile

import (
	"fmt"

	"berth/structs"
)

// failuresBefore is how many failures of the allocation's index counted before it.
func failuresBefore(a *structs.Allocation) int {
	if a.RescheduleTracker == nil {
		return 0
	}
	return a.RescheduleTracker.Failures
}

// judgeCompletion looks which groups of a batch job are done, and whether the job is given up. It follows from the allocations alone, and
// so is found again by each evaluation.
func (r *reconciler) judgeCompletion(groups map[string][]*structs.Allocation) {
	if !r.batch || r.job == nil || r.stopped {
		return
	}
	for _, g := range r.job.TaskGroups {
		if g.Completion == nil || g.Desired() == 0 {
			continue
		}
		done, failed, verdict := r.outcomes(g, groups[g.Name])
		switch c := g.Completion; {
		case done >= g.Wanted():
			if r.enough == nil {
				r.enough = map[string]bool{}
			}
			r.enough[g.Name] = true
		case r.res.GivenUp != "":
		case verdict != nil:
			code := verdict.text
			r.res.GivenUp = fmt.Sprintf("%s ended with %s, which gives the job up (on_exit)", verdict.alloc.Name(), code)
		case c.MaxFailed != nil && failed > *c.MaxFailed:
			r.res.GivenUp = fmt.Sprintf("%d of %d indexes of group %s have failed for good, and max_failed is %d", failed, g.Desired(), g.Name, *c.MaxFailed)
		}
	}
}

type fatal struct {
	alloc *structs.Allocation
	text  string
}

// outcomes counts the indexes of the job's version that ended well and that failed for good, and finds an end that gives the job up.
func (r *reconciler) outcomes(g *structs.TaskGroup, allocs []*structs.Allocation) (done, failed int, verdict *fatal) {
	well, badly := map[uint32]bool{}, map[uint32]bool{}
	for _, a := range allocs {
		if a.ServerTerminal() || r.older(a) {
			continue
		}
		switch a.ClientStatus {
		case structs.AllocClientComplete:
			well[a.Index] = true
		case structs.AllocClientFailed:
			if !a.NextAllocation.IsZero() || r.replaced[a.ID] {
				continue
			}
			if g.Completion.AfterFailure(a) == structs.ExitFailJob && verdict == nil {
				verdict = &fatal{a, exitText(a)}
			}
			if _, again := r.rescheduleAt(a, g); !again {
				badly[a.Index] = true
			}
		}
	}
	for index := range badly {
		if !well[index] {
			failed++
		}
	}
	return len(well), failed, verdict
}

// exitText names how an allocation's tasks ended.
func exitText(a *structs.Allocation) string {
	for _, t := range a.Group().Tasks {
		if s := a.TaskStates[t.Name]; s != nil && s.Failed {
			if code, ok := s.LastExit(); ok {
				return fmt.Sprintf("exit code %d of task %s", code, t.Name)
			}
		}
	}
	return "a failure"
}

// over ends what is left of a group that needs nothing more. What ended stays: it tells how it went.
func (r *reconciler) over(g *structs.TaskGroup, allocs []*structs.Allocation, why string) {
	s, d := r.classify(allocs, g), r.desired(g.Name)
	d.Ignore += uint64(s.ignored + len(s.failed))
	for _, list := range [][]*structs.Allocation{s.keep, s.migrate, s.disconnect, s.unknown, s.reconnect} {
		for _, a := range list {
			if a.ClientTerminal() {
				d.Ignore++
				continue
			}
			d.Stop++
			r.stop(a, why, "")
		}
	}
	for _, a := range s.lost {
		d.Stop++
		r.stop(a, structs.AllocLost, structs.AllocClientLost)
	}
}

// carry gives the next allocation of an index the count of failures of those before it, when it does not follow upon a failure.
func (p *groupPass) carry(index uint32) *structs.RescheduleTracker {
	if c := p.group.Completion; !p.batch || c == nil || c.Retries == nil {
		return nil
	}
	var last *structs.Allocation
	for _, a := range p.in.Allocs {
		if a.TaskGroup == p.group.Name && a.Index == index && !p.older(a) && (last == nil || a.CreateIndex > last.CreateIndex) {
			last = a
		}
	}
	if last == nil || failuresBefore(last) == 0 {
		return nil
	}
	return last.RescheduleTracker
}
