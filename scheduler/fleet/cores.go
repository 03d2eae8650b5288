package fleet

import (
	"slices"

	"berth/structs"
)

// ownCores are the cores a node gives to allocations.
func ownCores(n *structs.Node) []uint16 {
	if n == nil || n.NodeResources == nil {
		return nil
	}
	own := n.NodeResources.Cpu.ReservableCpuCores
	if n.ReservedResources == nil || len(n.ReservedResources.Cpu.ReservedCpuCores) == 0 {
		return own
	}
	return slices.DeleteFunc(slices.Clone(own), func(c uint16) bool {
		return slices.Contains(n.ReservedResources.Cpu.ReservedCpuCores, c)
	})
}

// setCores counts the cores of a row that nobody holds, and what one of them is worth in MHz.
func (f *Fleet) setCores(row int32, n *structs.Node) {
	f.freeCores[row], f.coreMHz[row] = int64(len(ownCores(n))), 0
	for _, u := range f.uses[row] {
		f.freeCores[row] -= int64(len(u.Cores))
	}
	if r := n.NodeResources; r != nil && r.Cpu.TotalCpuCores > 0 {
		f.coreMHz[row] = r.Cpu.CpuShares / int64(r.Cpu.TotalCpuCores)
	}
}

// FreeCores is how many cores of the row nobody holds.
func (f *Fleet) FreeCores(row int32) int64 { return f.freeCores[row] }

// CoreMHz is what one core of the row is worth in MHz.
func (f *Fleet) CoreMHz(row int32) int64 { return f.coreMHz[row] }

// CoresAt lists the cores of the row that nobody holds, lowest first.
func (f *Fleet) CoresAt(row int32) []uint16 {
	free := slices.Clone(ownCores(f.nodes[row]))
	slices.Sort(free)
	for _, u := range f.uses[row] {
		if len(u.Cores) > 0 {
			free = slices.DeleteFunc(free, func(c uint16) bool { return slices.Contains(u.Cores, c) })
		}
	}
	return free
}

// HeldBy lists the cores and devices given to an allocation.
func HeldBy(r *structs.AllocatedResources) (cores []uint16, devices []string) {
	if r == nil {
		return nil, nil
	}
	for _, t := range r.Tasks {
		cores = append(cores, t.Cpu.ReservedCores...)
		for _, d := range t.Devices {
			for _, id := range d.DeviceIDs {
				devices = append(devices, DeviceKey(d.Vendor, d.Type, d.Name, id))
			}
		}
	}
	slices.Sort(cores)
	slices.Sort(devices)
	return cores, devices
}

// CoreMHzMax is the most that one core of any row is worth in MHz.
func (f *Fleet) CoreMHzMax() int64 {
	most := int64(0)
	for _, mhz := range f.coreMHz {
		most = max(most, mhz)
	}
	return most
}
