package sim

import (
	"fmt"
	"slices"
	"time"

	"berth/scheduler/check"
	"berth/state"
	"berth/structs"
)

// laws judges jobs that wait for others, count their failures, are set aside, or are kept for a while after their end. What a decision did
// not see yet it may pass over for a moment.
type laws struct {
	now, last int64                    // of this entry, and of the one before
	held      map[waitKey]int64        // when a condition last held
	suspended map[structs.JobKey]int64 // since when the job is set aside
	ends      map[versionKey][]ending  // what the indexes of a version came to, in order
	kept      map[structs.JobKey]*structs.Job
	touched   map[structs.JobKey]int64 // when something of a job that is kept for a while last changed
	purged    map[structs.JobKey]bool  // by its user
	found     []string
}

type waitKey struct {
	job, on   structs.JobKey
	condition string
}

type versionKey struct {
	job     structs.JobKey
	created uint64
	version uint64
}

// ending is how an allocation of an index ended.
type ending struct {
	at     int64
	index  uint32
	well   bool
	action string // of a failure
}

// unseen is how long a decision may be on its way that does not know of a change.
const unseen = int64(time.Second)

func newLaws() *laws {
	return &laws{held: map[waitKey]int64{}, suspended: map[structs.JobKey]int64{}, ends: map[versionKey][]ending{},
		kept: map[structs.JobKey]*structs.Job{}, touched: map[structs.JobKey]int64{}, purged: map[structs.JobKey]bool{}}
}

func keyOf(a *structs.Allocation) structs.JobKey {
	return structs.JobKey{Namespace: a.Namespace, ID: a.JobID}
}

func versionOf(a *structs.Allocation) versionKey {
	return versionKey{keyOf(a), a.Job.CreateIndex, a.JobVersion}
}

// look judges an entry: the allocations that came with it, and those it changed.
func (l *laws) look(snap *state.Snapshot, now int64, placed, changed []*structs.Allocation) []string {
	l.last, l.now, l.found = l.now, now, nil
	for _, a := range placed {
		if a.Job != nil {
			l.placed(snap, a)
		}
	}
	for _, a := range changed {
		l.changed(a)
	}
	l.jobs(snap, changed)
	return l.found
}

func (l *laws) problem(format string, args ...any) {
	l.found = append(l.found, fmt.Sprintf(format, args...))
}

// placed judges a new allocation by what was known before.
func (l *laws) placed(snap *state.Snapshot, a *structs.Allocation) {
	key := keyOf(a)
	job := snap.Job(a.Namespace, a.JobID)
	if since, aside := l.suspended[key]; aside && job != nil && job.Suspended && l.now-since > unseen {
		l.problem("I40: %s of job %s is placed, which is suspended", a.ID.Short(), a.JobID)
	}
	if job != nil && job.Version == a.JobVersion && job.CreateIndex == a.Job.CreateIndex && !begunBefore(snap, a) {
		for _, d := range job.DependsOn {
			if at, ever := l.held[waitKey{key, d.Key(job), d.Condition}]; !ever || l.last-at > unseen {
				l.problem("I38: %s is placed before job %s is %s", a.Name(), d.Job, d.Condition)
			}
		}
	}
	if g := a.Group(); g != nil && g.Completion != nil {
		if why := spent(g, l.ends[versionOf(a)], a.Index, l.now-unseen); why != "" {
			l.problem("I39: %s is placed, though %s", a.Name(), why)
		}
	}
}

// begunBefore reports that something of the allocation's group and version was placed before.
func begunBefore(snap *state.Snapshot, a *structs.Allocation) bool {
	for b := range snap.AllocsByJob(a.Namespace, a.JobID) {
		if b.TaskGroup == a.TaskGroup && b.JobVersion == a.JobVersion && b.CreateIndex < a.CreateIndex && b.Job != nil && b.Job.CreateIndex == a.Job.CreateIndex {
			return true
		}
	}
	return false
}

// spent says why nothing more is to be placed for an index, from the ends known up to a time; empty when something may.
func spent(g *structs.TaskGroup, ends []ending, index uint32, until int64) string {
	c := g.Completion
	well, failures, broken := map[uint32]bool{}, map[uint32]int{}, map[uint32]bool{}
	for _, e := range ends {
		if e.at > until {
			continue
		}
		switch {
		case e.well:
			well[e.index] = true
		case e.action == structs.ExitFailJob:
			return "an end gave the job up"
		case e.action == structs.ExitFailIndex:
			broken[e.index] = true
		case e.action == structs.ExitCount:
			if failures[e.index]++; failures[e.index] > *c.Retries {
				broken[e.index] = true
			}
		}
	}
	failed := 0
	for i := range broken {
		if !well[i] {
			failed++
		}
	}
	switch {
	case len(well) >= g.Wanted():
		return fmt.Sprintf("%d indexes ended well", len(well))
	case c.MaxFailed != nil && failed > *c.MaxFailed:
		return fmt.Sprintf("%d indexes failed for good", failed)
	case well[index]:
		return "its index ended well"
	case broken[index]:
		return fmt.Sprintf("its index failed for good after %d failures that count", failures[index])
	}
	return ""
}

