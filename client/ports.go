package client

import (
	"context"

	"berth/structs"
)

// portHolders are the allocations that are on their way out and still hold a port the given one was promised: the servers
// count a port as free once its holder was told to stop, the machine once the holder has ended. A port is its number here,
// whatever the addresses: a process that listens on [::1] or on all of IPv6 hides a published port as one on 127.0.0.1 does.
func (c *Client) portHolders(alloc *structs.Allocation) []*entry {
	wanted := map[int]bool{}
	for _, p := range portsOf(alloc) {
		wanted[p.Value] = true
	}
	if len(wanted) == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*entry
	for _, e := range c.allocs {
		if e.id == alloc.ID || e.runner == nil || !e.forgotten && !e.alloc.ServerTerminal() {
			continue
		}
		for _, p := range portsOf(e.alloc) {
			if wanted[p.Value] {
				out = append(out, e)
				break
			}
		}
	}
	return out
}

func portsOf(alloc *structs.Allocation) []structs.AllocatedPortMapping {
	if alloc.AllocatedResources == nil {
		return nil
	}
	return alloc.AllocatedResources.Shared.Ports
}

// awaitEnds returns when all of the entries have ended and hold nothing any more, or with ctx's error.
func awaitEnds(ctx context.Context, entries []*entry) error {
	for _, e := range entries {
		select {
		case <-e.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
