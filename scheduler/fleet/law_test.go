package fleet_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"berth/scheduler/fleet"
	"berth/structs"
)

func drawNode(t *rapid.T, i byte) *structs.Node {
	n := &structs.Node{
		ID: structs.ID{15: i}, Name: fmt.Sprintf("node-%d", i), Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible,
		Meta: map[string]string{"rack": rapid.SampledFrom([]string{"r1", "r2"}).Draw(t, "rack")},
		NodeResources: &structs.NodeResources{
			Cpu:    structs.NodeCPUResources{CpuShares: 100 * rapid.Int64Range(1, 9).Draw(t, "cpu"), TotalCpuCores: 2, ReservableCpuCores: []uint16{0, 1}},
			Memory: structs.NodeMemoryResources{MemoryMB: 1000}, Disk: structs.NodeDiskResources{DiskMB: 1000},
		},
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "devices") {
		n.NodeResources.Devices = append(n.NodeResources.Devices, &structs.NodeDeviceResource{Vendor: "acme", Type: "gpu", Name: fmt.Sprint(i),
			Instances: []*structs.NodeDevice{{ID: "x", Healthy: true}, {ID: "y", Healthy: rapid.Bool().Draw(t, "healthy")}}})
	}
	if rapid.Bool().Draw(t, "down") {
		n.Status = structs.NodeStatusDown
	}
	return n
}

func drawAlloc(t *rapid.T) *structs.Allocation {
	task := &structs.AllocatedTaskResources{Memory: structs.AllocatedMemoryResources{MemoryMB: rapid.Int64Range(0, 50).Draw(t, "memory")}}
	task.Cpu.CpuShares = rapid.Int64Range(0, 50).Draw(t, "cpu")
	if rapid.Bool().Draw(t, "cores") {
		task.Cpu.ReservedCores = []uint16{1}
	}
	if rapid.Bool().Draw(t, "device") {
		task.Devices = []*structs.AllocatedDeviceResource{{Vendor: "acme", Type: "gpu", Name: "0", DeviceIDs: []string{rapid.SampledFrom([]string{"x", "y"}).Draw(t, "instance")}}}
	}
	// Each version of the job has a priority and rules of its own.
	version := rapid.IntRange(0, 2).Draw(t, "version")
	group := &structs.TaskGroup{Name: "api", Peers: []*structs.Peer{{Job: fmt.Sprint("db-", version), Relation: structs.PeerApart}}}
	a := &structs.Allocation{
		DesiredStatus: rapid.SampledFrom([]string{"run", "stop"}).Draw(t, "desired"),
		Job:           &structs.Job{ID: "web", Priority: 10 + version, TaskGroups: []*structs.TaskGroup{group}}, JobVersion: uint64(version),
		ID: structs.ID{14: 1, 15: rapid.ByteRange(1, 8).Draw(t, "alloc")}, NodeID: structs.ID{15: rapid.ByteRange(1, 4).Draw(t, "on")},
		JobID: "web", TaskGroup: "api", ClientStatus: rapid.SampledFrom([]string{"running", "complete"}).Draw(t, "status"),
		AllocatedResources: &structs.AllocatedResources{Tasks: map[string]*structs.AllocatedTaskResources{"main": task}},
	}
	if rapid.Bool().Draw(t, "port") {
		a.AllocatedResources.Shared.Ports = []structs.AllocatedPortMapping{{Label: "p", Value: 1000 + int(a.ID[15])}}
	}
	return a
}

