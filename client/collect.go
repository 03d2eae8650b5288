package client

import (
	"cmp"
	"context"
	"slices"
	"time"

	"berth/structs"
)

// collectEvery is how often the disk is looked at though no allocation has ended.
const collectEvery = time.Minute

// collect removes the files of ended allocations: the oldest, when there are too many or the disk is too full. The node
// goes on to know them until the servers do not.
func (c *Client) collect(ctx context.Context) error {
	for {
		c.collectOnce()
		timer := time.NewTimer(collectEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		case <-c.clean:
		}
		timer.Stop()
	}
}

func (c *Client) collectOnce() {
	ended := c.endedAllocs()
	full := func() bool {
		used, err := c.host.DiskUsedPercent()
		return err == nil && used > c.cfg.GCDiskUsagePercent
	}
	for i, e := range ended {
		if len(ended)-i <= c.cfg.GCMaxAllocs && !full() {
			return
		}
		c.discard(e)
	}
}

// endedAllocs have ended and still have files, oldest end first.
func (c *Client) endedAllocs() []*entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*entry
	for _, e := range c.allocs {
		if e.ended > 0 && !e.collected && !e.forgotten {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *entry) int { return cmp.Compare(a.ended, b.ended) })
	return out
}

// discard removes the files of an ended allocation.
func (c *Client) discard(e *entry) {
	if err := e.runner.Destroy(); err != nil {
		c.log.Warn("files of ended allocation cannot be removed", "alloc_id", e.id.Short(), "error", err)
		return
	}
	c.mu.Lock()
	e.collected = true
	c.mu.Unlock()
}

// GCAlloc removes the files of an ended allocation now.
func (c *Client) GCAlloc(id structs.ID) error {
	e, err := c.entry(id)
	if err != nil {
		return err
	}
	c.mu.Lock()
	ended := e.ended > 0
	c.mu.Unlock()
	if !ended {
		return structs.NewError(structs.KindConflict, "allocation "+id.String()+" has not ended: stop it first")
	}
	c.discard(e)
	return nil
}

// GCAll removes the files of every ended allocation now.
func (c *Client) GCAll() {
	for _, e := range c.endedAllocs() {
		c.discard(e)
	}
}

// sweep removes, once, what earlier lives of the agent left and nobody knows any more.
func (c *Client) sweep(ctx context.Context) error {
	select {
	case <-c.ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	holds := func(id structs.ID) bool {
		_, err := c.entry(id)
		return err == nil
	}
	if err := c.host.Sweep(ctx, holds); err != nil && ctx.Err() == nil {
		c.log.Warn("leftovers cannot be removed", "error", err)
	}
	<-ctx.Done()
	return ctx.Err()
}