// changed notes how an allocation ended by itself.
func (l *laws) changed(a *structs.Allocation) {
	g := a.Group()
	if g == nil || g.Completion == nil || a.ServerTerminal() {
		return
	}
	key := versionOf(a)
	switch a.ClientStatus {
	case structs.AllocClientComplete:
		l.ends[key] = append(l.ends[key], ending{at: l.now, index: a.Index, well: true})
	case structs.AllocClientFailed:
		l.ends[key] = append(l.ends[key], ending{at: l.now, index: a.Index, action: g.Completion.AfterFailure(a)})
	}
}

// jobs notes how the jobs are after an entry, for the next one.
func (l *laws) jobs(snap *state.Snapshot, changed []*structs.Allocation) {
	for _, a := range changed {
		l.touched[keyOf(a)] = l.now
	}
	for j := range snap.Jobs() {
		key := j.Key()
		if j.Suspended && l.suspended[key] == 0 {
			l.suspended[key] = l.now
		} else if !j.Suspended {
			delete(l.suspended, key)
		}
		if len(j.DependsOn) > 0 {
			unmet := beside(snap, j).Unmet(j)
			for _, d := range j.DependsOn {
				if !slices.Contains(unmet, d) {
					l.held[waitKey{key, d.Key(j), d.Condition}] = l.now
				}
			}
		}
		if j.TTLAfterFinished != nil {
			l.kept[key] = j
		}
	}
	for _, j := range sortedBy(l.kept, func(k structs.JobKey) string { return k.ID }) {
		if snap.Job(j.Namespace, j.ID) != nil {
			continue
		}
		delete(l.kept, j.Key())
		if quiet := l.now - max(l.touched[j.Key()], j.SubmitTime); !l.purged[j.Key()] && quiet < int64(*j.TTLAfterFinished) {
			l.problem("I41: job %s is gone %s after something of it changed, and is to be kept for %s", j.ID, time.Duration(quiet), *j.TTLAfterFinished)
		}
	}
}

// beside are the jobs that a job depends on.
func beside(snap *state.Snapshot, j *structs.Job) *check.World {
	w := &check.World{}
	for _, d := range j.DependsOn {
		key := d.Key(j)
		if other := snap.Job(key.Namespace, key.ID); other != nil {
			w.Jobs = append(w.Jobs, other)
			for a := range snap.AllocsByJob(key.Namespace, key.ID) {
				if a.JobVersion == other.Version { // every edit of a job on which others depend replaces its tasks
					w.Allocs = append(w.Allocs, a)
				}
			}
		}
	}
	return w
}

// rest judges the end, a while after the last fault.
func (l *laws) rest(snap *state.Snapshot, now int64) []string {
	l.found = nil
	needed := map[structs.JobKey]bool{}
	for j := range snap.Jobs() {
		for _, d := range j.DependsOn {
			needed[d.Key(j)] = true
		}
	}
	for j := range snap.Jobs() {
		if j.Stopped() {
			continue
		}
		running := 0
		for a := range snap.AllocsByJob(j.Namespace, j.ID) {
			if !a.Terminal() {
				running++
			}
		}
		var blocked *structs.Evaluation
		waits := false
		for e := range snap.EvalsByJob(j.Namespace, j.ID) {
			if e.Status == structs.EvalStatusBlocked {
				blocked = e
			}
			waits = waits || !e.Terminal()
		}
		switch {
		case j.Suspended && running > 0:
			l.problem("I40: job %s is suspended and %d of it run", j.ID, running)
		case j.Suspended:
			continue
		case blocked != nil && len(blocked.WaitsForJobs) > 0 && len(beside(snap, j).Unmet(j)) == 0:
			l.problem("I38: job %s waits for %v, which is so", j.ID, *blocked.WaitsForJobs[0])
		}
		if j.Type == structs.JobTypeBatch && !waits && running == 0 && !refuses(beside(snap, j), j) {
			l.ended(j)
		}
		if t := j.TTLAfterFinished; t != nil && j.Status == structs.JobStatusDead && !needed[j.Key()] && now-l.touched[j.Key()] > int64(*t)+int64(4*time.Minute) {
			l.problem("I41: job %s is there %s after its end, and is to be kept for %s", j.ID, time.Duration(now-l.touched[j.Key()]), *t)
		}
	}
	return l.found
}

// refuses reports a job that does not wait out the failure of a job on which it depends.
func refuses(w *check.World, j *structs.Job) bool {
	return slices.ContainsFunc(w.Unmet(j), func(d *structs.Dependency) bool { return d.OnFailure == structs.DependFail })
}

// mayRefuse reports a job that gives up when one of those in front of it has failed.
func mayRefuse(j *structs.Job) bool {
	return slices.ContainsFunc(j.DependsOn, func(d *structs.Dependency) bool { return d.OnFailure == structs.DependFail })
}

// ended judges a job of which nothing runs or waits: each index ended well, or may not be tried again.
func (l *laws) ended(j *structs.Job) {
	g := j.TaskGroups[0]
	if g.Completion == nil {
		return
	}
	ends := l.ends[versionKey{j.Key(), j.CreateIndex, j.Version}]
	if len(ends) == 0 && mayRefuse(j) {
		return // one in front had failed when it was looked at: that this one was mended since does not bring the job back
	}
	for i := range g.Desired() {
		if spent(g, ends, uint32(i), l.now) == "" {
			l.problem("I39: index %d of job %s neither ended well nor failed for good, and nothing of it runs or waits", i, j.ID)
		}
	}
}
