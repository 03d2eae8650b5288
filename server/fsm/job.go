package fsm

import (
	"slices"

	"berth/state"
	"berth/structs"
)

// fewTouched is up to how many jobs a command touches are looked for one by one.
const fewTouched = 4

// touch notes that a job's status may have changed.
func (a *applier) touch(namespace, id string) {
	key := structs.JobKey{Namespace: namespace, ID: id}
	switch {
	case a.seen != nil:
		if a.seen[key] {
			return
		}
		a.seen[key] = true
	case slices.Contains(a.touched, key):
		return
	case len(a.touched) == fewTouched:
		a.seen = map[structs.JobKey]bool{key: true}
		for _, k := range a.touched {
			a.seen[k] = true
		}
	}
	a.touched = append(a.touched, key)
}

// settle derives the status of the touched jobs.
func (a *applier) settle() {
	for _, key := range a.touched {
		job := a.current(key)
		if job == nil {
			continue
		}
		if status := jobStatus(job, a.txn.JobCounts(key.Namespace, key.ID)); status != job.Status {
			changed := *job
			changed.Status = status
			a.txn.PutJob(&changed)
		}
	}
}

// current is the current version of a job, nil when there is none.
func (a *applier) current(key structs.JobKey) *structs.Job { return a.txn.Job(key.Namespace, key.ID) }

// jobStatus follows from what there is of the job.
func jobStatus(job *structs.Job, n state.JobCounts) string {
	switch {
	case job.Suspended && !job.Stop && n.Live == 0:
		return structs.JobStatusPending // it waits to be resumed
	case job.IsPeriodic() || job.IsParameterized():
		if job.Stop {
			return structs.JobStatusDead
		}
		return structs.JobStatusRunning
	case n.Live > 0:
		return structs.JobStatusRunning
	case n.OpenEvals > 0:
		return structs.JobStatusPending
	case job.Type == structs.JobTypeSystem && !job.Stop:
		// It waits for nodes: only stopping ends it.
		if n.Allocs+n.Evals > 0 || job.Status == structs.JobStatusRunning {
			return structs.JobStatusRunning
		}
		return structs.JobStatusPending
	case n.Allocs+n.Evals > 0 || job.Stop || job.Status != structs.JobStatusPending:
		return structs.JobStatusDead // nothing is left to be done, or even to be seen
	}
	return structs.JobStatusPending
}

func (a *applier) jobRegister(c *structs.JobRegisterCommand) (any, error) {
	const cmd = structs.CmdJobRegister
	job := c.Job
	if job == nil || job.ID == "" {
		return nil, fault(cmd, structs.KindInvalid, "", "the command has no job")
	}
	ns := a.txn.Namespace(job.Namespace)
	if ns == nil {
		return nil, fault(cmd, structs.KindInvalid, quoted("job", job.ID), "namespace %q does not exist", job.Namespace)
	}
	if job.NodePool == "" {
		job.NodePool = structs.DefaultNodePool
	}
	pool := a.txn.NodePool(job.NodePool)
	if pool == nil {
		return nil, fault(cmd, structs.KindInvalid, quoted("job", job.ID), "node pool %q does not exist", job.NodePool)
	}
	// Why: one text for what many objects say alike is in memory once, and compares without being read.
	job.Namespace, job.NodePool, job.Type, job.Region = ns.Name, pool.Name, a.texts.keep(job.Type), a.texts.keep(job.Region)
	if e := c.Eval; e != nil && e.Namespace == job.Namespace && e.JobID == job.ID {
		e.Namespace, e.JobID = job.Namespace, job.ID
	}
	old := a.txn.Job(job.Namespace, job.ID)
	if c.EnforceIndex {
		switch {
		case old == nil && c.Index != 0:
			return nil, fault(cmd, structs.KindConflict, "", "Enforcing job modify index %d: job does not exist", c.Index)
		case old != nil && c.Index == 0:
			return nil, fault(cmd, structs.KindConflict, "", "Enforcing job modify index 0: job already exists")
		case old != nil && old.JobModifyIndex != c.Index:
			return nil, fault(cmd, structs.KindConflict, "",
				"Enforcing job modify index %d: job exists with conflicting job modify index: %d", c.Index, old.JobModifyIndex)
		}
	}
	if err := structs.CheckDependencies(job, a.current); err != nil {
		return nil, fault(cmd, structs.KindInvalid, quoted("job", job.ID), "%w", err)
	}
	if old != nil && !old.Stop {
		preserve(job, old, c.PreserveCounts, c.PreserveResources)
	}
	stored := a.storeAfter(job, old)
	if c.Submission != nil && a.txn.Submission(stored.Namespace, stored.ID, stored.Version) == nil {
		sub := c.Submission
		sub.Namespace, sub.JobID, sub.Version, sub.JobModifyIndex = stored.Namespace, stored.ID, stored.Version, stored.JobModifyIndex
		a.txn.PutSubmission(sub)
	}
	if c.Eval != nil {
		c.Eval.JobModifyIndex = stored.JobModifyIndex
		if err := a.putEval(c.Eval); err != nil {
			return nil, err
		}
	}
	return stored, nil
}

