package fleet_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"berth/scheduler/fleet"
	"berth/structs"
)

// Whatever nodes say they have, scores are numbers between -1 and 1, and a bound by which rows are skipped skips none that reaches it.
func TestScoresAreNumbersWhateverNodesSay(t *testing.T) {
	amount := rapid.SampledFrom([]int64{0, 1, -1, 500, 4000, 8192, math.MaxInt32, 1 << 53, 1 << 62, math.MaxInt64, math.MaxInt64 - 1, math.MinInt64, math.MinInt64 + 1, -4000})
	ask := rapid.SampledFrom([]int64{0, 1, 500, 4000, math.MaxInt32, 1 << 40})
	rapid.Check(t, func(t *rapid.T) {
		f := fleet.New()
		for i := range rapid.IntRange(1, 6).Draw(t, "nodes") {
			f.SetNode(&structs.Node{ID: structs.ID{byte(i + 1)}, Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible,
				NodeResources: &structs.NodeResources{Cpu: structs.NodeCPUResources{CpuShares: amount.Draw(t, "cpu")},
					Memory: structs.NodeMemoryResources{MemoryMB: amount.Draw(t, "mem")}, Disk: structs.NodeDiskResources{DiskMB: 100}}})
		}
		for i := range rapid.IntRange(0, 6).Draw(t, "uses") {
			f.Add(&fleet.Use{AllocID: structs.ID{2, byte(i)}, Res: structs.ComparableResources{CPU: amount.Draw(t, "used cpu"), MemoryMB: amount.Draw(t, "used mem")}},
				int32(rapid.IntRange(0, f.Len()-1).Draw(t, "row")))
		}
		cpu, mem := ask.Draw(t, "ask cpu"), ask.Draw(t, "ask mem")
		for _, spread := range []bool{false, true} {
			s := f.Scorer(cpu, mem, spread)
			s.Balance(f, f.Amounts(fleet.FilterKey{}, func(*structs.Node) bool { return true }), cpu, mem, rapid.SampledFrom([]int{0, 1, 3, math.MaxInt}).Draw(t, "count"))
			for row := range int32(f.Len()) {
				fit, score := s.Fit(row), s.Score(row)
				if !(fit >= 0 && fit <= 1) || !(score >= -1 && score <= fit) {
					t.Fatalf("spread %v row %d: fit %v, score %v; capacity %+v free %+v", spread, row, fit, score, f.CapacityAt(row), f.Free(row))
				}
				if got, ok := s.Reaching(row, fit, score); !ok || got != score {
					t.Fatalf("row %d does not reach its own score %v: %v %v", row, score, got, ok)
				}
			}
		}
	})
}

// A node whose ports are none neither ends the scheduler nor keeps it busy, and no port outside of 1 to 65535 is given.
func TestPortsOfALyingNode(t *testing.T) {
	for _, lie := range [][2]int{{65536, 65536}, {70000, 80000}, {math.MaxInt, math.MaxInt}, {-5, 10}, {10, 5}, {65535, math.MaxInt}, {math.MinInt, math.MaxInt}} {
		f := fleet.New()
		n := &structs.Node{ID: structs.ID{1}, NodeMaxAllocs: math.MaxInt, NodeResources: &structs.NodeResources{MinDynamicPort: lie[0], MaxDynamicPort: lie[1]}}
		f.SetNode(n)
		row, _ := f.Row(n.ID)
		for seed := range uint64(100) {
			given, ok := f.AssignPorts(row, []fleet.PortAsk{{Label: "http"}}, seed)
			if ok && (given[0].Value < 1 || given[0].Value > 65535) {
				t.Fatalf("dynamic ports %v: port %d is given", lie, given[0].Value)
			}
		}
		if f.Full(row) {
			t.Errorf("dynamic ports %v: a node without allocations is full", lie)
		}
	}
}

// A list of ports that repeats itself without end costs no more than all ports.
func TestListsOfPortsAreBounded(t *testing.T) {
	if got := fleet.ParsePorts(strings.Repeat("0-65535,", 200_000)); len(got) != 65536 || got[65535] != 65535 {
		t.Fatalf("%d ports", len(got))
	}
	if got := fleet.ParsePorts("65530-65540,x,-1,5-2,80, 443 "); !slices.Equal(got, []int{80, 443}) {
		t.Fatalf("got %v", got)
	}
}
