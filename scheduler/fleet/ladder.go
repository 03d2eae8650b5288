package fleet

import (
	"cmp"
	"slices"

	"berth/structs"
)

// Rung is what the allocations of a row up to a priority hold together, those aside that stop already: what their end would
// give, and the most that one of them would.
type Rung struct {
	Priority int
	Count    int64
	Sum      structs.ComparableResources
	Most     structs.ComparableResources
}

// Ladder lists the row's rungs, the lowest priority first. It is kept until something on the row changes. Do not change it.
func (f *Fleet) Ladder(row int32) []Rung {
	if f.ladders[row] != nil {
		return f.ladders[row]
	}
	list := make([]*Use, 0, len(f.uses[row]))
	for _, u := range f.uses[row] {
		if !u.Stopping && !u.Hold {
			list = append(list, u)
		}
	}
	slices.SortFunc(list, func(a, b *Use) int { return cmp.Compare(a.Priority, b.Priority) })
	ladder := []Rung{} // not nil: known to be empty
	var r Rung
	for i, u := range list {
		r.Priority = u.Priority
		r.Count++
		r.Sum.Add(u.Res)
		r.Sum.Cores += int64(len(u.Cores))
		r.Most.CPU, r.Most.MemoryMB = max(r.Most.CPU, u.Res.CPU), max(r.Most.MemoryMB, u.Res.MemoryMB)
		r.Most.DiskMB = max(r.Most.DiskMB, u.Res.DiskMB)
		if i+1 == len(list) || list[i+1].Priority != u.Priority {
			ladder = append(ladder, r)
		}
	}
	f.ladders[row] = ladder
	return ladder
}

// SetStopping notes that an allocation was told to stop, or was not after all.
func (f *Fleet) SetStopping(u *Use, stopping bool) {
	if u.Stopping == stopping {
		return
	}
	f.enter(u, -1)
	u.Stopping = stopping
	f.enter(u, 1)
	f.touch(u.row)
	if stopping {
		f.leave(u, 1)
	} else {
		f.leave(u, -1)
	}
}

// GroupKey names a group of a job, of all versions.
type GroupKey struct {
	Job   structs.JobKey
	Group string
}

// Leaving is how many allocations of the group were told to stop and hold their resources still, on all rows.
func (f *Fleet) Leaving(g GroupKey) int { return f.leaving[g] }

// OverBudget reports that its migrate block wants no more of the allocation's group to leave now.
func (f *Fleet) OverBudget(u *Use) bool {
	return u.MaxParallel > 0 && f.leaving[GroupKey{u.Job, u.Group}] >= u.MaxParallel
}

func (f *Fleet) leave(u *Use, by int32) {
	f.stopping[u.row] += by
	f.leaves.Put(u.row, f.stopping[u.row] > 0)
	key := GroupKey{u.Job, u.Group}
	if f.leaving[key] += int(by); f.leaving[key] == 0 {
		delete(f.leaving, key)
	}
}

// StoppingAt is how many allocations of the row were told to stop and hold their resources still.
func (f *Fleet) StoppingAt(row int32) int { return int(f.stopping[row]) }

// Stopping are the rows where something was told to stop and holds its resources still. Do not change it.
func (f *Fleet) Stopping() Bitmap { return f.leaves }

// HoldsAt is for how many allocations to come room is kept on the row.
func (f *Fleet) HoldsAt(row int32) int { return int(f.held[row]) }
