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

// PutJob stores the current version of a job, beside its kept versions: see PutJobVersion. JobModifyIndex is the caller's
// to set.
func (t *WriteTxn) PutJob(j *structs.Job) {
	rec := t.record(j.Key())
	old := rec.job
	rec.job = j
	noted(t, TableJobs, old, j)
	var created uint64
	if old != nil {
		created = old.CreateIndex
	}
	t.stamp(&j.CreateIndex, &j.ModifyIndex, created)
	if t.restoring {
		return
	}
	if old == nil || !sameGroups(old, j) {
		t.coverGroups(rec, j)
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
	old := t.Job(key.Namespace, key.ID)
	if old == nil {
		return
	}
	rec := t.record(key)
	rec.job = nil
	noted(t, TableJobs, old, nil)
	if s := rec.summary; s != nil {
		rec.summary = nil
		noted(t, TableJobSummaries, s, nil)
	}
	t.tidy(rec)
	t.countChild(old.Namespace, old.ParentID, old.Status, "")
}

// PutJobVersion keeps a version of a job: allocations are linked to it.
func (t *WriteTxn) PutJobVersion(j *structs.Job) {
	rec := t.record(j.Key())
	var old *structs.Job
	rec.versions, old = withVersion(rec.versions, j, jobVersion)
	noted(t, TableJobVersions, old, j)
}

// DeleteJobVersion forgets one kept version and what it was written as.
func (t *WriteTxn) DeleteJobVersion(key structs.JobKey, version uint64) {
	rec := t.record(key)
	var job *structs.Job
	if rec.versions, job = withoutVersion(rec.versions, version, jobVersion); job != nil {
		noted(t, TableJobVersions, job, nil)
	}
	var written *structs.JobSubmission
	if rec.submissions, written = withoutVersion(rec.submissions, version, submissionVersion); written != nil {
		noted(t, TableJobSubmissions, written, nil)
	}
	t.tidy(rec)
}

// PutSubmission keeps what a job version was written as.
func (t *WriteTxn) PutSubmission(s *structs.JobSubmission) {
	rec := t.record(structs.JobKey{Namespace: s.Namespace, ID: s.JobID})
	var old *structs.JobSubmission
	rec.submissions, old = withVersion(rec.submissions, s, submissionVersion)
	noted(t, TableJobSubmissions, old, s)
}

// PutJobSummary restores a summary; a transaction that is not a restore keeps summaries itself.
func (t *WriteTxn) PutJobSummary(s *structs.JobSummary) {
	rec := t.record(structs.JobKey{Namespace: s.Namespace, ID: s.JobID})
	old := rec.summary
	rec.summary, rec.summing = s, nil
	noted(t, TableJobSummaries, old, s)
}

// summary is a job's summary to be changed in place, its lines as well. One that is not there is made.
func (t *WriteTxn) summary(rec *record) *structs.JobSummary {
	s := rec.summary
	if s == nil || rec.summing != rec.edit {
		old := s
		s = &structs.JobSummary{Namespace: rec.key.Namespace, JobID: rec.key.ID, Summary: map[string]structs.TaskGroupSummary{}}
		if old != nil {
			*s = *old
			s.Summary = map[string]structs.TaskGroupSummary{}
			maps.Copy(s.Summary, old.Summary)
			if old.Children != nil {
				s.Children = new(*old.Children)
			}
		} else {
			recount(rec, s)
		}
		rec.summary, rec.summing = s, rec.edit
		noted(t, TableJobSummaries, old, s)
	}
	t.summaryChanged(s)
	return s
}

// recount counts the allocations a job has had under an earlier registration.
func recount(rec *record, s *structs.JobSummary) {
	for a := range rec.allocs.All() {
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
func (t *WriteTxn) coverGroups(rec *record, j *structs.Job) {
	old := rec.summary
	if old == nil && len(j.TaskGroups) == 1 && !parent(j) && rec.allocs.Len() == 0 {
		s := &structs.JobSummary{Namespace: rec.key.Namespace, JobID: rec.key.ID, Summary: t.store.idle.of(j.TaskGroups[0].Name)}
		t.summaryChanged(s)
		rec.summary, rec.summing = s, nil
		noted(t, TableJobSummaries, nil, s)
		return
	}
	complete := old != nil && (old.Children != nil || !parent(j))
	for _, g := range j.TaskGroups {
		if complete {
			_, complete = old.Summary[g.Name]
		}
	}
	if complete {
		return
	}
	s := t.summary(rec)
	for _, g := range j.TaskGroups {
		if _, ok := s.Summary[g.Name]; !ok {
			s.Summary[g.Name] = structs.TaskGroupSummary{}
		}
	}
	if s.Children == nil && parent(j) {
		s.Children = &structs.JobChildrenSummary{}
	}
}

// idleLines are the lines of summaries of jobs of one group that had no allocation yet, by the group's name. Most jobs' are alike, and
// nobody changes them: whoever counts makes lines of his own.
type idleLines map[string]map[string]structs.TaskGroupSummary

// idleMax is how many are kept.
const idleMax = 1024

func (l *idleLines) of(group string) map[string]structs.TaskGroupSummary {
	lines := (*l)[group]
	if lines == nil {
		if *l == nil || len(*l) >= idleMax {
			*l = idleLines{}
		}
		lines = map[string]structs.TaskGroupSummary{group: {}}
		(*l)[group] = lines
	}
	return lines
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
	s := t.summary(t.record(structs.JobKey{Namespace: ns, ID: parentID}))
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
func (t *WriteTxn) tally(rec *record, group, from, to string) {
	if from == to || rec.summary == nil {
		return
	}
	s := t.summary(rec)
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
func (t *WriteTxn) queued(rec *record, byGroup map[string]int) {
	if rec.summary == nil {
		return
	}
	for group, n := range byGroup {
		if line, ok := rec.summary.Summary[group]; !ok || line.Queued == n {
			continue
		}
		s := t.summary(rec)
		line := s.Summary[group]
		line.Queued = n
		s.Summary[group] = line
	}
}
