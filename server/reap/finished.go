package reap

import (
	"slices"
	"time"

	"berth/state"
	"berth/structs"
)

// finishes are the times at which jobs that are over may go, in order. It is data without a clock.
type finishes []time.Time

// note adds what follows from jobs that changed; false when it is nothing. The times follow from the state: a new leader, who is told of
// all jobs, goes on with those of the one before.
func (x *finishes) note(st State, changes []state.Change[structs.Job], now time.Time) bool {
	some := false
	for _, c := range changes {
		if c.Deleted || c.Object.TTLAfterFinished == nil || c.Object.Status != structs.JobStatusDead {
			continue
		}
		end, over := ended(st, c.Object)
		if !over {
			end = max(end, now.UnixNano())
		}
		at := time.Unix(0, end).Add(*c.Object.TTLAfterFinished).Truncate(finishedPause).Add(finishedPause) // so many at once are one
		if i, known := slices.BinarySearchFunc(*x, at, time.Time.Compare); !known {
			*x = slices.Insert(*x, i, at)
			some = true
		}
	}
	return some
}

// take forgets the times that have come, and reports whether there were any.
func (x *finishes) take(now time.Time) bool {
	n := 0
	for n < len(*x) && !(*x)[n].After(now) {
		n++
	}
	*x = slices.Delete(*x, 0, n)
	return n > 0
}

// wait is how long nothing is due.
func (x *finishes) wait(now time.Time) time.Duration {
	if len(*x) == 0 {
		return time.Hour
	}
	return max((*x)[0].Sub(now), time.Millisecond)
}
