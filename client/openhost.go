package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"berth/client/fingerprint"
	"berth/client/hoststats"
	"berth/client/localstate"
	"berth/client/logs"
	"berth/client/taskrunner"
	"berth/drivers"
	"berth/internal/durable"
	"berth/structs"
)

// machineHost is the host of a node on a real machine.
type machineHost struct {
	disk
	cfg      Config
	state    *localstate.Store
	notifier *logs.Notifier
	// problems are what Describe told of last; it is called by one goroutine at a time.
	problems []string
}

func openHost(cfg Config) (host, error) {
	for _, dir := range []string{cfg.DataDir, cfg.AllocDir} {
		// Others may pass through on the way to what a task may see, and list nothing.
		if err := durable.MkdirAll(dir, 0o711); err != nil {
			return nil, fmt.Errorf("make client directory: %w", err)
		}
	}
	state, err := localstate.Open(filepath.Join(cfg.DataDir, "state"), localstate.Options{NoSync: cfg.Dev})
	if err != nil {
		return nil, err
	}
	h := &machineHost{cfg: cfg, state: state, notifier: logs.NewNotifier()}
	h.disk = disk{allocDir: cfg.AllocDir, region: cfg.Region, volumes: cfg.HostVolumes, drivers: map[string]drivers.Driver{}}
	for _, d := range cfg.Drivers {
		h.drivers[d.Name()] = d
	}
	return h, nil
}

func (h *machineHost) Identity() (id, secret structs.ID, err error) {
	return h.state.Identity(h.cfg.NewID)
}

func (h *machineHost) PutAlloc(a *structs.Allocation) error { return h.state.PutAlloc(a) }

func (h *machineHost) DeleteAlloc(id structs.ID) error { return h.state.DeleteAlloc(id) }

func (h *machineHost) PutHeard(t time.Time) error { return h.state.PutHeard(t) }

func (h *machineHost) Heard() (time.Time, error) { return h.state.Heard() }

func (h *machineHost) PutTask(allocID structs.ID, task string, r *taskrunner.Record) error {
	return h.state.PutTask(allocID, task, r)
}

func (h *machineHost) Restore() ([]restored, error) {
	saved, err := h.state.Restore()
	if err != nil {
		return nil, err
	}
	out := make([]restored, 0, len(saved))
	for _, s := range saved {
		r := restored{alloc: s.Alloc, tasks: map[string]*taskrunner.Record{}}
		for name, b := range s.Tasks {
			var rec taskrunner.Record
			if err := json.Unmarshal(b, &rec); err != nil {
				return nil, fmt.Errorf("record of task %q of allocation %s: %w", name, s.Alloc.ID, err)
			}
			r.tasks[name] = &rec
		}
		out = append(out, r)
	}
	return out, nil
}

func (h *machineHost) DiskUsedPercent() (float64, error) {
	d, err := hoststats.DiskOf(h.cfg.AllocDir)
	if err != nil {
		return 0, err
	}
	return d.UsedPercent, nil
}

func (h *machineHost) Close() error {
	if err := errors.Join(h.notifier.Close(), h.state.Close()); err != nil {
		return fmt.Errorf("close client state: %w", err)
	}
	return nil
}

// Describe looks at the machine and its drivers. What does not work here is told once.
func (h *machineHost) Describe(ctx context.Context) (description, error) {
	fc := fingerprint.Config{
		DataDir: h.cfg.AllocDir, NetworkInterface: h.cfg.NetworkInterface, Drivers: h.cfg.Drivers,
		CPUTotalMHz: h.cfg.CPUTotalMHz, MemoryTotalMB: h.cfg.MemoryTotalMB, DiskTotalMB: h.cfg.DiskTotalMB,
	}
	if n, ok := h.cfg.Network.(fingerprint.Network); ok {
		fc.Network = n
	}
	r := fingerprint.Collect(ctx, fc)
	if err := ctx.Err(); err != nil {
		return description{}, err
	}
	if !slices.Equal(r.Problems, h.problems) {
		for _, p := range r.Problems {
			h.cfg.Logger.Warn("not everything works on this machine", "problem", p)
		}
		h.problems = r.Problems
	}
	return description{attributes: r.Attributes, links: r.Links, resources: r.Resources, drivers: r.Drivers}, nil
}

// Sweep removes tasks and directories that belong to no allocation.
func (h *machineHost) Sweep(ctx context.Context, holds func(structs.ID) bool) error {
	var errs []error
	unheld := func(text string) bool {
		id, err := structs.ParseID(text)
		return err == nil && !id.IsZero() && !holds(id)
	}
	for name, d := range h.drivers {
		tasks, err := d.List(ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("list tasks of driver %s: %w", name, err))
		}
		for _, t := range tasks {
			if unheld(t.AllocID) {
				errs = append(errs, d.Destroy(ctx, t.TaskID))
			}
		}
	}
	dirs, err := os.ReadDir(h.cfg.AllocDir)
	if err != nil {
		errs = append(errs, fmt.Errorf("list allocation directories: %w", err))
	}
	for _, dir := range dirs {
		if id, err := structs.ParseID(dir.Name()); err == nil && unheld(dir.Name()) {
			errs = append(errs, h.Dir(id).Destroy())
		}
	}
	return errors.Join(errs...)
}

// Logs makes the collector of a task's output.
func (h *machineHost) Logs(alloc *structs.Allocation, t *structs.Task, p taskrunner.Place) taskrunner.Logs {
	cfg := logs.Config{Dir: h.Dir(alloc.ID).LogDir(), Task: t.Name, SpoolOut: p.StdoutPath, SpoolErr: p.StderrPath,
		Notifier: h.notifier, Logger: h.cfg.Logger.With("alloc_id", alloc.ID.Short())}
	if l := t.LogConfig; l != nil {
		if l.MaxFiles != nil {
			cfg.MaxFiles = *l.MaxFiles
		}
		if l.MaxFileSizeMB != nil {
			cfg.MaxFileMB = *l.MaxFileSizeMB
		}
		cfg.Disabled = l.Disabled != nil && *l.Disabled || l.Enabled != nil && !*l.Enabled
	}
	if d := h.drivers[t.Driver]; d != nil && d.Capabilities().DisableLogCollection {
		cfg.Disabled = true
	}
	return logs.New(cfg)
}

// ReadLogs reads what was collected.
func (h *machineHost) ReadLogs(ctx context.Context, req logs.Request, emit func(logs.Frame) error) error {
	req.Notifier = h.notifier
	return logs.Read(ctx, req, emit)
}
