package check

import (
	"slices"
	"strconv"
	"strings"

	"berth/structs"
)

// checkNode adds up what the allocations that are not over hold of a node.
func checkNode(fs *faults, n *structs.Node, allocs []*structs.Allocation) {
	var cpu, memory, disk int64
	cores, devices := map[uint16]string{}, map[string]string{}
	ports := map[int][]takenPort{}
	for _, a := range allocs {
		r := a.AllocatedResources
		if r == nil {
			continue
		}
		c, m := amounts(r)
		cpu, memory, disk = cpu+c, memory+m, disk+r.Shared.DiskMB
		for name, t := range r.Tasks {
			holder := allocSubject(a) + " " + name
			for _, core := range t.Cpu.ReservedCores {
				if other, taken := cores[core]; taken {
					fs.add(nodeSubject(n), "core %d is given to %s and to %s", core, min(other, holder), max(other, holder))
				}
				cores[core] = holder
				if n.NodeResources == nil || !slices.Contains(n.NodeResources.Cpu.ReservableCpuCores, core) {
					fs.add(nodeSubject(n), "core %d of %s is not the node's to give", core, holder)
				}
			}
			for _, d := range t.Devices {
				for _, id := range d.DeviceIDs {
					key := d.Vendor + "/" + d.Type + "/" + d.Name + "/" + id
					if other, taken := devices[key]; taken {
						fs.add(nodeSubject(n), "device %s is given to %s and to %s", key, min(other, holder), max(other, holder))
					}
					devices[key] = holder
					if !hasDevice(n, d, id) {
						fs.add(nodeSubject(n), "there is no healthy device %s", key)
					}
				}
			}
		}
		for _, p := range portsOf(a) {
			checkPort(fs, n, p, ports)
		}
	}
	has := func(what string, used, all int64) {
		if used > all {
			fs.add(nodeSubject(n), "%s: %d given, it has %d", what, used, all)
		}
	}
	var total structs.ComparableResources
	if r := n.NodeResources; r != nil {
		total = structs.ComparableResources{CPU: r.Cpu.CpuShares, MemoryMB: r.Memory.MemoryMB, DiskMB: r.Disk.DiskMB}
	}
	if r := n.ReservedResources; r != nil {
		total.CPU -= r.Cpu.CpuShares
		total.MemoryMB -= r.Memory.MemoryMB
		total.DiskMB -= r.Disk.DiskMB
	}
	has("cpu", cpu, total.CPU)
	has("memory", memory, total.MemoryMB)
	has("disk", disk, total.DiskMB)
	if n.NodeMaxAllocs > 0 {
		has("allocations", int64(len(allocs)), int64(n.NodeMaxAllocs))
	}
}

func hasDevice(n *structs.Node, d *structs.AllocatedDeviceResource, id string) bool {
	if n.NodeResources == nil {
		return false
	}
	for _, g := range n.NodeResources.Devices {
		if g.Vendor != d.Vendor || g.Type != d.Type || g.Name != d.Name {
			continue
		}
		for _, i := range g.Instances {
			if i.ID == id && i.Healthy {
				return true
			}
		}
	}
	return false
}

// amounts is the most that runs at the same time: the tasks before the main ones, the main ones, or the tasks after them.
func amounts(r *structs.AllocatedResources) (cpu, memory int64) {
	var phase [3]struct{ cpu, memory int64 }
	for name, t := range r.Tasks {
		during := []int{1}
		if lc := r.TaskLifecycles[name]; lc != nil {
			switch {
			case lc.Hook == structs.HookPrestart && lc.Sidecar:
				during = []int{0, 1}
			case lc.Hook == structs.HookPrestart:
				during = []int{0}
			case lc.Hook == structs.HookPoststop:
				during = []int{2}
			}
		}
		for _, p := range during {
			phase[p].cpu += t.Cpu.CpuShares
			phase[p].memory += t.Memory.MemoryMB
		}
	}
	for _, p := range phase {
		cpu, memory = max(cpu, p.cpu), max(memory, p.memory)
	}
	return cpu, memory
}

type takenPort struct {
	ip     string
	port   int
	holder string
}

func portsOf(a *structs.Allocation) []takenPort {
	var ports []takenPort
	for _, p := range a.AllocatedResources.Shared.Ports {
		if !p.IgnoreCollision {
			ports = append(ports, takenPort{p.HostIP, p.Value, allocSubject(a) + " " + p.Label})
		}
	}
	return ports
}

func everywhere(ip string) bool { return ip == "" || ip == "0.0.0.0" || ip == "::" }

func checkPort(fs *faults, n *structs.Node, p takenPort, ports map[int][]takenPort) {
	if p.port <= 0 || p.port > 65535 {
		fs.add(nodeSubject(n), "port %d of %s is no port", p.port, p.holder)
	}
	for _, o := range ports[p.port] {
		if o.ip == p.ip || everywhere(o.ip) || everywhere(p.ip) {
			fs.add(nodeSubject(n), "port %d is given to %s and to %s", p.port, min(o.holder, p.holder), max(o.holder, p.holder))
		}
	}
	ports[p.port] = append(ports[p.port], p)
	if r := n.ReservedResources; r != nil && inRanges(r.Networks.ReservedHostPorts, p.port) {
		fs.add(nodeSubject(n), "port %d of %s is kept by the node", p.port, p.holder)
	}
	if n.NodeResources == nil {
		return
	}
	for _, nw := range n.NodeResources.NodeNetworks {
		for _, a := range nw.Addresses {
			if (a.Address == p.ip || everywhere(p.ip)) && inRanges(a.ReservedPorts, p.port) {
				fs.add(nodeSubject(n), "port %d of %s is kept by the node on %s", p.port, p.holder, a.Address)
			}
		}
	}
}

// inRanges reports that the port is in a list like "22,80,8500-8600".
func inRanges(list string, port int) bool {
	for part := range strings.SplitSeq(list, ",") {
		lo, hi, ranged := strings.Cut(strings.TrimSpace(part), "-")
		first, err := strconv.Atoi(lo)
		if err != nil {
			continue
		}
		last := first
		if ranged {
			if last, err = strconv.Atoi(hi); err != nil {
				continue
			}
		}
		if first <= port && port <= last {
			return true
		}
	}
	return false
}
