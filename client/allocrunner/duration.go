package allocrunner

import (
	"time"

	"berth/structs"
)

// firstStart is when a task of the allocation first ran, as far as its history reaches back; zero when none did.
func firstStart(tasks []taskView) time.Time {
	var first time.Time
	for _, t := range tasks {
		if at := t.state.StartedAt; !at.IsZero() {
			first = earlier(first, at)
		}
		for _, e := range t.state.Events {
			if e.Type == structs.TaskStarted {
				first = earlier(first, time.Unix(0, e.Time))
			}
		}
	}
	return first
}

// lastsUntil is when the allocation has run for as long as its group may, zero when it may for ever or has not begun. Restarts of
// its tasks do not begin the time anew. The caller holds r.mu.
func (r *Runner) lastsUntil(tasks []taskView) time.Time {
	limit := r.alloc.Group().MaxRunDuration
	if limit == nil || *limit <= 0 {
		return time.Time{}
	}
	if first := firstStart(tasks); !first.IsZero() {
		r.first = earlier(r.first, first)
	}
	if r.first.IsZero() {
		return time.Time{}
	}
	return r.first.Add(*limit)
}
