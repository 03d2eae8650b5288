package client

import (
	"context"
	"reflect"
	"time"

	"berth/structs"
)

// pendingPatience is how long the report of a pending allocation waits for something better to say: mostly its tasks run
// before, and one write of the servers is saved.
const pendingPatience = 150 * time.Millisecond

// reportLoop tells the servers of every change at once. Changes that come while a report is under way go together with the
// next one.
func (c *Client) reportLoop(ctx context.Context) error {
	select {
	case <-c.ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	failures := 0
	for ctx.Err() == nil {
		due, updates, wait := c.due(time.Now())
		if len(updates) == 0 {
			poke(c.told)
			timer := time.NewTimer(wait)
			select {
			case <-c.report:
			case <-timer.C:
			case <-ctx.Done():
			}
			timer.Stop()
			continue
		}
		err := c.servers.UpdateAllocs(ctx, &structs.NodeUpdateAllocsRequest{NodeID: c.id, SecretID: c.secret, Updates: updates})
		if err == nil {
			failures = 0
			c.ack(due)
			poke(c.told)
			continue
		}
		if ctx.Err() != nil {
			break
		}
		failures++
		if structs.KindOf(err) == structs.KindNotFound {
			poke(c.reregister)
		}
		if failures > 1 {
			c.log.Warn("allocations cannot be reported", "error", err)
		}
		pause(ctx, backoff(failures))
	}
	return ctx.Err()
}

// reported is a report, the version of the runner it was made at, and what was known of the servers then.
type reported struct {
	version, forgot uint64
	update          *structs.AllocClientUpdate
}

// due are the reports the servers do not have, and when to look again if there are none.
func (c *Client) due(now time.Time) (due map[structs.ID]reported, updates []*structs.AllocClientUpdate, wait time.Duration) {
	due, wait = map[structs.ID]reported{}, time.Hour
	for _, e := range c.entries() {
		if e.runner == nil {
			continue
		}
		u, version := e.runner.Report()
		c.mu.Lock()
		if e.sent != nil && reflect.DeepEqual(e.sent, u) {
			e.acked = version + 1
		}
		acked, since, forgot := e.acked, e.pendingAt, e.forgot
		if since.IsZero() {
			e.pendingAt, since = now, now
		}
		c.mu.Unlock()
		if acked == version+1 {
			continue
		}
		if left := since.Add(pendingPatience).Sub(now); u.ClientStatus == structs.AllocClientPending && left > 0 {
			wait = min(wait, left)
			continue
		}
		due[u.ID] = reported{version, forgot, u}
		updates = append(updates, u)
	}
	return due, updates, wait
}

// ack notes what the servers have.
func (c *Client) ack(due map[structs.ID]reported) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, r := range due {
		if e := c.allocs[id]; e != nil && e.forgot == r.forgot {
			e.acked, e.sent = r.version+1, r.update
		}
	}
}

// untold has it reported again, whatever is under way: the servers do not have what they were told. The client's lock is held.
func (e *entry) untold() {
	e.acked, e.sent = 0, nil
	e.forgot++
}

// reportAgain lets everything be reported again: the servers may have thought otherwise of a node they did not hear of.
func (c *Client) reportAgain() {
	c.mu.Lock()
	for _, e := range c.allocs {
		e.untold()
	}
	c.mu.Unlock()
	poke(c.report)
}
