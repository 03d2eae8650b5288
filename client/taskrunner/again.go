package taskrunner

import (
	"fmt"
	"time"

	"berth/structs"
)

// Rewind ends what runs of the task and has it wait for its turn again, as Allow gives it. A task that has ended needs Revive.
func (r *Runner) Rewind(why *structs.TaskEvent) {
	r.change(func(d *desired) bool {
		if r.state.State == structs.TaskStateDead || d.stop || d.rewind {
			return false
		}
		d.rewind, d.run = true, false
		if r.state.State == structs.TaskStateRunning {
			r.state = withEvent(r.state, why, time.Now())
		}
		return true
	})
}

// Rewound reports that nothing is left of an attempt, and that the task waits for its turn.
func (r *Runner) Rewound() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rewound
}

// Revive has a task that ended by itself wait for its turn as a new one would. Run has returned before, and is called again after. When it
// cannot be recorded the task stays ended.
func (r *Runner) Revive(why *structs.TaskEvent) error {
	r.mu.Lock()
	s, stopped := r.state, r.want.stop || r.rec.Stopped
	r.mu.Unlock()
	if s.State != structs.TaskStateDead || stopped {
		return nil
	}
	now := time.Now()
	s = withEvent(s, why, now)
	s.State, s.Failed, s.FinishedAt = structs.TaskStatePending, false, time.Time{}
	s.LastRestart = now
	s.Restarts++
	next := r.rec
	next.State, next.Tally, next.NotBefore, next.Over = s, tally{}, time.Time{}, false
	if err := r.cfg.Store.PutTask(r.cfg.Alloc.ID, r.cfg.Task.Name, &next); err != nil {
		return fmt.Errorf("record that task %q begins again: %w", r.cfg.Task.Name, err)
	}
	r.rec = next
	r.mu.Lock()
	r.state, r.want, r.dead = s, desired{}, make(chan struct{})
	r.mu.Unlock()
	r.notify()
	return nil
}
