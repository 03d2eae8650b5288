package rank

import (
	"berth/scheduler/feasible"
	"berth/scheduler/fleet"
	"berth/structs"
)

// Ask is what one allocation of a group needs, the same for all of them.
type Ask struct {
	CPU, MemoryMB, DiskMB int64
	Cores                 int64
	TaskCores             []taskCores // in the order of the tasks
	Devices               []feasible.DeviceAsk
	Ports                 []fleet.PortAsk
	Static                bool // some port is static
	// Resources is what each allocation is given, ports, cores and devices aside. Shared: do not change it.
	Resources *structs.AllocatedResources
}

// taskCores is how many whole cores a task wants.
type taskCores struct {
	task  string
	count int
}

// AskOf sums up a group. Oversubscription keeps memory_max; it never counts for room.
func AskOf(g *structs.TaskGroup, oversubscription bool) *Ask {
	res := &structs.AllocatedResources{Tasks: make(map[string]*structs.AllocatedTaskResources, len(g.Tasks))}
	ask := &Ask{Resources: res, Devices: feasible.DeviceAsks(g)}
	for _, t := range g.Tasks {
		tr := &structs.AllocatedTaskResources{}
		if r := t.Resources; r != nil {
			tr.Cpu.CpuShares = int64(deref(r.CPU))
			tr.Memory.MemoryMB = int64(deref(r.MemoryMB))
			if oversubscription {
				tr.Memory.MemoryMaxMB = int64(deref(r.MemoryMaxMB))
			}
			if n := deref(r.Cores); n > 0 {
				ask.Cores += int64(n)
				ask.TaskCores = append(ask.TaskCores, taskCores{t.Name, n})
			}
			ask.Ports = appendPorts(ask.Ports, r.Networks)
		}
		res.Tasks[t.Name] = tr
		if !t.IsMain() {
			if res.TaskLifecycles == nil {
				res.TaskLifecycles = map[string]*structs.TaskLifecycle{}
			}
			res.TaskLifecycles[t.Name] = t.Lifecycle
		}
	}
	if g.EphemeralDisk != nil {
		res.Shared.DiskMB = int64(deref(g.EphemeralDisk.SizeMB))
	}
	ask.Ports = appendPorts(ask.Ports, g.Networks)
	for _, nw := range g.Networks {
		res.Shared.Networks = append(res.Shared.Networks, &structs.NetworkResource{
			Mode: nw.Mode, Hostname: nw.Hostname, DNS: nw.DNS, CNI: nw.CNI,
		})
	}
	for _, p := range ask.Ports {
		ask.Static = ask.Static || p.Static != 0
	}
	sum := res.Comparable()
	ask.CPU, ask.MemoryMB, ask.DiskMB = sum.CPU, sum.MemoryMB, sum.DiskMB
	return ask
}

func appendPorts(asks []fleet.PortAsk, networks []*structs.NetworkResource) []fleet.PortAsk {
	for _, nw := range networks {
		for _, p := range nw.ReservedPorts {
			asks = append(asks, portAsk(p, p.Value))
		}
		for _, p := range nw.DynamicPorts {
			asks = append(asks, portAsk(p, 0))
		}
	}
	return asks
}

func portAsk(p structs.Port, static int) fleet.PortAsk {
	return fleet.PortAsk{
		Label: p.Label, Static: static, To: p.To, HostNetwork: p.HostNetwork, IgnoreCollision: p.IgnoreCollision,
	}
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
