package fleet_test

import (
	"testing"

	"pgregory.net/rapid"

	"berth/scheduler/fleet"
	"berth/structs"
)

// shelf is a fleet of nodes with what is used of each.
func shelf(capacity structs.ComparableResources, used []structs.ComparableResources) (*fleet.Fleet, fleet.Bitmap) {
	f := fleet.New()
	for i, u := range used {
		n := &structs.Node{ID: structs.ID{15: byte(i + 1)}, Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible, NodeResources: &structs.NodeResources{
			Cpu: structs.NodeCPUResources{CpuShares: capacity.CPU}, Memory: structs.NodeMemoryResources{MemoryMB: capacity.MemoryMB}, Disk: structs.NodeDiskResources{DiskMB: 1},
		}}
		f.SetNode(n)
		row, _ := f.Row(n.ID)
		f.Add(&fleet.Use{AllocID: structs.ID{14: 1, 15: byte(i)}, Res: u}, row)
	}
	return f, f.Ready()
}

// Where all that runs has one shape, the score is the contract's formula, however full each node is.
func TestJobsOfOneShapeAreScoredByTheContract(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cpu, mem := rapid.Int64Range(1, 50).Draw(t, "cpu"), rapid.Int64Range(1, 50).Draw(t, "mem")
		used := rapid.SliceOfN(rapid.Map(rapid.Int64Range(0, 90), func(n int64) structs.ComparableResources {
			return structs.ComparableResources{CPU: n * cpu, MemoryMB: n * mem}
		}), 1, 10).Draw(t, "used")
		f, rows := shelf(structs.ComparableResources{CPU: 5000, MemoryMB: 5000}, used)
		s := f.Scorer(cpu, mem, false)
		s.Balance(f, f.Amounts(fleet.FilterKey{}, func(*structs.Node) bool { return true }), cpu, mem, rapid.IntRange(1, 100).Draw(t, "count"))
		for row := range rows.Rows {
			if fit, score := s.Fit(row), s.Score(row); score > fit || score < fit-1e-6 {
				t.Fatalf("row %d: %v, the contract's %v", row, score, fit)
			}
		}
	})
}

// The score is never above the contract's, by which searches skip rows, and never at -1 or below.
func TestBalanceOnlyLowersScores(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Int64Range(0, 1000)
		used := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) structs.ComparableResources {
			return structs.ComparableResources{CPU: amount.Draw(t, "cpu"), MemoryMB: amount.Draw(t, "mem")}
		}), 1, 10).Draw(t, "used")
		f, rows := shelf(structs.ComparableResources{CPU: rapid.Int64Range(0, 2000).Draw(t, "cpu"), MemoryMB: 1000}, used)
		cpu, mem := amount.Draw(t, "cpu"), amount.Draw(t, "mem")
		spread := rapid.Bool().Draw(t, "spread")
		s := f.Scorer(cpu, mem, spread)
		count := rapid.IntRange(1, 100).Draw(t, "count")
		s.Balance(f, f.Amounts(fleet.FilterKey{}, func(*structs.Node) bool { return true }), cpu, mem, count)
		for row := range rows.Rows {
			fit, score := s.Fit(row), s.Score(row)
			least := rapid.Float64Range(-1, 1).Draw(t, "least")
			if rapid.Bool().Draw(t, "at it") {
				least = score
			}
			bare := f.Scorer(cpu, mem, spread) // one that has not seen the row
			bare.Balance(f, f.Amounts(fleet.FilterKey{}, func(*structs.Node) bool { return true }), cpu, mem, count)
			if reached, ok := bare.Reaching(row, fit, least); ok != (score >= least) || ok && reached != score {
				t.Fatalf("row %d: %v of %v, reaches %v: %v %v", row, score, fit, least, ok, reached)
			}
			if !(score <= fit && score > -1) || spread && score != fit {
				t.Fatalf("row %d: %v of %v", row, score, fit)
			}
		}
	})
}

// Two nodes are as full, one of CPU and one of memory: each kind of job goes where the other is.
func TestAnAskGoesToWhatIsLeftOver(t *testing.T) {
	t.Parallel()
	f, _ := shelf(structs.ComparableResources{CPU: 1000, MemoryMB: 1000}, []structs.ComparableResources{{CPU: 600, MemoryMB: 300}, {CPU: 300, MemoryMB: 600}})
	for _, ask := range []struct{ cpu, mem int64 }{{100, 20}, {20, 100}} {
		s := f.Scorer(ask.cpu, ask.mem, false)
		s.Balance(f, f.Amounts(fleet.FilterKey{}, func(*structs.Node) bool { return true }), ask.cpu, ask.mem, 1)
		if toMemory := s.Score(1) > s.Score(0); toMemory != (ask.cpu > ask.mem) {
			t.Errorf("%+v: %v on the one full of CPU, %v on the other", ask, s.Score(0), s.Score(1))
		}
	}
}

// What is left of two nodes of different sizes may be the same: each is judged by its own size.
func TestRowsOfTwoSizesAreJudgedByTheirOwn(t *testing.T) {
	t.Parallel()
	scorer := func() (*fleet.Fleet, fleet.Scorer) {
		f, _ := shelf(structs.ComparableResources{CPU: 1000, MemoryMB: 1000}, []structs.ComparableResources{{CPU: 600, MemoryMB: 200}})
		large := &structs.Node{ID: structs.ID{15: 9}, Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible, NodeResources: &structs.NodeResources{
			Cpu: structs.NodeCPUResources{CpuShares: 4000}, Memory: structs.NodeMemoryResources{MemoryMB: 2000}, Disk: structs.NodeDiskResources{DiskMB: 1},
		}}
		f.SetNode(large)
		f.Add(&fleet.Use{AllocID: structs.ID{14: 2}, Res: structs.ComparableResources{CPU: 3600, MemoryMB: 1200}}, 1)
		s := f.Scorer(100, 10, false)
		s.Balance(f, f.Amounts(fleet.FilterKey{}, func(*structs.Node) bool { return true }), 100, 10, 1)
		return f, s
	}
	f, s := scorer()
	if f.Free(0) != f.Free(1) {
		t.Fatalf("free %v and %v", f.Free(0), f.Free(1))
	}
	const fit = 0.5 // so that sizes alone differ
	first, second := s.Balanced(0, fit), s.Balanced(1, fit)
	_, alone := scorer()
	if want := alone.Balanced(1, fit); second != want || first == second {
		t.Errorf("%v, then %v; alone the second has %v", first, second, want)
	}
	if again := s.Balanced(1, 0.25); again == second {
		t.Errorf("the score %v whatever the fit", again)
	}
}
