package client

import (
	"context"
	"math/rand/v2"
	"time"

	"berth/structs"
)

// The timing of the watch.
const (
	watchWaitMax = 5 * time.Minute
	pauseMin     = 100 * time.Millisecond
	pauseMax     = 15 * time.Second
)

// backoff is the pause after so many failures in a row, with jitter so that a cluster's nodes do not come back together.
func backoff(failures int) time.Duration {
	d := min(pauseMin<<min(failures-1, 10), pauseMax)
	return d/2 + rand.N(d)
}

// pause waits, and returns false when ctx is done.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// watch learns what should be on the node, and makes it so.
func (c *Client) watch(ctx context.Context) error {
	select {
	case <-c.ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	failures := 0
	for ctx.Err() == nil {
		held, index := c.held()
		req := &structs.NodeAllocsRequest{NodeID: c.id, SecretID: c.secret, MinIndex: index, MaxWait: watchWaitMax, Known: map[string]uint64{}}
		for id, h := range held {
			if !h.forgotten && h.confirmed {
				req.Known[id.String()] = h.index
			}
		}
		resp, err := c.servers.Allocs(ctx, req)
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			failures++
			if structs.KindOf(err) == structs.KindNotFound {
				poke(c.reregister)
			}
			if failures > 1 {
				c.log.Warn("allocations cannot be watched", "error", err)
			}
			pause(ctx, backoff(failures))
			continue
		}
		failures = 0
		if resp.Index < index {
			// A server that lags: what it says is older than what is done already.
			pause(ctx, backoff(1))
			continue
		}
		linkJobs(resp)
		ch := reconcile(held, resp)
		ok := c.apply(ctx, ch)
		if news := c.confirm(resp); !ok || len(resp.Allocs) > 0 && ch.none() && !news {
			pause(ctx, backoff(3)) // asked again, the servers would answer the same at once
		}
	}
	return ctx.Err()
}

// confirm notes that the servers list what the node has from an earlier life of the agent, and whether that is news.
func (c *Client) confirm(resp *structs.NodeAllocsResponse) bool {
	var news []*entry
	c.mu.Lock()
	c.index = max(c.index, resp.Index)
	for _, id := range resp.IDs {
		if e := c.allocs[id]; e != nil && !e.confirmed {
			e.confirmed = true
			news = append(news, e)
		}
	}
	c.mu.Unlock()
	for _, e := range news {
		if e.runner != nil {
			e.runner.Confirm()
		}
	}
	return len(news) > 0
}

// held is what the node has.
func (c *Client) held() (map[structs.ID]heldAlloc, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[structs.ID]heldAlloc, len(c.allocs))
	for id, e := range c.allocs {
		out[id] = heldAlloc{index: e.alloc.AllocModifyIndex, forgotten: e.forgotten, confirmed: e.confirmed}
	}
	return out, c.index
}

// apply makes the changes. What cannot be recorded is not done, and apply returns false: it will be asked for again.
func (c *Client) apply(ctx context.Context, ch changes) bool {
	ok := c.noteAsked(ch, time.Now())
	put := func(a *structs.Allocation) bool {
		if err := c.host.PutAlloc(a); err != nil {
			c.log.Error("allocation is not recorded, and waits", "alloc_id", a.ID.Short(), "error", err)
			ok = false
			return false
		}
		return true
	}
	for _, a := range ch.update {
		if !put(a) {
			continue
		}
		c.mu.Lock()
		e := c.allocs[a.ID]
		c.mu.Unlock()
		is := a.ClientStatus
		if e.runner != nil {
			u, _ := e.runner.Report()
			is = u.ClientStatus
		}
		c.mu.Lock()
		e.alloc = a
		if a.ClientStatus == structs.AllocClientUnknown || a.ClientStatus != is {
			// The servers have lost sight of it, perhaps after the last report reached them, or their state was restored from before it.
			e.untold()
			defer poke(c.report)
		}
		c.mu.Unlock()
		if e.runner != nil {
			e.runner.Update(a)
		}
	}
	for _, a := range ch.note {
		c.mu.Lock()
		c.allocs[a.ID] = &entry{id: a.ID, alloc: a, confirmed: true}
		c.mu.Unlock()
	}
	for _, id := range ch.forget {
		c.forget(ctx, id)
	}
	for _, a := range ch.start {
		if !put(a) {
			continue
		}
		if e := c.hold(a, nil); e != nil {
			c.start(ctx, e, c.portHolders(a)...)
		}
	}
	return ok
}

// forget ends and removes an allocation that the servers do not list any more, however long that takes.
func (c *Client) forget(ctx context.Context, id structs.ID) {
	c.mu.Lock()
	e := c.allocs[id]
	e.forgotten = true
	c.mu.Unlock()
	c.running.Go(func() {
		for failures := 1; ; failures++ {
			err := c.remove(ctx, e)
			if err == nil || ctx.Err() != nil {
				return
			}
			c.log.Error("allocation cannot be removed", "alloc_id", id.Short(), "error", err)
			pause(ctx, backoff(failures+4))
		}
	})
}
