package fleet_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"berth/scheduler/fleet"
	"berth/structs"
)

// sized is a node of a few shapes.
func sized(t *rapid.T, i int) *structs.Node {
	n := &structs.Node{
		ID: structs.ID{14: byte(i >> 8), 15: byte(i)}, Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible,
		Meta: map[string]string{"rack": fmt.Sprint("r", rapid.IntRange(0, 3).Draw(t, "rack")), "box": fmt.Sprint("b", i)},
		NodeResources: &structs.NodeResources{
			Cpu:    structs.NodeCPUResources{CpuShares: 100 * rapid.Int64Range(0, 4).Draw(t, "cpu")},
			Memory: structs.NodeMemoryResources{MemoryMB: 100 * rapid.Int64Range(1, 3).Draw(t, "memory")}, Disk: structs.NodeDiskResources{DiskMB: 150},
		},
	}
	if rapid.IntRange(0, 3).Draw(t, "slots") == 0 {
		n.NodeMaxAllocs = 1
	}
	return n
}

// The columns of a fit say of each row what a look at the row says, whatever happened since they were last asked for, and however
// many fits there are.
func TestScoresFollowTheRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := fleet.New()
		nodes := rapid.SampledFrom([]int{1, 64, 130}).Draw(t, "nodes")
		for i := range nodes {
			f.SetNode(sized(t, i))
		}
		var ids []structs.ID
		add := func(row int32, cpu int64) {
			ids = append(ids, structs.ID{0: 1, 12: byte(len(ids) >> 16), 13: byte(len(ids) >> 8), 14: byte(len(ids))})
			f.Add(&fleet.Use{AllocID: ids[len(ids)-1], Res: structs.ComparableResources{CPU: cpu, MemoryMB: 10, DiskMB: 30}}, row)
		}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			row := rapid.Int32Range(0, int32(f.Len()-1)).Draw(t, "row")
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				f.SetNode(sized(t, rapid.IntRange(0, nodes+3).Draw(t, "node")))
			case 1:
				if n := f.NodeAt(row); n != nil && f.Nodes() > 1 {
					f.RemoveNode(n.ID)
				}
			case 2:
				for i := range 600 { // more than are remembered
					add(row, int64(i%3))
					f.Remove(ids[len(ids)-1])
				}
			case 3:
				for i := range int64(70) { // more than there are columns for
					sameScores(t, f, fleet.Fit{CPU: i})
					sameLows(t, f, int(i))
				}
			case 4:
				if u := f.Use(rapid.SampledFrom(append(ids, structs.ID{})).Draw(t, "stops")); u != nil {
					f.SetStopping(u, !u.Stopping)
				}
			case 5:
				f.Remove(rapid.SampledFrom(append(ids, structs.ID{})).Draw(t, "gone"))
			default:
				add(row, rapid.Int64Range(1, 90).Draw(t, "amount"))
			}
			sameScores(t, f, fleet.Fit{CPU: rapid.SampledFrom([]int64{0, 50, 150}).Draw(t, "asks"), MemoryMB: 90, DiskMB: 100, Spread: rapid.Bool().Draw(t, "spread")})
			sameLows(t, f, 0)
		}
	})
}

// sameLows asks for a column of what is free and what would leave.
func sameLows(t *rapid.T, f *fleet.Fleet, more int) {
	number := func(f *fleet.Fleet, row int32) uint64 {
		n := uint64(1000 + f.Free(row).CPU + int64(more+f.StoppingAt(row)))
		for _, r := range f.Ladder(row) {
			n += uint64(r.Sum.MemoryMB)
		}
		return n
	}
	l := f.Lows(more, number)
	least := make([]uint64, (f.Len()+63)/64)
	for i := range least {
		least[i] = fleet.None
	}
	for row := range int32(f.Len()) {
		if l.Of[row] != number(f, row) {
			t.Fatalf("row %d has the number %d, want %d", row, l.Of[row], number(f, row))
		}
		least[row>>6] = min(least[row>>6], l.Of[row])
	}
	if !slices.Equal(least, l.Least) {
		t.Fatalf("the least are %v, want %v", l.Least, least)
	}
}

func sameScores(t *rapid.T, f *fleet.Fleet, fit fleet.Fit) {
	s, scorer := f.Scores(fit), f.Scorer(fit.CPU, fit.MemoryMB, fit.Spread)
	best := make([]float64, (f.Len()+63)/64)
	for i := range best {
		best[i] = -1
	}
	for row := range int32(f.Len()) {
		free := f.Free(row)
		lacks := []bool{free.CPU < fit.CPU, free.MemoryMB < fit.MemoryMB, free.DiskMB < fit.DiskMB, f.Full(row)}
		first := slices.Index(lacks, true)
		for i := range lacks {
			if s.Lack[i].Has(row) != (i == first) {
				t.Fatalf("row %d lacks %v; set %d has it: %v", row, lacks, i, s.Lack[i].Has(row))
			}
		}
		if s.Room.Has(row) != (first < 0) || f.Fits(row, fit.CPU, fit.MemoryMB, fit.DiskMB) != (first < 0) {
			t.Fatalf("row %d lacks %v, and has room: %v", row, lacks, s.Room.Has(row))
		}
		if first >= 0 {
			continue
		}
		if s.Of[row] != scorer.Score(row) {
			t.Fatalf("row %d scores %v, want %v", row, s.Of[row], scorer.Score(row))
		}
		best[row>>6] = max(best[row>>6], s.Of[row])
	}
	if !slices.Equal(best, s.Best) {
		t.Fatalf("the best are %v, want %v", s.Best, best)
	}
}

// A column finds the rows of values, and the values of rows, with few values and with many.
func TestColumnsFindRowsByValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := fleet.New()
		target := rapid.SampledFrom([]string{"${meta.rack}", "${meta.box}", "${meta.none}"}).Draw(t, "target")
		for i := range rapid.SampledFrom([]int{1, 63, 65, 130, 180}).Draw(t, "nodes") {
			if i == 10 {
				f.Column(target)
			}
			f.SetNode(sized(t, i))
		}
		c := f.Column(target)
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			if n := f.NodeAt(rapid.Int32Range(0, int32(f.Len()-1)).Draw(t, "row")); n != nil && rapid.Bool().Draw(t, "goes") {
				f.RemoveNode(n.ID)
			}
			f.SetNode(sized(t, rapid.IntRange(0, 190).Draw(t, "node")))
		}
		wanted := map[int32]bool{}
		for range rapid.IntRange(0, 3).Draw(t, "values") {
			wanted[rapid.Int32Range(0, int32(len(c.Names)-1)).Draw(t, "value")] = true
		}
		rows, among := f.NewBitmap(), f.NewBitmap()
		c.Where(func(number int32) bool { return wanted[number] }, rows)
		var want []int32
		for row := range int32(f.Len()) {
			value := ""
			if n := f.NodeAt(row); n != nil {
				value, _ = fleet.Resolve(target, n)
			}
			if number := c.Number(value); c.Values[row] != number || rows.Has(row) != wanted[number] {
				t.Fatalf("row %d has %q, number %d of %v; found: %v, wanted %v", row, value, c.Values[row], c.Names, rows.Has(row), wanted)
			}
			if rapid.Bool().Draw(t, "among") {
				among.Set(row)
				if v := c.Values[row]; v != 0 && !slices.Contains(want, v) {
					want = append(want, v)
				}
			}
		}
		slices.Sort(want)
		if got := c.Among(among); !slices.Equal(got, want) {
			t.Fatalf("values %v, want %v", got, want)
		}
	})
}
