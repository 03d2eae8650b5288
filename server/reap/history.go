package reap

import (
	"cmp"
	"slices"

	"berth/scheduler"
	"berth/structs"
)

// history is what periodic jobs that say how many launches they keep say of each of theirs that is over.
type history struct {
	kept   map[structs.JobKey]bool // whatever their age
	beyond map[structs.JobKey]bool // they go, whatever their age
}

// look judges the launches of a job: of each kind the newest are kept, as many as it says.
func (h *history) look(st State, parent *structs.Job) {
	type launch struct {
		job *structs.Job
		at  int64
	}
	var over []launch
	for j := range st.Children(parent.Namespace, parent.ID) {
		if j.Status != structs.JobStatusDead || j.Suspended && !j.Stopped() {
			continue
		}
		at, is := j.LaunchOf()
		if _, done := ended(st, j); is && done {
			over = append(over, launch{j, at})
		}
	}
	slices.SortFunc(over, func(a, b launch) int { return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(a.job.ID, b.job.ID)) })
	successful, failed := parent.Periodic.KeepSuccessful, parent.Periodic.KeepFailed
	seen := map[*int]int{}
	for _, l := range over {
		limit := failed
		if _, well, _ := scheduler.ConditionOf(st, l.job.Key(), structs.DependComplete); well {
			limit = successful
		}
		if limit == nil {
			continue // as of any job
		}
		seen[limit]++
		if seen[limit] <= *limit {
			h.kept[l.job.Key()] = true
		} else {
			h.beyond[l.job.Key()] = true
		}
	}
}

// histories judges the launches of all jobs that say how many are kept.
func (s *step) histories() *history {
	h := &history{kept: map[structs.JobKey]bool{}, beyond: map[structs.JobKey]bool{}}
	for j := range s.st.Jobs() {
		if j.KeepsHistory() {
			h.look(s.st, j)
		}
	}
	return h
}
