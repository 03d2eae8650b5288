package fleet

import (
	"slices"

	"berth/structs"
)

// Use is what one allocation holds of its node.
type Use struct {
	AllocID  structs.ID
	Job      structs.JobKey
	Group    string
	Version  uint64 // of the job: what follows from its text changes with it
	Priority int
	// MaxParallel is the migrate block's, 0 without one: preemption spares groups of which as many leave already.
	MaxParallel int
	// Stopping marks an allocation that was told to stop and still holds its resources.
	Stopping bool
	// Hold marks room kept for an allocation to come, see Fleet.Hold; Evicted are those that leave for it.
	Hold    bool
	Evicted []structs.ID
	// Queued marks an allocation of a job that queues are about; Since is the state's index at which it was placed, 0 while that is being written.
	Queued  bool
	Since   uint64
	Res     structs.ComparableResources
	Ports   []Port
	Cores   []uint16 // sorted
	Devices []string // sorted, see DeviceKey
	Labels

	row int32
	pos int32 // in the row's list
}

// Port is a taken port on an address.
type Port struct {
	IP   string
	Port int
}

// Row is the row the use is on.
func (u *Use) Row() int32 { return u.row }

// SetAlloc records an allocation of the store: its use is added, kept, or removed when it holds nothing any more.
func (f *Fleet) SetAlloc(a *structs.Allocation) {
	if !a.HoldsResources() {
		f.Remove(a.ID)
		return
	}
	if u, ok := f.allocs[a.ID]; ok {
		f.SetStopping(u, a.ServerTerminal())
		u.Since = a.CreateIndex
		if u.Version != a.JobVersion {
			f.revise(u, a)
		}
		if f.nodes[u.row].ID == a.NodeID {
			f.resize(u, a.AllocatedResources)
			return
		}
		f.Remove(a.ID)
	}
	row, ok := f.rows[a.NodeID]
	if !ok {
		return
	}
	f.Add(UseOf(a), row)
}

// UseOf is what an allocation holds.
func UseOf(a *structs.Allocation) *Use {
	u := &Use{
		AllocID: a.ID, Job: structs.JobKey{Namespace: a.Namespace, ID: a.JobID}, Group: a.TaskGroup,
		Stopping: a.ServerTerminal(), Since: a.CreateIndex, Res: a.AllocatedResources.Comparable(), Ports: PortsOf(a.AllocatedResources),
	}
	u.Cores, u.Devices = HeldBy(a.AllocatedResources)
	u.read(a)
	return u
}

// read takes what the job says of the allocation.
func (u *Use) read(a *structs.Allocation) {
	u.Version = a.JobVersion
	if a.Job == nil {
		return
	}
	u.Priority, u.Queued = a.Job.Priority, structs.InQueues(a.Job.Type)
	if g := a.Group(); g != nil {
		u.Labels, u.MaxParallel = LabelsOf(a.Job, g), MaxParallel(g)
	}
}

// revise takes notice of another version of its job that an allocation runs in place.
func (f *Fleet) revise(u *Use, a *structs.Allocation) {
	f.tell(u, -1)
	f.enter(u, -1)
	u.read(a)
	f.tell(u, 1)
	f.enter(u, 1)
	f.touch(u.row)
}

// MaxParallel is how many allocations of a group may leave at once, 0 for any number.
func MaxParallel(g *structs.TaskGroup) int {
	if g.Migrate == nil || g.Migrate.MaxParallel == nil {
		return 0
	}
	return *g.Migrate.MaxParallel
}

// PortsOf lists the host ports given to an allocation; those that may collide are left out.
func PortsOf(r *structs.AllocatedResources) []Port {
	if r == nil {
		return nil
	}
	var ports []Port
	for _, p := range r.Shared.Ports {
		if p.Value > 0 && !p.IgnoreCollision {
			ports = append(ports, Port{p.HostIP, p.Value})
		}
	}
	for _, t := range r.Tasks {
		for _, nw := range t.Networks {
			for _, list := range [2][]structs.Port{nw.ReservedPorts, nw.DynamicPorts} {
				for _, p := range list {
					if p.Value > 0 && !p.IgnoreCollision {
						ports = append(ports, Port{nw.IP, p.Value})
					}
				}
			}
		}
	}
	return ports
}

