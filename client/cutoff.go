package client

import (
	"fmt"
	"time"

	"berth/structs"
)

// silence is how long the servers have not been heard of, in this life of the agent and the one before.
func (c *Client) silence(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return now.Sub(c.heard)
}

// hear notes that the servers answered. It is written down while something on the node must end without them: an agent that
// starts again while it is cut off goes on counting.
func (c *Client) hear(now time.Time) {
	c.mu.Lock()
	c.heard = now
	c.mu.Unlock()
	for _, e := range c.entries() {
		if e.runner == nil || e.runner.Ended() {
			continue
		}
		if _, asked := stopAfter(e.runner.Alloc().Group()); asked {
			c.noteHeard(now)
			return
		}
	}
}

func (c *Client) noteHeard(now time.Time) bool {
	if err := c.host.PutHeard(now); err != nil {
		c.log.Error("when the servers answered is not recorded", "error", err)
		return false
	}
	return true
}

// noteAsked writes down that the servers answered now, when one of the allocations they list must end without them.
func (c *Client) noteAsked(ch changes, now time.Time) bool {
	for _, list := range [][]*structs.Allocation{ch.update, ch.start} {
		for _, a := range list {
			if _, asked := stopAfter(a.Group()); asked {
				return c.noteHeard(now)
			}
		}
	}
	return true
}

// restoreHeard takes up when the servers last answered. A time to come is that of a clock that was set back.
func (c *Client) restoreHeard(now time.Time) error {
	at, err := c.host.Heard()
	if err != nil {
		return fmt.Errorf("read client state: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !at.IsZero() && at.Before(now) {
		c.heard = at
	}
	return nil
}

// stopCutOff ends the allocations whose job says that they must not run without the servers for that long.
func (c *Client) stopCutOff(now time.Time) {
	silence := c.silence(now)
	for _, e := range c.entries() {
		if e.runner == nil {
			continue
		}
		if after, asked := stopAfter(e.runner.Alloc().Group()); asked && silence >= after {
			e.runner.Stop()
		}
	}
}

// stopAfter is how long a group may run without the servers.
func stopAfter(g *structs.TaskGroup) (time.Duration, bool) {
	if g == nil {
		return 0, false
	}
	if g.Disconnect != nil && g.Disconnect.StopOnClientAfter != nil {
		return *g.Disconnect.StopOnClientAfter, true
	}
	if g.StopAfterClientDisconnect != nil {
		return *g.StopAfterClientDisconnect, true
	}
	return 0, false
}
