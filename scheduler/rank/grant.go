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
	groups := g.f.DevicesAt(row)
	var spent [deviceGroupsMax]int
	for i := range g.ask.Devices {
		a := &g.ask.Devices[i]
		at := pickDevices(groups, a, &spent)
		if at < 0 {
			return false
		}
		spent[at] += a.Count
		keys, ids := groups[at].Pick(a.Count, gr.Devices)
		if len(ids) < a.Count {
			return false
		}
		t, d := gr.Tasks[a.Task], groups[at].Of
		t.Devices = append(t.Devices[:len(t.Devices):len(t.Devices)],
			&structs.AllocatedDeviceResource{Vendor: d.Vendor, Type: d.Type, Name: d.Name, DeviceIDs: ids})
		gr.Devices = append(gr.Devices, keys...)
	}
	return true
}

// deviceGroupsMax is how many groups of devices of a node are looked at: more kinds than any machine has.
const deviceGroupsMax = 32

// pickDevices finds the group of devices with enough free instances, those spent aside, that the request likes best; -1 if
// there is none.
func pickDevices(groups []fleet.DeviceGroup, a *feasible.DeviceAsk, spent *[deviceGroupsMax]int) int {
	best, liked := -1, 0.0
	for i := range groups[:min(len(groups), deviceGroupsMax)] {
		d := &groups[i]
		if d.Free-spent[i] < a.Count || !feasible.DeviceMatches(d.Of, a.Req) {
			continue
		}
		if score := deviceScore(d.Of, a.Req); best < 0 || score > liked {
			best, liked = i, score
		}
	}
	return best
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
	return devicesFit(g.f.DevicesAt(row), g.ask.Devices, [deviceGroupsMax]int{})
}

func devicesFit(groups []fleet.DeviceGroup, asks []feasible.DeviceAsk, spent [deviceGroupsMax]int) bool {
	for i := range asks {
		at := pickDevices(groups, &asks[i], &spent)
		if at < 0 {
			return false
		}
		spent[at] += asks[i].Count
	}
	return true
}
