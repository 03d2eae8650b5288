package rank

import (
	"slices"

	"berth/scheduler/feasible"
	"berth/scheduler/fleet"
	"berth/structs"
)

// Grant is what one allocation is given of a row beside what all of its group are given alike.
type Grant struct {
	Ports []structs.AllocatedPortMapping
	// Tasks replaces the tasks' resources where cores or devices were given; nil otherwise.
	Tasks   map[string]*structs.AllocatedTaskResources
	Cores   []uint16
	Devices []string // fleet.DeviceKey
	CPU     int64    // MHz in all
}

// Grant chooses ports, cores and devices of the row for one allocation; a seed spreads dynamic ports. What it answers is
// not yet held. Without Fits, the answer tells what cannot be had.
func (g *Group) Grant(row int32, seed uint64) (Grant, Dimension) {
	gr := Grant{CPU: g.ask.CPU}
	var ok bool
	if gr.Ports, ok = g.f.AssignPorts(row, g.ask.Ports, seed); !ok {
		return gr, OutOfPorts
	}
	if g.ask.Cores == 0 && len(g.ask.Devices) == 0 {
		return gr, Fits
	}
	gr.Tasks = make(map[string]*structs.AllocatedTaskResources, len(g.ask.Resources.Tasks))
	for name, t := range g.ask.Resources.Tasks {
		gr.Tasks[name] = new(*t)
	}
	if !g.grantCores(row, &gr) {
		return gr, OutOfCores
	}
	if !g.grantDevices(row, &gr) {
		return gr, OutOfDevices
	}
	slices.Sort(gr.Cores)
	slices.Sort(gr.Devices)
	own := *g.ask.Resources
	own.Tasks = gr.Tasks
	sum := own.Comparable()
	gr.CPU = sum.CPU
	return gr, Fits
}

// grantCores gives each task that wants whole cores the lowest free ones; they count for their share of the node's MHz.
func (g *Group) grantCores(row int32, gr *Grant) bool {
	if g.ask.Cores == 0 {
		return true
	}
	free := g.f.CoresAt(row)
	if int64(len(free)) < g.ask.Cores {
		return false
	}
	for _, a := range g.ask.TaskCores {
		t := gr.Tasks[a.task]
		t.Cpu.ReservedCores = slices.Clone(free[:a.count])
		t.Cpu.CpuShares = int64(a.count) * g.f.CoreMHz(row)
		gr.Cores = append(gr.Cores, free[:a.count]...)
		free = free[a.count:]
	}
	return true
}

// grantDevices gives each request free instances of the device group that its affinities like best.
func (g *Group) grantDevices(row int32, gr *Grant) bool {
	for i := range g.ask.Devices {
		a := &g.ask.Devices[i]
		d, ids := g.pickDevices(row, a, gr.Devices)
		if d == nil {
			return false
		}
		t := gr.Tasks[a.Task]
		t.Devices = append(t.Devices[:len(t.Devices):len(t.Devices)],
			&structs.AllocatedDeviceResource{Vendor: d.Vendor, Type: d.Type, Name: d.Name, DeviceIDs: ids})
		for _, id := range ids {
			gr.Devices = append(gr.Devices, fleet.DeviceKey(d.Vendor, d.Type, d.Name, id))
		}
	}
	return true
}

// pickDevices finds a group of the node's devices with enough free instances, nil if there is none.
func (g *Group) pickDevices(row int32, a *feasible.DeviceAsk, given []string) (*structs.NodeDeviceResource, []string) {
	n := g.f.NodeAt(row)
	if n.NodeResources == nil {
		return nil, nil
	}
	var best *structs.NodeDeviceResource
	var bestIDs []string
	liked := 0.0
	for _, d := range n.NodeResources.Devices {
		if !feasible.DeviceMatches(d, a.Req) {
			continue
		}
		var ids []string
		for _, i := range d.Instances {
			key := fleet.DeviceKey(d.Vendor, d.Type, d.Name, i.ID)
			if len(ids) < a.Count && i.Healthy && !slices.Contains(given, key) && !g.f.DeviceTaken(row, key) {
				ids = append(ids, i.ID)
			}
		}
		if len(ids) < a.Count {
			continue
		}
		if score := deviceScore(d, a.Req); best == nil || score > liked {
			best, bestIDs, liked = d, ids, score
		}
	}
	return best, bestIDs
}

// deviceScore sums the weights of the request's affinities that the device group keeps.
func deviceScore(d *structs.NodeDeviceResource, req *structs.RequestedDevice) float64 {
	var sum float64
	for _, a := range req.Affinities {
		if feasible.DeviceHolds(d, a.LTarget, a.Operand, a.RTarget) {
			sum += affinityWeight(a)
		}
	}
	return sum
}

// devicesFree reports that the row has free instances for all that is asked, and nothing is given twice.
func (g *Group) devicesFree(row int32) bool {
	var given []string
	for i := range g.ask.Devices {
		d, ids := g.pickDevices(row, &g.ask.Devices[i], given)
		if d == nil {
			return false
		}
		for _, id := range ids {
			given = append(given, fleet.DeviceKey(d.Vendor, d.Type, d.Name, id))
		}
	}
	return true
}
