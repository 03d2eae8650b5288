package taskrunner

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"berth/drivers"
	"berth/structs"
)

// killGrace is how long after the kill timeout a driver may take before its silence counts as a fault.
const killGrace = 30 * time.Second

// flushMax is how long the collection of a task's last output may hold up what follows from its end.
const flushMax = 10 * time.Second

// perform does one action. An error means that it has to be tried again; what the task itself did wrong is not an error.
func (r *Runner) perform(ctx context.Context, a action, o observed) error {
	switch a {
	case actIdle:
		r.await(ctx, time.Time{})
	case actDelay:
		r.await(ctx, o.notBefore)
	case actPause:
		r.await(ctx, o.retryAt)
	case actLook:
		return r.look(ctx)
	case actRecover:
		return r.recover(ctx)
	case actWatch:
		return r.watch(ctx)
	case actKill:
		return r.kill(ctx)
	case actJudge:
		return r.judgeExit(ctx)
	case actRelease:
		return r.release(ctx)
	case actPrepare:
		return r.prepare()
	case actStart:
		return r.start(ctx)
	case actFinish:
		return r.finish()
	}
	return nil
}

// await waits until something else is desired, or until the time if there is one.
func (r *Runner) await(ctx context.Context, until time.Time) {
	ctx, cancel := r.interruptible(ctx)
	defer cancel()
	if until.IsZero() {
		<-ctx.Done()
		return
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// start begins an attempt. It is recorded first; a start that fails has left nothing, by the driver's contract.
func (r *Runner) start(ctx context.Context) error {
	if err := r.cfg.Place().Err; err != nil {
		return err
	}
	id := attemptID(r.cfg.Alloc.ID, r.cfg.Task.Name, r.rec.Attempt+1)
	cfg, err := r.taskConfig(id)
	if err != nil {
		return r.judgeStart(&drivers.StartError{Reason: "task cannot be set up", Err: err}, structs.TaskSetupFailure)
	}
	if err := r.save(func(rec *Record) { rec.Attempt++; rec.Begun = id }); err != nil {
		return fmt.Errorf("record attempt: %w", err)
	}
	r.mu.Lock()
	r.begun = true
	r.mu.Unlock()
	startCtx, cancel := r.interruptible(ctx)
	defer cancel()
	handle, err := r.cfg.Driver.Start(startCtx, cfg)
	switch {
	case err == nil:
		return r.started(handle)
	case ctx.Err() != nil:
		return ctx.Err() // the next life looks at what became of it
	case startCtx.Err() != nil:
		return r.save(func(rec *Record) { rec.Begun = "" })
	}
	return r.judgeStart(err, structs.TaskDriverFailure)
}

// started notes a running attempt.
func (r *Runner) started(h *drivers.Handle) error {
	r.adopted, r.exit = true, nil
	r.mu.Lock()
	r.attempt = h.TaskID
	r.mu.Unlock()
	r.emit(startedEvent(), func(s *structs.TaskState) {
		s.State = structs.TaskStateRunning
		s.StartedAt = h.StartedAt
	})
	r.rec.Begun, r.rec.Handle = "", h // even if it cannot be recorded it runs
	if err := r.save(func(*Record) {}); err != nil {
		r.log.Error("running task is not recorded", "error", err)
	}
	return nil
}

// judgeStart decides what follows from a start that failed.
func (r *Runner) judgeStart(err error, kind string) error {
	var se *drivers.StartError
	hopeless := errors.As(err, &se) && !se.Recoverable
	e := driverFailureEvent(err)
	e.Type = kind
	r.emit(e, nil)
	return r.decide(ending{hopeless: hopeless}, func(rec *Record) { rec.Begun = "" })
}

// judgeExit decides what follows from the end of an attempt.
func (r *Runner) judgeExit(ctx context.Context) error {
	if r.logs != nil {
		flushCtx, cancel := context.WithTimeout(ctx, flushMax)
		defer cancel()
		if err := r.logs.Flush(flushCtx); err != nil && ctx.Err() == nil {
			r.log.Warn("last output of task is not collected", "error", err)
		}
	}
	r.emit(terminatedEvent(r.exit), nil)
	r.mu.Lock()
	asked := (r.want.restart || r.want.rewind) && !r.want.stop
	r.want.restart = false
	r.mu.Unlock()
	err := r.decide(ending{success: r.exit.Successful(), asked: asked, after: r.afterExit()}, func(rec *Record) {
		rec.Leftover, rec.Handle, rec.Restarted = rec.Handle.TaskID, nil, false
	})
	if err == nil {
		r.exit, r.adopted = nil, false
	}
	return err
}

// afterExit is what the group's completion block says of the exit code.
func (r *Runner) afterExit() string {
	if r.exit.Successful() || r.exit.Unknown {
		return structs.ExitCount
	}
	r.mu.Lock()
	g := r.alloc.Group()
	r.mu.Unlock()
	if g == nil {
		return structs.ExitCount
	}
	return g.Completion.After(r.task.Name, r.exit.ExitCode)
}

// decide asks the policy, tells what it said, and records it together with f.
func (r *Runner) decide(e ending, f func(*Record)) error {
	r.mu.Lock()
	p, stop := policyOf(r.alloc.Job.Type, r.task), r.want.stop
	r.mu.Unlock()
	now := time.Now()
	v, t := judge(p, r.rec.Tally, e, now, rand.Float64())
	switch {
	case stop: // nothing follows from it but the end
	case v.restart:
		r.emit(restartingEvent(v), func(s *structs.TaskState) {
			s.State, s.LastRestart = structs.TaskStatePending, now
			s.Restarts++
		})
	default:
		r.emit(notRestartingEvent(v), func(s *structs.TaskState) { s.Failed = v.failed })
	}
	return r.save(func(rec *Record) {
		f(rec)
		if !stop {
			rec.Tally, rec.Over, rec.NotBefore = t, !v.restart, now.Add(v.delay)
		}
	})
}

// watch waits for the attempt's end.
func (r *Runner) watch(ctx context.Context) error {
	ctx, cancel := r.interruptible(ctx)
	defer cancel()
	exit, err := r.cfg.Driver.Wait(ctx, r.rec.Handle.TaskID)
	return r.ended(ctx, exit, err)
}

// ended notes what Wait returned.
func (r *Runner) ended(ctx context.Context, exit *drivers.ExitResult, err error) error {
	switch {
	case err == nil:
		r.exit = exit
	case ctx.Err() != nil:
	case errors.Is(err, drivers.ErrTaskNotFound):
		r.exit = &drivers.ExitResult{Unknown: true, At: time.Now()}
	default:
		return fmt.Errorf("wait for task: %w", err)
	}
	return nil
}

// kill ends the attempt: after the shutdown delay, with the task's signal, and by force when its time is over.
func (r *Runner) kill(ctx context.Context) error {
	r.mu.Lock()
	task, want, why := r.task, r.want, r.why
	r.mu.Unlock()
	if want.stop && !r.rec.Stopped {
		if err := r.save(func(rec *Record) { rec.Stopped = true }); err != nil {
			r.log.Warn("stop of task is not recorded", "error", err)
			r.rec.Stopped = true
		}
		if task.ShutdownDelay > 0 && !why.noDelay {
			r.emit(shutdownDelayEvent(task.ShutdownDelay), nil)
			r.rec.NotBefore = time.Now().Add(task.ShutdownDelay)
		}
	}
	if !want.stop && !r.rec.Restarted {
		// Otherwise the next life would take the end for the task's own, and the policy might not allow another start.
		if err := r.save(func(rec *Record) { rec.Restarted = true }); err != nil {
			return fmt.Errorf("record restart: %w", err)
		}
	}
	if want.stop && !why.noDelay && time.Now().Before(r.rec.NotBefore) {
		return r.linger(ctx)
	}
	timeout := deref(task.KillTimeout)
	if r.cfg.KillTimeoutMax > 0 {
		timeout = min(timeout, r.cfg.KillTimeoutMax)
	}
	if r.retries == 0 {
		r.emit(killingEvent(timeout, why.reason), nil)
	}
	id := r.rec.Handle.TaskID
	stopCtx, cancel := context.WithTimeout(ctx, timeout+killGrace)
	defer cancel()
	if err := r.cfg.Driver.Stop(stopCtx, id, task.KillSignal, timeout); err != nil && !errors.Is(err, drivers.ErrTaskNotFound) {
		return fmt.Errorf("stop task: %w", err)
	}
	exit, err := r.cfg.Driver.Wait(stopCtx, id)
	return r.ended(ctx, exit, err)
}

// linger lets the shutdown delay pass. The task may end by itself meanwhile, or be wanted dead at once.
func (r *Runner) linger(ctx context.Context) error {
	hurryCtx, cancel := r.interruptible(ctx)
	defer cancel()
	delayCtx, done := context.WithDeadline(hurryCtx, r.rec.NotBefore)
	defer done()
	exit, err := r.cfg.Driver.Wait(delayCtx, r.rec.Handle.TaskID)
	if hurryCtx.Err() != nil && ctx.Err() == nil {
		r.emit(skipDelayEvent(), nil)
	}
	return r.ended(delayCtx, exit, err)
}

// release destroys what is left of an ended attempt.
func (r *Runner) release(ctx context.Context) error {
	if err := r.cfg.Driver.Destroy(ctx, r.rec.Leftover); err != nil {
		return fmt.Errorf("destroy task: %w", err)
	}
	r.mu.Lock()
	r.attempt = ""
	r.mu.Unlock()
	r.rec.Leftover = "" // stored with the next record: to destroy twice does no harm
	return nil
}

// finish records the end of the task.
func (r *Runner) finish() error {
	r.mu.Lock()
	stop, reason := r.want.stop, r.why.reason
	r.mu.Unlock()
	if r.State().FinishedAt.IsZero() {
		var e *structs.TaskEvent
		if stop && !r.rec.Over && !r.State().Failed {
			e = killedEvent(nil)
			if reason != "" {
				e.Details["kill_reason"] = reason
			}
		}
		r.emit(e, func(s *structs.TaskState) { s.FinishedAt = time.Now() })
	}
	final := new(*r.State())
	final.State = structs.TaskStateDead
	next := r.rec
	next.State = final
	// The record first: what was reported dead must not come back to life.
	if err := r.cfg.Store.PutTask(r.cfg.Alloc.ID, r.cfg.Task.Name, &next); err != nil {
		return fmt.Errorf("record end: %w", err)
	}
	r.rec = next
	r.emit(nil, func(s *structs.TaskState) { s.State = structs.TaskStateDead })
	close(r.dead)
	return nil
}
