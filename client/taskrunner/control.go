package taskrunner

import (
	"context"
	"fmt"

	"berth/drivers"
	"berth/structs"
)

// running is the id of the running attempt.
func (r *Runner) running() (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.attempt == "" || r.state.State != structs.TaskStateRunning {
		return "", ErrNotRunning
	}
	return r.attempt, nil
}

// Signal sends a signal to the running task.
func (r *Runner) Signal(ctx context.Context, signal string) error {
	id, err := r.running()
	if err != nil {
		return err
	}
	r.emit(signalingEvent(signal), nil)
	if err := r.cfg.Driver.Signal(ctx, id, signal); err != nil {
		return fmt.Errorf("signal task %q: %w", r.cfg.Task.Name, err)
	}
	return nil
}

// Exec runs a command inside the running task.
func (r *Runner) Exec(ctx context.Context, req *drivers.ExecRequest) (*drivers.ExitResult, error) {
	id, err := r.running()
	if err != nil {
		return nil, err
	}
	return r.cfg.Driver.Exec(ctx, id, req)
}

// Stats samples the running task.
func (r *Runner) Stats(ctx context.Context) (*drivers.Usage, error) {
	id, err := r.running()
	if err != nil {
		return nil, err
	}
	return r.cfg.Driver.Stats(ctx, id)
}

// Reconnected notes that the servers had lost sight of the task, and see it again.
func (r *Runner) Reconnected() {
	if _, err := r.running(); err == nil {
		r.emit(event(structs.TaskReconnected, "Client reconnected"), nil)
	}
}
