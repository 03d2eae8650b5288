package state

import (
	"maps"

	"berth/structs"
)

// JobCounts are numbers of one job's objects.
type JobCounts struct {
	Allocs    int // in the state, whatever their status
	Live      int // allocations that are neither over nor wanted so
	Evals     int // in the state, whatever their status
	OpenEvals int // evaluations something is still to be done for
}

type jobCounts struct {
	key structs.JobKey
	JobCounts
}

// count changes a job's numbers.
func (t *WriteTxn) count(key structs.JobKey, by JobCounts) {
	if by == (JobCounts{}) {
		return
	}
	c := t.counts[key]
	if c == nil {
		c = &jobCounts{key: key}
		if old := get(&t.work.jobCounts, key); old != nil {
			c.JobCounts = old.JobCounts
		}
		t.counts[key] = c
		t.work.jobCounts.Set(t.pen(), c)
	}
	c.Allocs += by.Allocs
	c.Live += by.Live
	c.Evals += by.Evals
	c.OpenEvals += by.OpenEvals
	if c.JobCounts == (JobCounts{}) {
		t.work.jobCounts.Delete(t.pen(), key)
		delete(t.counts, key)
	}
}

// PutJob stores the current version of a job, beside its kept versions: see PutJobVersion. JobModifyIndex is the caller's
// to set.
func (t *WriteTxn) PutJob(j *structs.Job) {
	old := put(t, TableJobs, &t.work.jobs, j)
	var created uint64
	if old != nil {
		created = old.CreateIndex
	}
	t.stamp(&j.CreateIndex, &j.ModifyIndex, created)
	if t.restoring {
		return
	}
	if old == nil || !sameGroups(old, j) {
		t.coverGroups(j)
	}
	switch {
	case old == nil:
		t.countChild(j.Namespace, j.ParentID, "", j.Status)
	case old.Status != j.Status:
		t.countChild(j.Namespace, j.ParentID, old.Status, j.Status)
	}
}

// DeleteJob forgets a job's current version and its summary. Its kept versions stay for the allocations that are left; see
// DeleteJobVersions.
func (t *WriteTxn) DeleteJob(key structs.JobKey) {
	old := drop(t, TableJobs, &t.work.jobs, key)
	if old == nil {
		return
	}
	t.countChild(old.Namespace, old.ParentID, old.Status, "")
	delete(t.summaries, key)
	drop(t, TableJobSummaries, &t.work.summaries, key)
}

// PutJobVersion keeps a version of a job: allocations are linked to it.
func (t *WriteTxn) PutJobVersion(j *structs.Job) { put(t, TableJobVersions, &t.work.versions, j) }

// DeleteJobVersion forgets one kept version and what it was written as.
func (t *WriteTxn) DeleteJobVersion(key structs.JobKey, version uint64) {
	k := versionKey(key.Namespace, key.ID, version)
	drop(t, TableJobVersions, &t.work.versions, k)
	drop(t, TableJobSubmissions, &t.work.submissions, k)
}

// PutSubmission keeps what a job version was written as.
func (t *WriteTxn) PutSubmission(s *structs.JobSubmission) {
	put(t, TableJobSubmissions, &t.work.submissions, s)
}

// PutJobSummary restores a summary; a transaction that is not a restore keeps summaries itself.
func (t *WriteTxn) PutJobSummary(s *structs.JobSummary) {
	put(t, TableJobSummaries, &t.work.summaries, s)
}

// summary is the job's summary to be changed in place; nil when it has none and make is false.
func (t *WriteTxn) summary(key structs.JobKey, make bool) *structs.JobSummary {
	if s := t.summaries[key]; s != nil {
		t.summaryChanged(s)
		return s
	}
	old := get(&t.work.summaries, key)
	if old == nil && !make {
		return nil
	}
	return t.ownSummary(key, old)
}

// ownSummary is a copy of a job's summary that this transaction has not changed yet, nil for one it does not have.
func (t *WriteTxn) ownSummary(key structs.JobKey, old *structs.JobSummary) *structs.JobSummary {
	s := &structs.JobSummary{Namespace: key.Namespace, JobID: key.ID, Summary: map[string]structs.TaskGroupSummary{}}
	if old != nil {
		*s = *old
		s.Summary = maps.Clone(old.Summary)
		if s.Summary == nil {
			s.Summary = map[string]structs.TaskGroupSummary{}
		}
		if old.Children != nil {
			s.Children = new(*old.Children)
		}
	} else {
		t.recount(s)
	}
	t.summaries[key] = s
	put(t, TableJobSummaries, &t.work.summaries, s)
	t.summaryChanged(s)
	return s
}

