package fsm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"berth/state"
	"berth/structs"
)

// room is what a plan may still use of the nodes it touches: what they have, less what their allocations hold, less what
// the plan gave away already.
type room struct {
	txn   *state.WriteTxn
	nodes map[structs.ID]*nodeRoom
}

type nodeRoom struct {
	node     *structs.Node // nil when it does not exist
	use      *state.NodeUse
	capacity structs.ComparableResources
	reserved []state.PortUse // kept by the node; nil until asked for
	parsed   bool
}

func newRoom(txn *state.WriteTxn) *room { return &room{txn: txn, nodes: map[structs.ID]*nodeRoom{}} }

func (r *room) at(id structs.ID) *nodeRoom {
	if n := r.nodes[id]; n != nil {
		return n
	}
	n := &nodeRoom{node: r.txn.Node(id), use: &state.NodeUse{NodeID: id}}
	if use := r.txn.NodeUse(id); use != nil {
		n.use = use.Clone()
	}
	if n.node != nil {
		n.capacity = capacityOf(n.node)
	}
	r.nodes[id] = n
	return n
}

// capacityOf is what a node can give to allocations.
func capacityOf(n *structs.Node) structs.ComparableResources {
	var c structs.ComparableResources
	if r := n.NodeResources; r != nil {
		c = structs.ComparableResources{CPU: r.Cpu.CpuShares, MemoryMB: r.Memory.MemoryMB, DiskMB: r.Disk.DiskMB}
	}
	if r := n.ReservedResources; r != nil {
		c.Sub(structs.ComparableResources{CPU: r.Cpu.CpuShares, MemoryMB: r.Memory.MemoryMB, DiskMB: r.Disk.DiskMB})
	}
	return c
}

// place takes room for a new allocation, or says why there is none.
func (n *nodeRoom) place(r *structs.AllocatedResources) string {
	switch {
	case n.node == nil:
		return "the node does not exist"
	case n.node.Status != structs.NodeStatusReady:
		return "the node is " + string(n.node.Status)
	case n.node.DrainStrategy != nil:
		return "the node is draining"
	case n.node.SchedulingEligibility != structs.NodeEligible:
		return "the node is ineligible"
	case n.node.NodeMaxAllocs > 0 && n.use.Allocs >= n.node.NodeMaxAllocs:
		return fmt.Sprintf("the node runs %d allocations and may run no more", n.use.Allocs)
	}
	return n.take(r)
}

// take takes room, or says why there is none.
func (n *nodeRoom) take(r *structs.AllocatedResources) string {
	if why := n.exhausted(r.Comparable()); why != "" {
		return why
	}
	held := state.HeldBy(r)
	if why := n.held(held); why != "" {
		return why
	}
	n.use.Add(r)
	return ""
}

func (n *nodeRoom) exhausted(ask structs.ComparableResources) string {
	for _, d := range [...]struct {
		name           string
		ask, used, all int64
	}{
		{"cpu", ask.CPU, n.use.Amount.CPU, n.capacity.CPU},
		{"memory", ask.MemoryMB, n.use.Amount.MemoryMB, n.capacity.MemoryMB},
		{"disk", ask.DiskMB, n.use.Amount.DiskMB, n.capacity.DiskMB},
	} {
		if d.ask < 0 {
			return fmt.Sprintf("%s: %d is no amount", d.name, d.ask)
		}
		if d.ask > 0 && (d.ask > d.all || d.used > d.all-d.ask) {
			return fmt.Sprintf("%s exhausted: %d of %d is used, %d is asked for", d.name, d.used, d.all, d.ask)
		}
	}
	return ""
}

// held says which port, core or device is another's.
func (n *nodeRoom) held(h state.Held) string {
	for i, p := range h.Ports {
		if slices.ContainsFunc(n.use.Ports[lowest(n.use.Ports, p.Port):], func(o state.PortUse) bool { return p.Clashes(o) }) ||
			slices.ContainsFunc(h.Ports[:i], func(o state.PortUse) bool { return p.Clashes(o) }) {
			return fmt.Sprintf("network: port collision: %d is in use", p.Port)
		}
		if slices.ContainsFunc(n.keeps(), func(o state.PortUse) bool { return p.Clashes(o) }) {
			return fmt.Sprintf("network: port %d is reserved by the node", p.Port)
		}
	}
	var own []uint16
	if n.node != nil && n.node.NodeResources != nil {
		own = n.node.NodeResources.Cpu.ReservableCpuCores
	}
	for i, c := range h.Cores {
		if _, taken := slices.BinarySearch(n.use.Cores, c); taken || slices.Contains(h.Cores[:i], c) {
			return fmt.Sprintf("cores: core %d is in use", c)
		}
		if !slices.Contains(own, c) {
			return fmt.Sprintf("cores: the node has no core %d to give", c)
		}
	}
	for i, d := range h.Devices {
		if _, taken := slices.BinarySearch(n.use.Devices, d); taken || slices.Contains(h.Devices[:i], d) {
			return fmt.Sprintf("devices: %s is in use", d)
		}
	}
	return ""
}

// lowest is where the uses of a port begin.
func lowest(uses []state.PortUse, port int) int {
	at, _ := slices.BinarySearchFunc(uses, port, func(u state.PortUse, p int) int { return u.Port - p })
	return at
}

// keeps are the ports the node keeps for itself.
func (n *nodeRoom) keeps() []state.PortUse {
	if n.parsed || n.node == nil {
		return n.reserved
	}
	n.parsed = true
	if r := n.node.ReservedResources; r != nil {
		n.reserve(r.Networks.ReservedHostPorts, "")
	}
	if r := n.node.NodeResources; r != nil {
		for _, nw := range r.NodeNetworks {
			for _, a := range nw.Addresses {
				n.reserve(a.ReservedPorts, a.Address)
			}
		}
	}
	return n.reserved
}

// reserve reads "22,80,8500-8600"; what is not a port is left out.
func (n *nodeRoom) reserve(list, ip string) {
	for part := range strings.SplitSeq(list, ",") {
		lo, hi, isRange := strings.Cut(strings.TrimSpace(part), "-")
		first, err := strconv.ParseUint(lo, 10, 16)
		if err != nil {
			continue
		}
		last := first
		if isRange {
			if last, err = strconv.ParseUint(hi, 10, 16); err != nil {
				continue
			}
		}
		for p := first; p <= last; p++ {
			n.reserved = append(n.reserved, state.PortUse{Port: int(p), IP: ip})
		}
	}
}

// free gives back what an allocation held.
func (n *nodeRoom) free(r *structs.AllocatedResources) { n.use.Remove(r) }
