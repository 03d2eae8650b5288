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
		if c.Deleted {
			continue
		}
		at, due := goesAt(st, c.Object, now)
		if !due {
			continue
		}
		at = at.Truncate(finishedPause).Add(finishedPause) // so many at once are one
		if i, known := slices.BinarySearchFunc(*x, at, time.Time.Compare); !known {
			*x = slices.Insert(*x, i, at)
			some = true
		}
	}
	return some
}

// goesAt is when something may go because of a job that changed: the job itself, by its own time, or launches beyond those that are kept.
func goesAt(st State, j *structs.Job, now time.Time) (at time.Time, due bool) {
	dead := j.Status == structs.JobStatusDead
	switch {
	case dead && j.TTLAfterFinished != nil:
		end, over := ended(st, j)
		if !over {
			end = max(end, now.UnixNano())
		}
		return time.Unix(0, end).Add(*j.TTLAfterFinished), true
	case j.KeepsHistory():
		return now, true
	case dead && j.ParentID != "":
		parent := st.Job(j.Namespace, j.ParentID)
		return now, parent != nil && parent.KeepsHistory()
	}
	return time.Time{}, false
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
