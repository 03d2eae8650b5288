package state

import (
	"iter"

	"berth/structs"
)

// PeriodicLaunches are how far the schedules of the jobs that follow one were followed, by namespace and id.
func (rd reader) PeriodicLaunches() iter.Seq[*structs.PeriodicLaunch] {
	return steady(rd, func(r *root) iter.Seq[*structs.PeriodicLaunch] { return r.launches.All() })
}

// PeriodicLaunch is how far a job's schedule was followed, nil when it follows none.
func (rd reader) PeriodicLaunch(namespace, id string) *structs.PeriodicLaunch {
	return get(&rd.r.launches, structs.JobKey{Namespace: namespace, ID: id})
}

// Children are the instances of a periodic or parameterized job, by id.
func (rd reader) Children(namespace, parent string) iter.Seq[*structs.Job] {
	prefix := parent + "/"
	all := rd.JobsWith(namespace, prefix)
	return func(yield func(*structs.Job) bool) {
		for j := range all {
			if j.ParentID == parent && !yield(j) {
				return
			}
		}
	}
}

// PeriodicLaunchesW is PeriodicLaunches and its watch.
func (s *Snapshot) PeriodicLaunchesW() (iter.Seq[*structs.PeriodicLaunch], <-chan struct{}) {
	return s.PeriodicLaunches(), s.table(TablePeriodicLaunches)
}

// PutPeriodicLaunch stores how far a job's schedule was followed.
func (t *WriteTxn) PutPeriodicLaunch(l *structs.PeriodicLaunch) {
	var created uint64
	if old := t.PeriodicLaunch(l.Namespace, l.JobID); old != nil {
		created = old.CreateIndex
	}
	t.stamp(&l.CreateIndex, &l.ModifyIndex, created)
	put(t, TablePeriodicLaunches, &t.work.launches, l)
}

// DeletePeriodicLaunch forgets a job's schedule.
func (t *WriteTxn) DeletePeriodicLaunch(key structs.JobKey) {
	drop(t, TablePeriodicLaunches, &t.work.launches, key)
}
