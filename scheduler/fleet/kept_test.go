package fleet

import (
	"strconv"
	"testing"

	"berth/structs"
)

func boxes(n int) *Fleet {
	f := New()
	for i := range n {
		f.SetNode(&structs.Node{ID: structs.ID{14: byte(i >> 8), 15: byte(i)}, Name: strconv.Itoa(i), Meta: map[string]string{"box": strconv.Itoa(i)},
			NodeResources: &structs.NodeResources{Cpu: structs.NodeCPUResources{CpuShares: 1000}, Memory: structs.NodeMemoryResources{MemoryMB: 1000}}})
	}
	return f
}

// Columns follow exactly as many changes as are remembered, and are made anew after one more.
func TestColumnsFollowWhatIsRemembered(t *testing.T) {
	t.Parallel()
	free := func(f *Fleet, row int32) uint64 { return uint64(f.freeCPU[row]) }
	for missed := uint64(changesMax - 1); missed <= changesMax+1; missed++ {
		f := boxes(2)
		fit := Fit{CPU: 500, MemoryMB: 1}
		f.Scores(fit)
		f.Lows("free", free)
		f.Add(&Use{AllocID: structs.ID{1}, Res: structs.ComparableResources{CPU: 600}}, 0)
		for begun := f.changes.total; f.changes.total < begun+missed-1; {
			f.touch(1)
		}
		if s := f.Scores(fit); s.Room.Has(0) || !s.Room.Has(1) {
			t.Errorf("%d changes later: rows with room %b", missed, s.Room)
		}
		if l := f.Lows("free", free); l.Of[0] != 400 || l.Least[0] != 400 {
			t.Errorf("%d changes later: free %v, the least %v", missed, l.Of, l.Least)
		}
	}
}

// What is kept of questions is bounded, and what is asked for again and again stays.
func TestKeptColumnsAreBounded(t *testing.T) {
	t.Parallel()
	f := boxes(2)
	f.Scores(Fit{CPU: 1})
	all := func(*structs.Node) bool { return true }
	for i := range 3000 {
		key := strconv.Itoa(i)
		f.Scores(Fit{CPU: int64(2 + i)})
		if f.scores[Fit{CPU: 1}] == nil {
			t.Fatalf("after %d others, the scores of an ask that is made each time are forgotten", i)
		}
		f.Scores(Fit{CPU: 1})
		f.Lows(key, func(*Fleet, int32) uint64 { return 1 })
		f.Weights(key, func(*structs.Node) float64 { return 1 })
		f.Amounts(FilterKey{Kind: key}, all)
		f.Filter(FilterKey{Kind: key}, all)
		f.Tally(key, func(*Use) bool { return true })
		f.Column("${meta." + key + "}")
		f.Scorer(int64(i), 1, false)
	}
	for what, n := range map[string][2]int{
		"scores": {len(f.scores), scoresMax}, "lows": {len(f.lows), lowsMax}, "weights": {len(f.weights), weightsMax}, "amounts": {len(f.amounts), amountsMax},
		"filters": {len(f.filters), filtersMax}, "tallies": {len(f.tallies), talliesMax}, "columns": {len(f.columns), columnsMax}, "factors": {len(f.factors), factorsMax},
	} {
		if n[0] > n[1] {
			t.Errorf("%d %s are kept, more than %d", n[0], what, n[1])
		}
	}
	if c := boxes(setsMax).Column("${meta.box}"); c.sets != nil {
		t.Errorf("%d values have sets", len(c.sets)-1)
	}
	if c := boxes(setsMax - 1).Column("${meta.box}"); len(c.sets) != setsMax {
		t.Errorf("%d sets of %d values", len(c.sets), setsMax-1)
	}
}
