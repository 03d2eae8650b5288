package client

import (
	"context"
	"maps"
	"reflect"
	"time"

	"berth/structs"
)

// describe makes the node's description of what was found, and reports whether it differs from the last one.
func (c *Client) describe(d description) (changed bool) {
	n := &structs.Node{
		ID: c.id, SecretID: c.secret, Name: c.cfg.NodeName, Datacenter: c.cfg.Datacenter, NodePool: c.cfg.NodePool,
		NodeClass: c.cfg.NodeClass, Meta: maps.Clone(c.cfg.Meta), HTTPAddr: c.cfg.HTTPAddr, Taints: c.cfg.Taints,
		Attributes: d.attributes, Links: d.links, NodeResources: d.resources, ReservedResources: new(c.cfg.Reserved),
		Drivers: d.drivers, HostVolumes: c.cfg.HostVolumes, HostNetworks: c.cfg.HostNetworks,
		CgroupParent: c.cfg.CgroupParent, Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible,
		StatusUpdatedAt: time.Now().Unix(),
	}
	if n.Name == "" {
		n.Name = d.attributes["unique.hostname"]
	}
	if n.Name == "" {
		n.Name = c.id.Short()
	}
	if r := n.NodeResources; r != nil {
		r.MinDynamicPort, r.MaxDynamicPort = c.cfg.MinDynamicPort, c.cfg.MaxDynamicPort
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	changed = c.node == nil || !alike(c.node, n)
	if changed {
		c.node = n
	}
	return changed
}

// alike reports that two descriptions mean the same to the scheduler. Times, and what always changes a little (the free
// space of the disk), do not count.
func alike(a, b *structs.Node) bool {
	strip := func(n *structs.Node) structs.Node {
		out := *n
		out.StatusUpdatedAt = 0
		out.Attributes = maps.Clone(n.Attributes)
		delete(out.Attributes, "unique.storage.bytesfree")
		out.Drivers = map[string]*structs.DriverInfo{}
		for name, d := range n.Drivers {
			own := *d
			own.UpdateTime = time.Time{}
			out.Drivers[name] = &own
		}
		if n.NodeResources != nil {
			r := *n.NodeResources
			r.Disk.DiskMB >>= 10 // whole GB
			out.NodeResources = &r
		}
		return out
	}
	return reflect.DeepEqual(strip(a), strip(b))
}

// lookSoonest is the pause before a machine with an ailing driver is looked at again; it doubles up to FingerprintEvery.
const lookSoonest = 250 * time.Millisecond

// lookAgain looks at the machine and its drivers now and then, sooner while a driver is not well, and registers again when
// something has changed.
func (c *Client) lookAgain(ctx context.Context) error {
	wait := lookSoonest
	for {
		if driversWell(c.Node()) {
			wait = c.cfg.FingerprintEvery
		}
		if !pause(ctx, wait) {
			return ctx.Err()
		}
		d, err := c.host.Describe(ctx)
		if err != nil {
			c.log.Warn("machine cannot be looked at", "error", err)
			continue
		}
		if c.describe(d) {
			c.log.Info("machine has changed")
			poke(c.reregister)
			wait = lookSoonest
		} else {
			wait = min(2*wait, c.cfg.FingerprintEvery)
		}
	}
}

// driversWell reports that no driver ails.
func driversWell(n *structs.Node) bool {
	for _, d := range n.Drivers {
		if !d.Healthy {
			return false
		}
	}
	return true
}
