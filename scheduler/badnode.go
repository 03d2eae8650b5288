package scheduler

import (
	"time"

	"berth/scheduler/fleet"
	"berth/structs"
)

// A node where this many allocations of a job failed within this time is placed on last, for that job.
const (
	badAfter  = 5
	badWithin = 5 * time.Minute
)

// noteFailures counts the job's failures by node.
func (r *Run) noteFailures(allocs []*structs.Allocation) {
	since := r.in.Now.Add(-badWithin).UnixNano()
	var counts map[structs.ID]int
	for _, a := range allocs {
		if a.ClientStatus != structs.AllocClientFailed || a.ModifyTime < since {
			continue
		}
		if counts == nil {
			counts = map[structs.ID]int{}
		}
		if counts[a.NodeID]++; counts[a.NodeID] == badAfter {
			r.bad = append(r.bad, a.NodeID)
		}
	}
}

// badRows are the rows where the job keeps failing, nil for none.
func (r *Run) badRows() fleet.Bitmap {
	var rows fleet.Bitmap
	for _, id := range r.bad {
		if row, ok := r.in.Fleet.Row(id); ok {
			if rows == nil {
				rows = r.in.Fleet.NewBitmap()
			}
			rows.Set(row)
		}
	}
	return rows
}
