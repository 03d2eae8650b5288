package fake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"syscall"
	"time"

	"berth/drivers"
	"berth/structs"
)

// Config says what a Driver calls itself and whose tasks it lists.
type Config struct {
	// Name is the word in `driver = "..."`; default "fake".
	Name string
	// Owner limits List to the tasks started for the same owner; "" lists all.
	Owner string
}

// Driver is one life of an agent over a World. All methods may be called from several goroutines.
type Driver struct {
	cfg   Config
	world *World

	mu    sync.Mutex // guards known; taken before the world's
	known map[string]*task
}

// New makes a driver that knows nothing yet.
func New(w *World, cfg Config) *Driver {
	if cfg.Name == "" {
		cfg.Name = "fake"
	}
	return &Driver{cfg: cfg, world: w, known: map[string]*task{}}
}

// Name is the configured word.
func (d *Driver) Name() string { return d.cfg.Name }

// Capabilities are those of a driver that can do everything.
func (d *Driver) Capabilities() drivers.Capabilities {
	return drivers.Capabilities{SendSignals: true, Exec: true, FSIsolation: "image", NetworkIsolation: []string{"host", "group", "none"}}
}

// Fingerprint is healthy unless the world was told otherwise.
func (d *Driver) Fingerprint(context.Context) drivers.Fingerprint {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	f := drivers.Fingerprint{Detected: true, Healthy: d.world.healthy, Attributes: map[string]string{"driver." + d.cfg.Name: "1"}}
	if !f.Healthy {
		f.HealthDescription = "the scripted world is unhealthy"
	}
	return f
}

// CheckConfig reports what is wrong with a task's config block.
func (d *Driver) CheckConfig(config map[string]any) structs.Faults {
	_, faults := parse(config)
	return faults
}

// Start runs the script of the config block.
func (d *Driver) Start(ctx context.Context, cfg *drivers.TaskConfig) (*drivers.Handle, error) {
	s, faults := parse(cfg.Config)
	if len(faults) > 0 {
		return nil, &drivers.StartError{Reason: "bad config block", Err: faults[0]}
	}
	if s.pull != "" && cfg.Progress != nil {
		cfg.Progress(drivers.Progress{Phase: "pulling", Message: s.pull})
	}
	if err := sleep(ctx, s.startDelay); err != nil {
		return nil, err
	}
	if s.startError != "" {
		return nil, &drivers.StartError{Reason: s.startError, Recoverable: s.startRecoverable}
	}
	t, err := d.world.add(cfg, s, d.cfg.Name)
	if err != nil {
		return nil, &drivers.StartError{Reason: fmt.Sprintf("start task %q", cfg.ID), Err: err}
	}
	d.adopt(t)
	return new(t.handle), nil
}

// sleep waits for d or until ctx is done; a done ctx always wins.
func sleep(ctx context.Context, d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

func (d *Driver) adopt(t *task) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known[t.handle.TaskID] = t
}

// task finds what this driver started or recovered.
func (d *Driver) task(id string) (*task, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, known := d.known[id]
	if !known {
		return nil, fmt.Errorf("task %q: %w", id, drivers.ErrTaskNotFound)
	}
	return t, nil
}

// Recover adopts a task of the world.
func (d *Driver) Recover(ctx context.Context, h *drivers.Handle) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.world.mu.Lock()
	t, exists := d.world.tasks[h.TaskID]
	d.world.mu.Unlock()
	if !exists {
		return fmt.Errorf("recover task %q: %w", h.TaskID, drivers.ErrTaskNotFound)
	}
	d.adopt(t)
	return nil
}

// Wait blocks until the task has ended.
func (d *Driver) Wait(ctx context.Context, taskID string) (*drivers.ExitResult, error) {
	t, err := d.task(taskID)
	if err != nil {
		return nil, err
	}
	select {
	case <-t.done:
		return new(*t.exit), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Stop sends the signal, and kills after the timeout.
func (d *Driver) Stop(ctx context.Context, taskID, signal string, timeout time.Duration) error {
	t, err := d.task(taskID)
	if err != nil {
		return err
	}
	if signal == "" {
		signal = t.cfg.KillSignal
	}
	if signal == "" {
		signal = "SIGTERM"
	}
	sig, err := drivers.ParseSignal(signal)
	if err != nil {
		return err
	}
	d.send(t, sig)
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-t.done:
	case <-timer.C:
		d.send(t, syscall.SIGKILL)
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

func (d *Driver) send(t *task, sig syscall.Signal) {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	d.world.signal(t, sig)
}

// Destroy kills the task and forgets it.
func (d *Driver) Destroy(ctx context.Context, taskID string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	delete(d.known, taskID)
	d.mu.Unlock()
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	if t, exists := d.world.tasks[taskID]; exists {
		d.world.signal(t, syscall.SIGKILL)
		delete(d.world.tasks, taskID)
	}
	return nil
}

// Inspect tells how the task is.
func (d *Driver) Inspect(_ context.Context, taskID string) (*drivers.TaskStatus, error) {
	t, err := d.task(taskID)
	if err != nil {
		return nil, err
	}
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	st := &drivers.TaskStatus{Handle: t.handle, Running: t.exit == nil}
	if t.exit != nil {
		st.Exit = new(*t.exit)
	}
	return st, nil
}

// Stats invents a use that grows with the time.
func (d *Driver) Stats(_ context.Context, taskID string) (*drivers.Usage, error) {
	t, err := d.task(taskID)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return &drivers.Usage{At: now, CPUTotalNS: uint64(now.Sub(t.handle.StartedAt) / 10), MemoryUsage: 1 << 20, MemoryRSS: 1 << 20, Pids: 1}, nil
}

// Signal delivers one signal.
func (d *Driver) Signal(_ context.Context, taskID, signal string) error {
	t, err := d.task(taskID)
	if err != nil {
		return err
	}
	sig, err := drivers.ParseSignal(signal)
	if err != nil {
		return err
	}
	select {
	case <-t.done:
		return errors.New("the task has ended")
	default:
	}
	d.send(t, sig)
	return nil
}

// List names the owner's tasks.
func (d *Driver) List(ctx context.Context) ([]drivers.Handle, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	var out []drivers.Handle
	for _, id := range slices.Sorted(maps.Keys(d.world.tasks)) {
		t := d.world.tasks[id]
		if t.handle.Driver == d.cfg.Name && (d.cfg.Owner == "" || t.owner == d.cfg.Owner) {
			out = append(out, t.handle)
		}
	}
	return out, nil
}
