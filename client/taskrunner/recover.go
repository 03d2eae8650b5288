package taskrunner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"berth/drivers"
	"berth/structs"
)

// look finds out what became of an attempt that an earlier life of the agent began: the driver knows it or it never came
// to be. A half-made one is removed.
func (r *Runner) look(ctx context.Context) error {
	id := r.rec.Begun
	list, err := r.cfg.Driver.List(ctx)
	if err != nil {
		return fmt.Errorf("list tasks: %w", err)
	}
	for _, h := range list {
		if h.TaskID == id {
			return r.save(func(rec *Record) { rec.Begun, rec.Handle = "", &h })
		}
	}
	if err := r.cfg.Driver.Destroy(ctx, id); err != nil {
		return fmt.Errorf("destroy half-started task: %w", err)
	}
	return r.save(func(rec *Record) { rec.Begun = "" })
}

// recover adopts the attempt of an earlier life of the agent.
func (r *Runner) recover(ctx context.Context) error {
	h := r.rec.Handle
	err := r.cfg.Driver.Recover(ctx, h)
	switch {
	case errors.Is(err, drivers.ErrTaskNotFound):
		r.adopted = true
		r.exit = &drivers.ExitResult{Unknown: true, At: time.Now(), Err: "the task was not there when the agent came back"}
		return nil
	case err != nil:
		if r.retries == 0 {
			e := event(structs.TaskRestoreFailed, "Failed to restore task: "+err.Error())
			r.emit(e, nil)
		}
		return fmt.Errorf("recover task: %w", err)
	}
	r.adopted = true
	r.mu.Lock()
	r.attempt = h.TaskID
	r.mu.Unlock()
	if r.State().State != structs.TaskStateRunning {
		r.emit(startedEvent(), func(s *structs.TaskState) {
			s.State, s.StartedAt = structs.TaskStateRunning, h.StartedAt
		})
	}
	r.notify()
	return nil
}
