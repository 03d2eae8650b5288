package client

import (
	"context"
	"fmt"
	"time"

	"berth/client/allocrunner"
	"berth/client/network"
	"berth/client/taskrunner"
	"berth/structs"
)

// restore takes up what an earlier life of the agent left. Nothing of it is touched by anyone else before.
func (c *Client) restore(ctx context.Context) error {
	list, err := c.host.Restore()
	if err != nil {
		return fmt.Errorf("read client state: %w", err)
	}
	if err := c.restoreHeard(time.Now()); err != nil {
		return err
	}
	d, err := c.host.Describe(ctx)
	if err != nil {
		return fmt.Errorf("look at the machine: %w", err)
	}
	c.describe(d)
	if c.cfg.Dev {
		return c.startAnew(ctx, list)
	}
	var keep []network.Request
	var adopted []*entry
	for _, r := range list {
		if r.alloc.Group() == nil {
			c.log.Error("allocation on disk has no job", "alloc_id", r.alloc.ID)
			continue
		}
		e := c.hold(r.alloc, r.tasks)
		if e == nil {
			return nil
		}
		if alive(r.tasks) {
			keep = append(keep, e.runner.Request())
			adopted = append(adopted, e)
		}
		c.start(ctx, e)
	}
	if err := c.cfg.Network.Sync(ctx, keep); err != nil {
		c.log.Warn("networks on the machine are not as they should be", "error", err)
	}
	c.awaitAdoption(ctx, adopted)
	if len(list) > 0 {
		c.log.Info("earlier allocations adopted", "count", len(list))
	}
	return nil
}

// adoptionPatience is how long the node waits for its earlier tasks before it registers: a driver that hangs must not keep it
// from the servers.
const adoptionPatience = 10 * time.Second

// awaitAdoption returns when the tasks of earlier allocations are adopted, or known to be gone.
func (c *Client) awaitAdoption(ctx context.Context, entries []*entry) {
	ctx, cancel := context.WithTimeout(ctx, adoptionPatience)
	defer cancel()
	for _, e := range entries {
		if err := e.runner.AwaitSettled(ctx); err != nil {
			c.log.Warn("earlier tasks are not adopted yet", "alloc_id", e.id.Short())
			return
		}
	}
}

// startAnew ends what an earlier life left behind that was killed: servers that keep nothing know nothing of it.
func (c *Client) startAnew(ctx context.Context, list []restored) error {
	for _, r := range list {
		if err := c.host.DeleteAlloc(r.alloc.ID); err != nil {
			return fmt.Errorf("forget allocation %s: %w", r.alloc.ID, err)
		}
	}
	if err := c.host.Sweep(ctx, func(structs.ID) bool { return false }); err != nil {
		c.log.Warn("leftovers cannot be removed", "error", err)
	}
	if err := c.cfg.Network.Sync(ctx, nil); err != nil {
		c.log.Warn("networks on the machine are not as they should be", "error", err)
	}
	return nil
}

// alive reports that a task may still run.
func alive(tasks map[string]*taskrunner.Record) bool {
	for _, r := range tasks {
		if r.State == nil || r.State.State != structs.TaskStateDead {
			return true
		}
	}
	return false
}

// hold makes an allocation one of the node's; nil when the node is about to end everything.
func (c *Client) hold(alloc *structs.Allocation, tasks map[string]*taskrunner.Record) *entry {
	e := &entry{id: alloc.ID, alloc: alloc, confirmed: tasks == nil, done: make(chan struct{})}
	log := c.log.With("alloc_id", alloc.ID.Short())
	e.runner = allocrunner.New(allocrunner.Config{
		NodeID: c.id, Alloc: alloc, Drivers: c.drivers, Network: c.cfg.Network, PortsTaken: c.cfg.PortsTaken,
		Files: c.host.Files(alloc.ID),
		Place: func(a *structs.Allocation, task string, net *network.Result) taskrunner.Place {
			return c.host.Place(c.Node(), a, task, net)
		},
		Logs:  func(t *structs.Task, p taskrunner.Place) taskrunner.Logs { return c.host.Logs(alloc, t, p) },
		Store: c.host, Records: tasks, Restored: tasks != nil, Changed: func() { poke(c.report) },
		KillTimeoutMax: c.cfg.MaxKillTimeout, CgroupParent: c.cfg.CgroupParent, Logger: log,
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping {
		return nil
	}
	c.allocs[alloc.ID] = e
	return e
}

// start runs the entry's runner, once those before it have ended, until it or the client ends.
func (c *Client) start(ctx context.Context, e *entry, before ...*entry) {
	c.running.Go(func() {
		defer close(e.done)
		if err := awaitEnds(ctx, before); err != nil {
			return
		}
		if err := e.runner.Run(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("allocation runner ended", "alloc_id", e.id.Short(), "error", err)
		}
		if e.runner.Ended() {
			c.mu.Lock()
			c.order++
			e.ended = c.order
			c.mu.Unlock()
			poke(c.clean)
		}
		poke(c.report)
	})
}

// remove ends an allocation and everything of it, and forgets it.
func (c *Client) remove(ctx context.Context, e *entry) error {
	if e.runner != nil {
		e.runner.End()
		select {
		case <-e.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if !e.runner.Ended() {
			return fmt.Errorf("allocation %s did not end", e.id)
		}
		if err := e.runner.Destroy(); err != nil {
			return err
		}
	}
	if err := c.host.DeleteAlloc(e.id); err != nil {
		return fmt.Errorf("forget allocation %s: %w", e.id, err)
	}
	c.mu.Lock()
	delete(c.allocs, e.id)
	c.mu.Unlock()
	poke(c.told)
	return nil
}
