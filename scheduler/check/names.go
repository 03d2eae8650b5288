package check

import "berth/structs"

// groupKey names a group of a job.
type groupKey struct{ namespace, job, group string }

// live reports an allocation that counts for its group: it should run, and it may still.
func live(a *structs.Allocation, gone bool) bool {
	return !gone && !a.ServerTerminal() && !a.ClientTerminal() && a.ClientStatus != structs.AllocClientUnknown
}

func isCanary(a *structs.Allocation) bool {
	return a.DeploymentStatus != nil && a.DeploymentStatus.Canary
}

func perNode(j *structs.Job) bool {
	return j != nil && (j.Type == structs.JobTypeSystem || j.Type == structs.JobTypeSysBatch)
}

// names looks at the groups a plan places: no name twice, no more allocations than wanted, one per node for system jobs.
func (c *planCheck) names() {
	groups := map[groupKey][]*structs.Allocation{}
	fresh := map[structs.ID]bool{}
	for _, a := range c.placed {
		fresh[a.ID] = true
		groups[keyOf(a)] = nil
	}
	for _, a := range append(append([]*structs.Allocation{}, c.w.Allocs...), c.placed...) {
		key := keyOf(a)
		if _, touched := groups[key]; touched && live(a, c.stopped[a.ID] != nil || c.unknown[a.ID]) {
			groups[key] = append(groups[key], a)
		}
	}
	for key, list := range groups {
		checkGroup(&c.faults, key, list, c.w.job(key.namespace, key.job), fresh)
	}
}

func keyOf(a *structs.Allocation) groupKey { return groupKey{a.Namespace, a.JobID, a.TaskGroup} }

// checkGroup looks at the live allocations of one group; only doubles that involve a fresh one are wrong.
func checkGroup(fs *faults, key groupKey, list []*structs.Allocation, job *structs.Job, fresh map[structs.ID]bool) {
	subject := "group " + key.job + "." + key.group
	spec := job.LookupGroup(key.group)
	if spec == nil || job.Stopped() {
		fs.add(subject, "is placed, but the job does not want it")
		return
	}
	if perNode(job) {
		nodes := map[structs.ID]*structs.Allocation{}
		for _, a := range list {
			if other := nodes[a.NodeID]; other != nil && (fresh[a.ID] || fresh[other.ID]) {
				fs.add(subject, "%s and %s run on one node", other.ID.Short(), a.ID.Short())
			}
			nodes[a.NodeID] = a
		}
		return
	}
	names := map[uint32]*structs.Allocation{}
	count := 0
	for _, a := range list {
		if isCanary(a) {
			continue
		}
		count++
		if other := names[a.Index]; other != nil && (fresh[a.ID] || fresh[other.ID]) {
			fs.add(subject, "%s and %s are both number %d", other.ID.Short(), a.ID.Short(), a.Index)
		}
		names[a.Index] = a
		if fresh[a.ID] && int(a.Index) >= spec.Desired() {
			fs.add(subject, "number %d of a group of %d is placed", a.Index, spec.Desired())
		}
	}
	if count > spec.Desired() {
		fs.add(subject, "%d are live, %d are wanted", count, spec.Desired())
	}
}

// Settled tells what is wrong with a job when its evaluation is done, everything had room, and nothing is left to wait for:
// it has not what it wants.
func Settled(w *World, job *structs.Job) []Fault {
	var fs faults
	for _, g := range job.TaskGroups {
		want := g.Desired()
		if job.Stopped() {
			want = 0
		}
		n, over := 0, 0 // over: completed work of a batch job
		names := map[uint32]bool{}
		for _, a := range w.Allocs {
			if a.Namespace != job.Namespace || a.JobID != job.ID || a.TaskGroup != g.Name || a.ServerTerminal() {
				continue
			}
			if job.Type == structs.JobTypeBatch && a.ClientStatus == structs.AllocClientComplete && a.JobVersion == job.Version {
				over++
				names[a.Index] = true
				continue
			}
			if !live(a, false) {
				continue
			}
			n++
			if names[a.Index] && !perNode(job) {
				fs.add("group "+job.ID+"."+g.Name, "number %d is there twice", a.Index)
			}
			names[a.Index] = true
			if a.JobVersion != job.Version {
				fs.add(allocSubject(a), "is still of version %d", a.JobVersion)
			}
		}
		if c := g.Completion; c != nil && c.Success != nil && over >= min(want, *c.Success) {
			want = 0 // enough of it ended well
		}
		if (n+over < want || n > want) && !perNode(job) {
			fs.add("group "+job.ID+"."+g.Name, "%d are there, %d are wanted", n, want)
		}
	}
	return fs.sorted()
}
