package client

import (
	"context"
	"errors"
	"fmt"

	"berth/client/allocrunner"
	"berth/client/taskrunner"
	"berth/drivers"
	"berth/structs"
)

// entry finds an allocation of the node.
func (c *Client) entry(id structs.ID) (*entry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.allocs[id]; e != nil {
		return e, nil
	}
	return nil, structs.NewError(structs.KindNotFound, fmt.Sprintf("allocation %s is not on this node", id))
}

// AllocNamespace is the namespace of an allocation of this node; false when there is none.
func (c *Client) AllocNamespace(id structs.ID) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.allocs[id]; e != nil && e.alloc != nil {
		return e.alloc.Namespace, true
	}
	return "", false
}

// runner finds the runner of an allocation.
func (c *Client) runner(id structs.ID) (*allocrunner.Runner, error) {
	e, err := c.entry(id)
	if err != nil {
		return nil, err
	}
	if e.runner == nil {
		return nil, structs.NewError(structs.KindConflict, fmt.Sprintf("allocation %s was over before this node knew it", id))
	}
	return e.runner, nil
}

// kinded gives an error of a runner the kind the API answers with.
func kinded(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, allocrunner.ErrNoTask), errors.Is(err, drivers.ErrTaskNotFound):
		return &structs.Error{Kind: structs.KindNotFound, Err: err}
	case errors.Is(err, taskrunner.ErrNotRunning):
		return &structs.Error{Kind: structs.KindConflict, Err: err}
	}
	return err
}

// Exec runs a command inside a running task.
func (c *Client) Exec(ctx context.Context, allocID structs.ID, task string, req *drivers.ExecRequest) (*drivers.ExitResult, error) {
	r, err := c.runner(allocID)
	if err != nil {
		return nil, err
	}
	t, err := r.Task(task)
	if err != nil {
		return nil, kinded(err)
	}
	exit, err := t.Exec(ctx, req)
	return exit, kinded(err)
}

// AllocStats samples the running tasks of an allocation, or one of them.
func (c *Client) AllocStats(ctx context.Context, allocID structs.ID, task string) (map[string]*drivers.Usage, error) {
	r, err := c.runner(allocID)
	if err != nil {
		return nil, err
	}
	usage, err := r.Stats(ctx, task)
	return usage, kinded(err)
}

// RestartAlloc replaces the running attempt of a task, or of all running tasks when the name is empty. With all, which goes without a
// name, every task begins anew in the order of their lives, also those that have ended.
func (c *Client) RestartAlloc(_ context.Context, allocID structs.ID, task string, all bool) error {
	r, err := c.runner(allocID)
	if err != nil {
		return err
	}
	if all {
		return kinded(r.RestartAll())
	}
	return kinded(r.Restart(task))
}

// SignalAlloc sends a signal to a task, or to all running tasks when the name is empty.
func (c *Client) SignalAlloc(ctx context.Context, allocID structs.ID, task, signal string) error {
	r, err := c.runner(allocID)
	if err != nil {
		return err
	}
	return kinded(r.Signal(ctx, task, signal))
}
