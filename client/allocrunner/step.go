package allocrunner

import (
	"time"

	"berth/client/taskrunner"
	"berth/structs"
)

// part is a task's place in the life of its allocation.
type part int

const (
	partPrestart  part = iota // runs to its end before the main tasks
	partSidecar               // runs beside the main tasks, started before them
	partMain                  // what the allocation is for
	partPoststart             // started once the main tasks run
	partLate                  // like partPoststart, and runs beside them
	partPoststop              // runs when all others have ended
)

func partOf(t *structs.Task) part {
	switch {
	case t.IsMain():
		return partMain
	case t.Lifecycle.Hook == structs.HookPoststop:
		return partPoststop
	case t.Lifecycle.Hook == structs.HookPoststart && t.Lifecycle.Sidecar:
		return partLate
	case t.Lifecycle.Hook == structs.HookPoststart:
		return partPoststart
	case t.Lifecycle.Sidecar:
		return partSidecar
	}
	return partPrestart
}

// taskView is one task as the core sees it.
type taskView struct {
	name   string
	part   part
	leader bool
	begun  bool // it was started at least once
	again  bool // it was brought back to its beginning, and its turn has not come again
	state  *structs.TaskState
}

func (t taskView) dead() bool    { return t.state.State == structs.TaskStateDead }
func (t taskView) running() bool { return t.state.State == structs.TaskStateRunning }

// view is what the core looks at.
type view struct {
	tasks []taskView
	// stop: the allocation shall end. destroy: at once, and nothing more may start.
	stop, destroy bool
	// again: all tasks shall begin anew, in the order of their lives.
	again bool
	// expired: it has run for as long as it may, which is limit.
	expired bool
	limit   time.Duration
}

// effects are what follows: tasks whose turn has come, and tasks that must end, with why.
type effects struct {
	allow []string
	kill  []string
	// rewind are tasks that go back to their beginning, revive those that have ended and begin anew. anew: all are there.
	rewind, revive []string
	anew           bool
	why            func() []*structs.TaskEvent // nil when the servers or a user want it
}

// step says what follows from the view. Saying it again does no harm.
func step(v view) effects {
	var e effects
	dying, why := v.dying()
	switch {
	case !dying && v.again:
		return v.rewinding()
	case !dying:
		e.allow = v.due()
		return e
	}
	e.why = why
	e.kill = v.next(!v.stop)
	if len(e.kill) > 0 {
		return e
	}
	// Only what runs at the end is left.
	begun := false
	for _, t := range v.tasks {
		begun = begun || t.part != partPoststop && t.begun
		if t.part != partPoststop && !t.dead() {
			return e
		}
	}
	for _, t := range v.tasks {
		switch {
		case t.part != partPoststop || t.dead():
		case begun && !v.destroy:
			e.allow = append(e.allow, t.name)
		default:
			e.kill = append(e.kill, t.name)
		}
	}
	return e
}

// rewinding brings all tasks back to their beginning: those that run end in the order in which they would for good, and only when none
// runs any more those that had ended are made new. Then everything takes its course again.
func (v view) rewinding() effects {
	var e effects
	living := v
	living.tasks = nil
	for _, t := range v.tasks {
		switch {
		case t.dead():
			e.revive = append(e.revive, t.name)
		case !t.again:
			living.tasks = append(living.tasks, t)
		}
	}
	if names := living.next(false); len(names) > 0 {
		return effects{rewind: names}
	}
	e.anew = true
	return e
}

// dying reports that the allocation is coming to its end, and why if no one asked for it.
func (v view) dying() (bool, func() []*structs.TaskEvent) {
	for _, t := range v.tasks {
		if t.dead() && t.state.Failed && t.part != partPoststop {
			return true, func() []*structs.TaskEvent { return []*structs.TaskEvent{taskrunner.SiblingFailed(t.name)} }
		}
	}
	if v.stop || v.destroy {
		return true, nil
	}
	mainAlive := false
	for _, t := range v.tasks {
		if t.leader && t.dead() {
			return true, func() []*structs.TaskEvent { return []*structs.TaskEvent{taskrunner.LeaderDead()} }
		}
		mainAlive = mainAlive || t.part == partMain && !t.dead()
	}
	if !mainAlive {
		return true, func() []*structs.TaskEvent { return []*structs.TaskEvent{taskrunner.MainDead()} }
	}
	if v.expired {
		return true, func() []*structs.TaskEvent { return []*structs.TaskEvent{taskrunner.RanTooLong(v.limit)} }
	}
	return false, nil
}

// next are the living tasks that must end now: the leader before all others, what runs beside the main tasks after them.
// When it was not asked for there is nothing to protect any more, and all end at once.
func (v view) next(atOnce bool) []string {
	var leader, mains, rest []string
	for _, t := range v.tasks {
		switch {
		case t.dead() || t.part == partPoststop:
		case t.leader:
			leader = append(leader, t.name)
		case t.part == partSidecar || t.part == partLate:
			rest = append(rest, t.name)
		default:
			mains = append(mains, t.name)
		}
	}
	if atOnce || v.destroy {
		return append(append(leader, mains...), rest...)
	}
	for _, phase := range [][]string{leader, mains, rest} {
		if len(phase) > 0 {
			return phase
		}
	}
	return nil
}

// due are the tasks whose turn has come.
func (v view) due() []string {
	ready, up := true, true // the main tasks may start; they all run
	for _, t := range v.tasks {
		switch t.part {
		case partPrestart:
			ready = ready && t.dead()
		case partSidecar:
			ready = ready && t.running()
		case partMain:
			up = up && t.running()
		}
	}
	var out []string
	for _, t := range v.tasks {
		switch t.part {
		case partPrestart, partSidecar:
			out = append(out, t.name)
		case partMain:
			if ready {
				out = append(out, t.name)
			}
		case partPoststart, partLate:
			if up {
				out = append(out, t.name)
			}
		}
	}
	return out
}
