package scheduler

import (
	"math/bits"

	"berth/scheduler/fleet"
	"berth/structs"
)

// amounts are what evictions on all rows depend on: what is asked for, and up to which priority allocations may be evicted for it.
type amounts struct {
	cpu, memory, disk, cores int64
	priority                 int
}

// bound tells how good an eviction on the row can be at best, from sums alone: the highest priority and the number of victims, the
// lower the better; fleet.None when there can be none. It spares most rows the search for victims.
func (a amounts) bound(f *fleet.Fleet, row int32) uint64 {
	ladder := f.Ladder(row)
	if len(ladder) == 0 || ladder[0].Priority > a.priority {
		return fleet.None
	}
	if f.StoppingAt(row) > 0 || f.HoldsAt(row) > 0 { // which give room too
		return packed(ladder[0].Priority, 1)
	}
	free := f.Free(row)
	cpu, memory, disk := a.cpu+a.cores*f.CoreMHz(row)-free.CPU, a.memory-free.MemoryMB, a.disk-free.DiskMB
	cores := a.cores - f.FreeCores(row)
	for i := range ladder {
		r := &ladder[i]
		if r.Priority > a.priority {
			break
		}
		if r.Sum.CPU >= cpu && r.Sum.MemoryMB >= memory && r.Sum.DiskMB >= disk && r.Sum.Cores >= cores {
			return packed(r.Priority, max(1, atLeast(cpu, r.Most.CPU), atLeast(memory, r.Most.MemoryMB), atLeast(disk, r.Most.DiskMB)))
		}
	}
	return fleet.None
}

// packed orders by priority, then by count.
func packed(priority, count int) uint64 { return uint64(max(priority, 0))<<32 | uint64(count) }

// atLeast is how many allocations it takes to give an amount, when none gives more than most.
func atLeast(amount, most int64) int {
	if amount <= 0 || most <= 0 {
		return 0
	}
	return int((amount + most - 1) / most)
}

// bestEviction finds the best way to make room on a feasible row, or on the node if one is given; nil if there is none. The row that
// promises most is looked at first: then only those that promise more than was found.
func (g *group) bestEviction(node structs.ID) *eviction {
	f := g.run.in.Fleet
	a := amounts{g.ask.CPU, g.ask.MemoryMB, g.ask.DiskMB, g.ask.Cores, g.job.Priority - preemptGap}
	rows := g.sel.Rows
	if !node.IsZero() {
		row, ok := f.Row(node)
		if !ok || !rows.Has(row) {
			return nil
		}
		rows = f.NewBitmap()
		rows.Set(row)
	}
	s := evictions{g: g, rows: rows, bounds: f.Lows(a, a.bound), seed: fleet.HashID(g.run.in.Eval.ID)}
	if first, ok := s.first(); ok {
		s.try(first)
		s.others(first)
	}
	return s.best
}

// evictions is the search for the best one.
type evictions struct {
	g      *group
	rows   fleet.Bitmap
	bounds *fleet.Lows
	seed   uint64
	best   *eviction
}

// first is the row with the lowest bound.
func (s *evictions) first() (first int32, ok bool) {
	least, leastTie := uint64(fleet.None), uint64(0)
	for word, w := range s.rows {
		if s.bounds.Least[word] > least {
			continue
		}
		for ; w != 0; w &= w - 1 {
			row := int32(word<<6 + bits.TrailingZeros64(w))
			bound := s.bounds.Of[row]
			if bound == fleet.None || bound > least || s.g.run.evicted[row] {
				continue
			}
			if tie := s.g.run.in.Fleet.Tie(s.seed, row); !ok || bound < least || tie < leastTie {
				first, least, leastTie, ok = row, bound, tie, true
			}
		}
	}
	return first, ok
}

// others tries all rows but one that may be better than the best.
func (s *evictions) others(but int32) {
	for word, w := range s.rows {
		if s.bounds.Least[word] > s.reach() {
			continue
		}
		for ; w != 0; w &= w - 1 {
			row := int32(word<<6 + bits.TrailingZeros64(w))
			bound := s.bounds.Of[row]
			if bound == fleet.None || bound > s.reach() || row == but || s.g.run.evicted[row] {
				continue
			}
			if bound == s.reach() && s.g.run.in.Fleet.Tie(s.seed, row) >= s.best.tie {
				continue
			}
			s.try(row)
		}
	}
}

// reach is the bound beyond which no eviction is better than the best.
func (s *evictions) reach() uint64 {
	if s.best == nil || s.best.breaks > 0 {
		return fleet.None
	}
	return packed(s.best.highest, s.best.count)
}

func (s *evictions) try(row int32) {
	e := s.g.evictionAt(row)
	if e == nil {
		return
	}
	e.tie = s.g.run.in.Fleet.Tie(s.seed, row)
	if s.best == nil || e.better(s.best) {
		s.best = e
	}
}