// A fleet that lived through changes is the same as one made of the last nodes and allocations in any order.
func TestFleetForgetsItsHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := fleet.New()
		nodes, allocs := map[structs.ID]*structs.Node{}, map[structs.ID]*structs.Allocation{}
		rack := func(f *fleet.Fleet) fleet.Bitmap {
			return f.Filter(fleet.FilterKey{Kind: "rack"}, func(n *structs.Node) bool { return n.Meta["rack"] == "r1" })
		}
		rack(f)
		inRack := func(f *fleet.Fleet) (a fleet.Amounts) {
			sums := f.Amounts(fleet.FilterKey{Kind: "rack"}, func(n *structs.Node) bool { return n.Meta["rack"] == "r1" })
			return fleet.Amounts{CapCPU: sums.CapCPU, CapMem: sums.CapMem, FreeCPU: sums.FreeCPU, FreeMem: sums.FreeMem}
		}
		inRack(f)
		f.Column("${meta.rack}")
		speed := func(n *structs.Node) float64 { return float64(n.NodeResources.Cpu.CpuShares) - 450 }
		f.Weights("speed", speed)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0, 1:
				n := drawNode(t, rapid.ByteRange(1, 4).Draw(t, "node"))
				nodes[n.ID] = n
				f.SetNode(n)
			case 2:
				id := structs.ID{15: rapid.ByteRange(1, 4).Draw(t, "node")}
				delete(nodes, id)
				for _, a := range allocs {
					if a.NodeID == id {
						delete(allocs, a.ID)
					}
				}
				f.RemoveNode(id)
			default:
				a := drawAlloc(t)
				if slices.ContainsFunc(a.AllocatedResources.Tasks["main"].Devices, func(d *structs.AllocatedDeviceResource) bool {
					return taken(allocs, a, d)
				}) {
					a.AllocatedResources.Tasks["main"].Devices = nil
				}
				f.SetAlloc(a)
				if row, ok := f.Row(a.NodeID); ok {
					f.Ladder(row) // so that it is kept
				}
				if delete(allocs, a.ID); nodes[a.NodeID] != nil {
					allocs[a.ID] = a
				}
			}
		}
		fresh := fleet.New()
		for _, n := range nodes {
			fresh.SetNode(n)
		}
		for _, a := range allocs {
			fresh.SetAlloc(a)
		}
		for id := range nodes {
			if a, b := describe(f, id, rack(f)), describe(fresh, id, rack(fresh)); a != b {
				t.Fatalf("node %s:\n%s\nmade anew:\n%s", id, a, b)
			}
		}
		if f.Nodes() != len(nodes) || f.Ready().Count() != fresh.Ready().Count() || rack(f).Count() != rack(fresh).Count() {
			t.Fatalf("sets differ")
		}
		for row, w := range f.Weights("speed", speed).Of {
			if n := f.NodeAt(int32(row)); n == nil && w != 0 || n != nil && w != speed(n) {
				t.Fatalf("row %d weighs %v: %+v", row, w, n)
			}
		}
		if a, b := fmt.Sprint(inRack(f)), fmt.Sprint(inRack(fresh)); a != b {
			t.Fatalf("sums %s, made anew %s", a, b)
		}
	})
}

// taken reports that another allocation of the node holds the device: two never do.
func taken(allocs map[structs.ID]*structs.Allocation, of *structs.Allocation, d *structs.AllocatedDeviceResource) bool {
	for _, a := range allocs {
		for _, o := range a.AllocatedResources.Tasks["main"].Devices {
			if a.ID != of.ID && a.NodeID == of.NodeID && o.DeviceIDs[0] == d.DeviceIDs[0] && a.HoldsResources() {
				return true
			}
		}
	}
	return false
}

func describe(f *fleet.Fleet, id structs.ID, rack fleet.Bitmap) string {
	row, ok := f.Row(id)
	if !ok {
		return "not there"
	}
	var ids []string
	for _, u := range f.UsesAt(row) {
		ids = append(ids, u.AllocID.String())
	}
	slices.Sort(ids)
	c := f.Column("${meta.rack}")
	var free []bool
	for port := 1000; port < 1010; port++ {
		ok, _ := f.StaticPortsFree(row, []fleet.PortAsk{{Label: "p", Static: port}})
		free = append(free, ok)
	}
	s := f.Scorer(10, 10, false)
	var devices []int
	for _, d := range f.DevicesAt(row) {
		keys, _ := d.Pick(2, nil)
		devices = append(devices, d.Free, len(keys))
	}
	var away []string
	for key, a := range f.Avoiders() {
		if n := a.Of[row]; n > 0 || a.Rows.Has(row) {
			away = append(away, fmt.Sprint(key, n, a.Rows.Has(row)))
		}
	}
	slices.Sort(away)
	ladder := fmt.Sprintf("%v, stopping %d %v, devices %v, away %q", f.Ladder(row), f.StoppingAt(row), f.Stopping().Has(row), devices, away)
	return ladder + fmt.Sprintf("; free %v of %v, cores %d %v, rack %s %v, ready %v, score %.9f, uses %v, ports %v", f.Free(row), f.CapacityAt(row),
		f.FreeCores(row), f.CoresAt(row), c.Names[c.Values[row]], rack.Has(row), f.Ready().Has(row), s.Score(row), ids, free)
}