// preserve takes over what the running version has and the user did not mean to change.
func preserve(job, old *structs.Job, counts, resources bool) {
	for _, g := range job.TaskGroups {
		was := old.LookupGroup(g.Name)
		if was == nil {
			continue
		}
		if counts {
			g.Count = was.Count
		}
		if !resources {
			continue
		}
		for _, t := range g.Tasks {
			if before := was.LookupTask(t.Name); before != nil && before.Resources != nil {
				t.Resources = before.Resources
			}
		}
	}
}

// storeVersion makes a specification the job's current one. One that says the same is not a new version.
func (a *applier) storeVersion(job *structs.Job) *structs.Job {
	return a.storeAfter(job, a.txn.Job(job.Namespace, job.ID))
}

// storeAfter is storeVersion with the current one in hand, nil when there is none.
func (a *applier) storeAfter(job, old *structs.Job) *structs.Job {
	a.touch(job.Namespace, job.ID)
	job.Suspended = old != nil && old.Suspended && !old.Stop && !job.Stop // whoever suspended it resumes it
	a.schedule(job, old)
	if old != nil && sameSpecification(old, job) {
		return old
	}
	job.Version = a.nextVersion(job, old)
	job.Stable, job.VersionTag = false, nil
	job.Status, job.StatusDescription = structs.JobStatusPending, ""
	job.JobModifyIndex = a.index
	if old != nil && old.Status == structs.JobStatusRunning {
		job.Status = old.Status
	}
	a.txn.PutJob(job)
	a.txn.PutJobVersion(job)
	a.pruneVersions(job)
	return job
}

// nextVersion goes on after every version that is kept, those of a job purged while its allocations still ended included.
func (a *applier) nextVersion(job, old *structs.Job) uint64 {
	if old != nil {
		return old.Version + 1
	}
	if kept := a.txn.NewestJobVersion(job.Namespace, job.ID); kept != nil {
		return kept.Version + 1
	}
	return 0
}

// sameSpecification compares what users write, not what servers note.
func sameSpecification(a, b *structs.Job) bool {
	return state.Digest(specificationOf(a)) == state.Digest(specificationOf(b))
}

func specificationOf(j *structs.Job) *structs.Job {
	s := *j
	s.Status, s.StatusDescription, s.Stable, s.Version, s.VersionTag, s.SubmitTime = "", "", false, 0, nil, 0
	s.CreateIndex, s.ModifyIndex, s.JobModifyIndex = 0, 0, 0
	s.Suspended = false
	s.ConsulToken, s.VaultToken, s.NomadTokenID = "", "", ""
	return &s
}

// pruneVersions forgets the oldest versions beyond those tracked: none that is current, tagged, or that an allocation is of.
func (a *applier) pruneVersions(job *structs.Job) {
	if job.Version < structs.TrackedVersions {
		return // there cannot be so many
	}
	var surplus []uint64
	untagged := 0
	for v := range a.txn.JobVersions(job.Namespace, job.ID) {
		if v.VersionTag != nil {
			continue
		}
		if untagged++; untagged > structs.TrackedVersions {
			surplus = append(surplus, v.Version)
		}
	}
	if len(surplus) == 0 {
		return
	}
	used := a.versionsInUse(job.Key())
	for _, v := range surplus {
		if !used[v] {
			a.txn.DeleteJobVersion(job.Key(), v)
		}
	}
}

func (a *applier) versionsInUse(key structs.JobKey) map[uint64]bool {
	used := map[uint64]bool{}
	for al := range a.txn.AllocsByJob(key.Namespace, key.ID) {
		used[al.JobVersion] = true
	}
	return used
}

func (a *applier) jobDeregister(c *structs.JobDeregisterCommand) (any, error) {
	const cmd = structs.CmdJobDeregister
	old := a.txn.Job(c.Namespace, c.JobID)
	if old == nil {
		return nil, fault(cmd, structs.KindNotFound, quoted("job", c.JobID), "does not exist")
	}
	if c.NoShutdownDelay {
		a.skipShutdownDelay(old.Key())
	}
	modified := a.index
	if c.Purge {
		a.purge(old.Key())
	} else {
		stopped := *old
		stopped.Stop = true
		if old.IsPeriodic() || old.IsParameterized() {
			stopped.SubmitTime = a.at // no evaluation tells when it ended
		}
		modified = a.storeVersion(&stopped).JobModifyIndex
	}
	if c.Eval != nil {
		c.Eval.JobModifyIndex = modified
		return nil, a.putEval(c.Eval)
	}
	return nil, nil
}

// skipShutdownDelay has the job's allocations stopped at once.
func (a *applier) skipShutdownDelay(key structs.JobKey) {
	for al := range a.txn.AllocsByJob(key.Namespace, key.ID) {
		if al.Terminal() {
			continue
		}
		changed := *al
		changed.DesiredTransition.NoShutdownDelay = new(true)
		a.putAlloc(&changed, true)
	}
}

// purge forgets a job. Versions that allocations are of stay until those are gone.
func (a *applier) purge(key structs.JobKey) {
	a.touch(key.Namespace, key.ID)
	a.txn.DeleteJob(key)
	a.txn.DeletePeriodicLaunch(key)
	used := a.versionsInUse(key)
	var unused []uint64
	for v := range a.txn.JobVersions(key.Namespace, key.ID) {
		if !used[v.Version] {
			unused = append(unused, v.Version)
		}
	}
	for _, v := range unused {
		a.txn.DeleteJobVersion(key, v)
	}
}