// recount counts the allocations a job has had under an earlier registration.
func (t *WriteTxn) recount(s *structs.JobSummary) {
	for a := range t.AllocsByJob(s.Namespace, s.JobID) {
		line := s.Summary[a.TaskGroup]
		if n := lineOf(&line, a.ClientStatus); n != nil {
			*n++
		}
		s.Summary[a.TaskGroup] = line
	}
}

func (t *WriteTxn) summaryChanged(s *structs.JobSummary) {
	if s.CreateIndex == 0 {
		s.CreateIndex = t.work.index
	}
	s.ModifyIndex = t.work.index
}

// coverGroups gives each group of a job its line in the summary.
func (t *WriteTxn) coverGroups(j *structs.Job) {
	old := t.JobSummary(j.Namespace, j.ID)
	complete := old != nil && (old.Children != nil || !parent(j))
	for _, g := range j.TaskGroups {
		if complete {
			_, complete = old.Summary[g.Name]
		}
	}
	if complete {
		return
	}
	s := t.summaries[j.Key()]
	if s == nil {
		s = t.ownSummary(j.Key(), old)
	}
	t.summaryChanged(s)
	for _, g := range j.TaskGroups {
		if _, ok := s.Summary[g.Name]; !ok {
			s.Summary[g.Name] = structs.TaskGroupSummary{}
		}
	}
	if s.Children == nil && parent(j) {
		s.Children = &structs.JobChildrenSummary{}
	}
}

// sameGroups reports that one is a copy of the other as far as its summary is concerned: then that has all its lines.
func sameGroups(a, b *structs.Job) bool {
	return len(a.TaskGroups) == len(b.TaskGroups) && len(a.TaskGroups) > 0 && &a.TaskGroups[0] == &b.TaskGroups[0] && parent(a) == parent(b)
}

func parent(j *structs.Job) bool { return j.IsPeriodic() || j.IsParameterized() }

// countChild moves a child job between the counts of its parent.
func (t *WriteTxn) countChild(ns, parentID, from, to string) {
	if parentID == "" || t.Job(ns, parentID) == nil {
		return
	}
	s := t.summary(structs.JobKey{Namespace: ns, ID: parentID}, true)
	if s.Children == nil {
		s.Children = &structs.JobChildrenSummary{}
	}
	for status, by := range map[string]int64{from: -1, to: 1} {
		switch status {
		case structs.JobStatusPending:
			s.Children.Pending += by
		case structs.JobStatusRunning:
			s.Children.Running += by
		case structs.JobStatusDead:
			s.Children.Dead += by
		}
	}
}

// tally moves one allocation in its group's line: from one client status to another, "" for none.
func (t *WriteTxn) tally(key structs.JobKey, group, from, to string) {
	if from == to {
		return
	}
	s := t.summary(key, false)
	if s == nil {
		return
	}
	line := s.Summary[group]
	if n := lineOf(&line, from); n != nil && *n > 0 {
		*n--
	}
	if n := lineOf(&line, to); n != nil {
		*n++
	}
	if from == "" && line.Queued > 0 {
		line.Queued--
	}
	s.Summary[group] = line
}

func lineOf(l *structs.TaskGroupSummary, status string) *int {
	switch status {
	case structs.AllocClientPending:
		return &l.Starting
	case structs.AllocClientRunning:
		return &l.Running
	case structs.AllocClientComplete:
		return &l.Complete
	case structs.AllocClientFailed:
		return &l.Failed
	case structs.AllocClientLost:
		return &l.Lost
	case structs.AllocClientUnknown:
		return &l.Unknown
	}
	return nil
}

// queued takes over how many allocations of each group an evaluation could not place.
func (t *WriteTxn) queued(key structs.JobKey, byGroup map[string]int) {
	old := t.JobSummary(key.Namespace, key.ID)
	if old == nil {
		return
	}
	for group, n := range byGroup {
		if line, ok := old.Summary[group]; !ok || line.Queued == n {
			continue
		}
		s := t.summary(key, true)
		line := s.Summary[group]
		line.Queued = n
		s.Summary[group] = line
	}
}
