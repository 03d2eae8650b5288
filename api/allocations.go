package api

import (
	"context"
	"net/http"
	"strconv"

	"berth/structs"
)

// Allocations are the calls about allocations.
type Allocations struct{ c *Client }

// Allocations are the calls about allocations.
func (c *Client) Allocations() Allocations { return Allocations{c} }

// List lists allocations. Params: resources=true adds what they were given, task_states=false leaves task states out.
func (a Allocations) List(ctx context.Context, q *QueryOptions) ([]*structs.AllocListStub, *QueryMeta, error) {
	return get[[]*structs.AllocListStub](ctx, a.c, "/v1/allocations", q)
}

// Get reads an allocation with its job.
func (a Allocations) Get(ctx context.Context, id string, q *QueryOptions) (*Allocation, *QueryMeta, error) {
	return get[*Allocation](ctx, a.c, "/v1/allocation/"+escape(id), q)
}

// Stop stops an allocation; the scheduler replaces it where the job wants so.
func (a Allocations) Stop(ctx context.Context, id string, noShutdownDelay bool, w *WriteOptions) (*AllocStopResponse, *WriteMeta, error) {
	v := w.values()
	v.Set("no_shutdown_delay", strconv.FormatBool(noShutdownDelay))
	return write[*AllocStopResponse](ctx, a.c, http.MethodPut, "/v1/allocation/"+escape(id)+"/stop", nil, v)
}

func clientAllocPath(id, call string) string {
	return "/v1/client/allocation/" + escape(id) + "/" + call
}

// Restart restarts a task of a running allocation in place; task "" means every running one, all also the ended ones.
func (a Allocations) Restart(ctx context.Context, id, task string, all bool, w *WriteOptions) error {
	body := map[string]any{"TaskName": task, "AllTasks": all}
	_, _, err := put[nothing](ctx, a.c, clientAllocPath(id, "restart"), body, w)
	return err
}

// Signal sends a signal to a task; task "" means every one.
func (a Allocations) Signal(ctx context.Context, id, task, signal string, w *WriteOptions) error {
	_, _, err := put[nothing](ctx, a.c, clientAllocPath(id, "signal"), map[string]any{"Task": task, "Signal": signal}, w)
	return err
}

// Stats samples what an allocation uses.
func (a Allocations) Stats(ctx context.Context, id, task string, q *QueryOptions) (*AllocResourceUsage, error) {
	if task != "" {
		q = q.With("task", task)
	}
	out, _, err := get[*AllocResourceUsage](ctx, a.c, clientAllocPath(id, "stats"), q)
	return out, err
}

// GC removes what is left of an ended allocation from its node.
func (a Allocations) GC(ctx context.Context, id string, q *QueryOptions) error {
	_, _, err := write[nothing](ctx, a.c, http.MethodGet, clientAllocPath(id, "gc"), nil, q.values())
	return err
}

// AllocResourceUsage is what an allocation uses, in all and by task.
type AllocResourceUsage struct {
	ResourceUsage *ResourceUsage
	Tasks         map[string]*TaskResourceUsage
	Timestamp     int64 // Unix ns
}

// TaskResourceUsage is what one task uses.
type TaskResourceUsage struct {
	ResourceUsage *ResourceUsage
	Timestamp     int64
	Pids          map[string]*ResourceUsage
}

// ResourceUsage is one sample of use.
type ResourceUsage struct {
	MemoryStats *MemoryStats
	CpuStats    *CPUStats //nolint:revive // contract name
	DeviceStats []any
}

// MemoryStats are bytes; Measured names the fields that mean something.
type MemoryStats struct {
	RSS, Cache, Swap, Usage, MaxUsage, KernelUsage, KernelMaxUsage uint64
	Measured                                                       []string
}

// CPUStats are percent of one core, ticks in MHz, and time held back by limits.
type CPUStats struct {
	SystemMode, UserMode, TotalTicks float64
	ThrottledPeriods, ThrottledTime  uint64
	Percent                          float64
	Measured                         []string
}
