package client

import (
	"slices"

	"berth/structs"
)

// Figures count what is on the node now.
type Figures struct {
	AllocsPending, AllocsRunning, AllocsTerminal int
	TasksPending, TasksRunning, TasksDead        int
	// Allocated is held by allocations; Unallocated is the rest, without what is reserved for the host.
	Allocated, Unallocated structs.ComparableResources
	// Running are the allocations that run, by id.
	Running []*structs.Allocation
	// Seen are all allocations that are kept here.
	Seen []AllocFigures
}

// AllocFigures are an allocation's status and how often its tasks were restarted.
type AllocFigures struct {
	Alloc    *structs.Allocation
	Status   string
	Restarts uint64
	// OOMKills are when its tasks were killed for the memory they used, Unix ns: those their events still tell.
	OOMKills []int64
}

// Figures counts.
func (c *Client) Figures() Figures {
	var f Figures
	for _, e := range c.entries() {
		if e.runner == nil {
			continue
		}
		u, _ := e.runner.Report()
		alloc := e.runner.Alloc()
		switch u.ClientStatus {
		case structs.AllocClientPending:
			f.AllocsPending++
		case structs.AllocClientRunning:
			f.AllocsRunning++
			f.Running = append(f.Running, alloc)
		default:
			f.AllocsTerminal++
		}
		seen := AllocFigures{Alloc: alloc, Status: u.ClientStatus}
		for _, t := range u.TaskStates {
			seen.Restarts += t.Restarts
			seen.OOMKills = append(seen.OOMKills, oomKills(t)...)
			switch t.State {
			case structs.TaskStatePending:
				f.TasksPending++
			case structs.TaskStateRunning:
				f.TasksRunning++
			default:
				f.TasksDead++
			}
		}
		f.Seen = append(f.Seen, seen)
		if !e.runner.Ended() && alloc.AllocatedResources != nil {
			f.Allocated.Add(alloc.AllocatedResources.Comparable())
		}
	}
	slices.SortFunc(f.Running, func(a, b *structs.Allocation) int { return a.ID.Compare(b.ID) })
	if n := c.Node(); n != nil && n.NodeResources != nil {
		f.Unallocated = structs.ComparableResources{CPU: n.NodeResources.Cpu.CpuShares, MemoryMB: n.NodeResources.Memory.MemoryMB, DiskMB: n.NodeResources.Disk.DiskMB}
		if r := n.ReservedResources; r != nil {
			f.Unallocated.CPU -= r.Cpu.CpuShares
			f.Unallocated.MemoryMB -= r.Memory.MemoryMB
			f.Unallocated.DiskMB -= r.Disk.DiskMB
		}
		f.Unallocated.CPU -= f.Allocated.CPU
		f.Unallocated.MemoryMB -= f.Allocated.MemoryMB
		f.Unallocated.DiskMB -= f.Allocated.DiskMB
	}
	return f
}

func oomKills(t *structs.TaskState) (at []int64) {
	for _, e := range t.Events {
		if e.Type == structs.TaskTerminated && e.Details["oom_killed"] == "true" {
			at = append(at, e.Time)
		}
	}
	return at
}