// Add records a use on a row. The allocation must not be known.
func (f *Fleet) Add(u *Use, row int32) {
	u.row, u.pos = row, int32(len(f.uses[row]))
	f.uses[row] = append(f.uses[row], u)
	f.allocs[u.AllocID] = u
	f.count[row]++
	f.freeCores[row] -= int64(len(u.Cores))
	f.claimPorts(row, u.Ports, true)
	f.claimDevices(row, u.Devices, true)
	f.flags(u, 1)
	f.enter(u, 1)
	f.charge(row, u.Res.CPU, u.Res.MemoryMB, u.Res.DiskMB)
}

// Remove forgets an allocation, known or not.
func (f *Fleet) Remove(id structs.ID) {
	u, ok := f.allocs[id]
	if !ok {
		return
	}
	delete(f.allocs, id)
	list := f.uses[u.row]
	last := list[len(list)-1]
	list[u.pos], last.pos = last, u.pos
	list[len(list)-1] = nil
	f.uses[u.row] = list[:len(list)-1]
	f.count[u.row]--
	f.freeCores[u.row] += int64(len(u.Cores))
	f.claimPorts(u.row, u.Ports, false)
	f.claimDevices(u.row, u.Devices, false)
	f.flags(u, -1)
	f.enter(u, -1)
	f.charge(u.row, -u.Res.CPU, -u.Res.MemoryMB, -u.Res.DiskMB)
}

// resize takes over resources that changed; an allocation that only reported costs no more than a comparison.
func (f *Fleet) resize(u *Use, r *structs.AllocatedResources) {
	if ports := PortsOf(r); !slices.Equal(ports, u.Ports) {
		f.claimPorts(u.row, u.Ports, false)
		u.Ports = ports
		f.claimPorts(u.row, u.Ports, true)
	}
	cores, devices := HeldBy(r)
	f.freeCores[u.row] += int64(len(u.Cores) - len(cores))
	if !slices.Equal(devices, u.Devices) {
		f.claimDevices(u.row, u.Devices, false)
		f.claimDevices(u.row, devices, true)
	}
	if len(cores) != len(u.Cores) {
		f.touch(u.row)
	}
	u.Cores, u.Devices = cores, devices
	res := r.Comparable()
	if res == u.Res {
		return
	}
	f.charge(u.row, res.CPU-u.Res.CPU, res.MemoryMB-u.Res.MemoryMB, res.DiskMB-u.Res.DiskMB)
	f.enter(u, -1)
	u.Res = res
	f.enter(u, 1)
}

// flags counts what is stopping and what is held on the use's row.
func (f *Fleet) flags(u *Use, by int32) {
	f.tell(u, by)
	if u.Stopping {
		f.leave(u, by)
	}
	if u.Hold {
		f.held[u.row] += by
	}
}

func (f *Fleet) charge(row int32, cpu, mem, disk int64) {
	f.freeCPU[row] -= cpu
	f.freeMem[row] -= mem
	f.freeDisk[row] -= disk
	for _, a := range f.amounts {
		if a.rows.Has(row) {
			a.FreeCPU, a.FreeMem = a.FreeCPU-cpu, a.FreeMem-mem
		}
	}
	f.refreshExp(row)
}

// Use finds what an allocation holds, nil if it holds nothing.
func (f *Fleet) Use(id structs.ID) *Use { return f.allocs[id] }

// UsesAt lists what is held on a row, in no order. Do not change it.
func (f *Fleet) UsesAt(row int32) []*Use { return f.uses[row] }

// Free is what the row has left.
func (f *Fleet) Free(row int32) structs.ComparableResources {
	return structs.ComparableResources{CPU: f.freeCPU[row], MemoryMB: f.freeMem[row], DiskMB: f.freeDisk[row]}
}

// CapacityAt is what the row can give in all.
func (f *Fleet) CapacityAt(row int32) structs.ComparableResources {
	return structs.ComparableResources{CPU: f.capCPU[row], MemoryMB: f.capMem[row], DiskMB: f.capDisk[row]}
}

// Full reports that the row's node runs as many allocations as it allows.
func (f *Fleet) Full(row int32) bool { return f.countMax[row] > 0 && f.count[row] >= f.countMax[row] }
