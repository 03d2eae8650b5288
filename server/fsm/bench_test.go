package fsm

import (
	"runtime"
	"testing"

	"berth/state"
	"berth/structs"
)

// bigCluster has nodes enough for 10,000 allocations of 100 MHz and 128 MB.
func bigCluster(tb testing.TB, nodes int) *world {
	w := newWorld()
	for i := range nodes {
		n := node(i)
		n.NodeResources.Cpu.CpuShares, n.NodeResources.Memory.MemoryMB = 1e6, 1e6
		n.NodeResources.Disk.DiskMB = 1e7
		w.do(tb, structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: n})
	}
	w.do(tb, structs.CmdJobRegister, register(job("web", 1)))
	return w
}

// bigPlan is one plan of count placements, each with a port.
func bigPlan(from, count, nodes int, ports bool) *structs.PlanApplyCommand {
	g := group("web", 0, resources(100, 128), 0)
	for i := range count {
		item := &structs.Placement{AllocID: bigID(from + i), Index: uint32(i), NodeID: nodeID(i % nodes), NodeName: "node"}
		if ports {
			item.Ports = []structs.AllocatedPortMapping{{Label: "http", Value: 20000 + i/nodes, HostIP: "10.0.0.1"}}
		}
		g.Items = append(g.Items, item)
	}
	return &structs.PlanApplyCommand{Plans: []*structs.Plan{planOf(g)}}
}

// bigID spreads ids as random ones are.
func bigID(n int) structs.ID {
	h := uint64(n+1) * 0x9E3779B97F4A7C15
	return structs.ID{byte(h >> 56), byte(h >> 48), byte(h >> 40), byte(h >> 32), byte(h >> 24), byte(h >> 16), byte(h >> 8), byte(h), 9: byte(n >> 16), 10: byte(n >> 8), 11: byte(n)}
}

func BenchmarkPlanApply10000(b *testing.B) {
	const nodes, count = 1000, 10000
	for _, ports := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "ports"}[ports], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				w := bigCluster(b, nodes)
				data := mustEntry(w.command(structs.CmdPlanApply, bigPlan(0, count, nodes, ports)))
				b.StartTimer()
				res := applyTo(w.fsm, len(w.log)+1, data)
				if r := res[0].Value.([]*structs.PlanResult)[0]; r.Placed != count {
					b.Fatalf("placed %d, refused %v", r.Placed, r.RefusedNodes)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/count, "µs/alloc")
		})
	}
}

func BenchmarkClientUpdates(b *testing.B) {
	const nodes, count = 1000, 10000
	w := bigCluster(b, nodes)
	w.do(b, structs.CmdPlanApply, bigPlan(0, count, nodes, false))
	for i := 0; b.Loop(); i++ {
		c := &structs.AllocClientUpdateCommand{}
		for k := range 64 {
			n := (i*64 + k) % count
			c.Updates = append(c.Updates, runningUpdate(n, nodes))
		}
		w.do(b, structs.CmdAllocClientUpdate, c)
		w.log = w.log[:nodes]
	}
}

func runningUpdate(n, nodes int) *structs.AllocClientUpdate {
	return &structs.AllocClientUpdate{ID: bigID(n), NodeID: nodeID(n % nodes), ClientStatus: "running",
		TaskStates: map[string]*structs.TaskState{"app": {State: "running", Events: []*structs.TaskEvent{
			{Type: structs.TaskReceived, Time: 1, DisplayMessage: "Task received by client"},
			{Type: structs.TaskSetup, Time: 2, DisplayMessage: "Building Task Directory"},
			{Type: structs.TaskStarted, Time: 3, DisplayMessage: "Task started by client"}}}}}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestMemoryOfAnAllocation keeps the budget: a kilobyte for one that was placed, all indexes told.
func TestMemoryOfAnAllocation(t *testing.T) {
	if testing.Short() {
		t.Skip("measures memory")
	}
	const nodes, count = 1000, 50000
	w := bigCluster(t, nodes)
	w.log = nil
	measure := func(what string, budget float64, do func()) {
		before := heap()
		do()
		w.log = nil
		used := float64(heap()-before) / count
		t.Logf("%s: %.0f bytes for each allocation", what, used)
		if used > budget {
			t.Errorf("%s: %.0f bytes for each allocation, the budget is %.0f", what, used, budget)
		}
	}
	measure("placed", 1024, func() {
		for from := 0; from < count; from += 10000 {
			w.do(t, structs.CmdPlanApply, bigPlan(from, 10000, nodes, false))
		}
	})
	measure("running", 1024, func() {
		for from := 0; from < count; from += 500 {
			c := &structs.AllocClientUpdateCommand{}
			for n := from; n < from+500; n++ {
				c.Updates = append(c.Updates, runningUpdate(n, nodes))
			}
			w.do(t, structs.CmdAllocClientUpdate, c)
		}
	})
	data := snapshotOf(t, w.store)
	t.Logf("snapshot: %.0f bytes for each allocation", float64(len(data))/count)
	restored := state.New()
	measure("restored", 2048, func() {
		f := New(restored)
		if err := f.Restore(readCloser(data)); err != nil {
			t.Fatal(err)
		}
	})
	runtime.KeepAlive(w)
	runtime.KeepAlive(restored)
}
