package state

import (
	"cmp"
	"slices"
	"strings"

	"berth/structs"
)

// NodeUse is what the allocations of one node hold of it: those that their client has not reported ended.
type NodeUse struct {
	NodeID structs.ID
	Allocs int
	Amount structs.ComparableResources
	// Ports, Cores and Devices are sorted. Something is there twice only if two allocations hold it.
	Ports   []PortUse
	Cores   []uint16
	Devices []string // vendor/type/name/id
}

// PortUse is a host port held on an address; an empty or unspecified address is every one.
type PortUse struct {
	Port int
	IP   string
}

// Compare orders by port, then address.
func (p PortUse) Compare(o PortUse) int {
	if c := cmp.Compare(p.Port, o.Port); c != 0 {
		return c
	}
	return strings.Compare(p.IP, o.IP)
}

// Clashes reports that both cannot be held at once.
func (p PortUse) Clashes(o PortUse) bool {
	return p.Port == o.Port && (p.IP == o.IP || everyAddress(p.IP) || everyAddress(o.IP))
}

func everyAddress(ip string) bool { return ip == "" || ip == "0.0.0.0" || ip == "::" }

// Clone is a use that can be changed.
func (u *NodeUse) Clone() *NodeUse {
	c := *u
	c.Ports, c.Cores, c.Devices = slices.Clone(u.Ports), slices.Clone(u.Cores), slices.Clone(u.Devices)
	return &c
}

// Add counts the resources of one more allocation.
func (u *NodeUse) Add(r *structs.AllocatedResources) {
	u.Allocs++
	u.Amount.Add(r.Comparable())
	h := HeldBy(r)
	for _, p := range h.Ports {
		at, _ := slices.BinarySearchFunc(u.Ports, p, PortUse.Compare)
		u.Ports = slices.Insert(u.Ports, at, p)
	}
	for _, c := range h.Cores {
		at, _ := slices.BinarySearch(u.Cores, c)
		u.Cores = slices.Insert(u.Cores, at, c)
	}
	for _, d := range h.Devices {
		at, _ := slices.BinarySearch(u.Devices, d)
		u.Devices = slices.Insert(u.Devices, at, d)
	}
}

// Remove takes back what Add counted.
func (u *NodeUse) Remove(r *structs.AllocatedResources) {
	u.Allocs--
	u.Amount.Sub(r.Comparable())
	h := HeldBy(r)
	for _, p := range h.Ports {
		if at, ok := slices.BinarySearchFunc(u.Ports, p, PortUse.Compare); ok {
			u.Ports = slices.Delete(u.Ports, at, at+1)
		}
	}
	for _, c := range h.Cores {
		if at, ok := slices.BinarySearch(u.Cores, c); ok {
			u.Cores = slices.Delete(u.Cores, at, at+1)
		}
	}
	for _, d := range h.Devices {
		if at, ok := slices.BinarySearch(u.Devices, d); ok {
			u.Devices = slices.Delete(u.Devices, at, at+1)
		}
	}
}

// Held are the things only one allocation of a node can have.
type Held struct {
	Ports   []PortUse
	Cores   []uint16
	Devices []string
}

// HeldBy lists what the resources name; ports that may collide are left out.
func HeldBy(r *structs.AllocatedResources) Held {
	var h Held
	if r == nil {
		return h
	}
	for _, p := range r.Shared.Ports {
		if p.Value > 0 && !p.IgnoreCollision {
			h.Ports = append(h.Ports, PortUse{p.Value, p.HostIP})
		}
	}
	for _, t := range r.Tasks {
		if t == nil {
			continue
		}
		h.Cores = append(h.Cores, t.Cpu.ReservedCores...)
		for _, d := range t.Devices {
			for _, id := range d.DeviceIDs {
				h.Devices = append(h.Devices, d.Vendor+"/"+d.Type+"/"+d.Name+"/"+id)
			}
		}
		for _, nw := range t.Networks {
			for _, list := range [2][]structs.Port{nw.ReservedPorts, nw.DynamicPorts} {
				for _, p := range list {
					if p.Value > 0 && !p.IgnoreCollision {
						h.Ports = append(h.Ports, PortUse{p.Value, nw.IP})
					}
				}
			}
		}
	}
	return h
}
