package allocrunner

import (
	"context"
	"errors"
	"fmt"

	"berth/client/taskrunner"
	"berth/drivers"
	"berth/structs"
)

// Task finds a task. With an empty name it is the only one there is.
func (r *Runner) Task(name string) (*taskrunner.Runner, error) {
	if name == "" && len(r.tasks) == 1 {
		return r.tasks[0], nil
	}
	for _, t := range r.tasks {
		if t.Name() == name {
			return t, nil
		}
	}
	return nil, fmt.Errorf("task %q: %w", name, ErrNoTask)
}

// Restart replaces the running attempt of a task, or of all running ones if the name is empty.
func (r *Runner) Restart(task string) error {
	if task != "" {
		t, err := r.Task(task)
		if err != nil {
			return err
		}
		return t.Restart(taskrunner.RestartRequested("User requested task to restart"))
	}
	err := taskrunner.ErrNotRunning
	for _, t := range r.tasks {
		if t.Restart(taskrunner.RestartRequested("User requested running tasks to restart")) == nil {
			err = nil
		}
	}
	return err
}

// RestartAll has all tasks begin anew in the order of their lives, also those that have ended, as what runs before the main tasks has. It
// returns at once. If the agent ends before all have come to their beginning, those that ran are restarted and the others are left.
func (r *Runner) RestartAll() error {
	runs := anyRunning(r.taskViews())
	r.mu.Lock()
	runs = runs && !r.stop && !r.destroy
	r.again = r.again || runs
	r.mu.Unlock()
	if !runs {
		return taskrunner.ErrNotRunning
	}
	r.look()
	return nil
}

// begunAnew is what the tasks are told of.
func begunAnew() *structs.TaskEvent {
	return taskrunner.RestartRequested("User requested all tasks to restart")
}

// Signal sends a signal to a task, or to all running ones if the name is empty.
func (r *Runner) Signal(ctx context.Context, task, signal string) error {
	if task != "" {
		t, err := r.Task(task)
		if err != nil {
			return err
		}
		return t.Signal(ctx, signal)
	}
	var errs []error
	sent := false
	for _, t := range r.tasks {
		err := t.Signal(ctx, signal)
		sent = sent || err == nil
		if err != nil && !errors.Is(err, taskrunner.ErrNotRunning) {
			errs = append(errs, err)
		}
	}
	if !sent && len(errs) == 0 {
		return taskrunner.ErrNotRunning
	}
	return errors.Join(errs...)
}

// Stats samples the running tasks.
func (r *Runner) Stats(ctx context.Context, task string) (map[string]*drivers.Usage, error) {
	out := map[string]*drivers.Usage{}
	for _, t := range r.tasks {
		if task != "" && t.Name() != task || t.State().State != structs.TaskStateRunning {
			continue
		}
		u, err := t.Stats(ctx)
		switch {
		case err == nil:
			out[t.Name()] = u
		case !errors.Is(err, taskrunner.ErrNotRunning) && !errors.Is(err, drivers.ErrTaskNotFound):
			return nil, fmt.Errorf("stats of task %q: %w", t.Name(), err)
		}
	}
	return out, nil
}

// AwaitSettled returns when the tasks an earlier life of the agent left are adopted or known to be gone, or with ctx's error.
func (r *Runner) AwaitSettled(ctx context.Context) error {
	for _, t := range r.tasks {
		select {
		case <-t.Settled():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
