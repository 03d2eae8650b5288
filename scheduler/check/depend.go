package check

import "berth/structs"

// depends looks at the jobs that what is placed depends on. A job is only looked at whose group has no allocation yet: what has begun
// does not look back.
func (c *planCheck) depends() {
	for _, a := range c.placed {
		if len(a.Job.DependsOn) == 0 || c.begun(a) {
			continue
		}
		for _, d := range c.w.Unmet(a.Job) {
			c.add(allocSubject(a), "is placed before job %s is %s", d.Job, d.Condition)
		}
	}
}

// begun reports that there is an allocation of the group, of whatever version.
func (c *planCheck) begun(a *structs.Allocation) bool {
	for _, b := range c.w.Allocs {
		if b.Namespace == a.Namespace && b.JobID == a.JobID && b.TaskGroup == a.TaskGroup {
			return true
		}
	}
	return false
}

// Unmet are the conditions of a job that do not hold, as far as counting tells.
func (w *World) Unmet(j *structs.Job) []*structs.Dependency {
	var unmet []*structs.Dependency
	for _, d := range j.DependsOn {
		key := d.Key(j)
		if other := w.job(key.Namespace, key.ID); other == nil || !w.came(other, d.Condition) {
			unmet = append(unmet, d)
		}
	}
	return unmet
}

// came reports that each group of a job has as many allocations of its version in the state a condition asks for.
func (w *World) came(j *structs.Job, condition string) bool {
	serves := condition == structs.DependHealthy && j.Type != structs.JobTypeBatch && j.Type != structs.JobTypeSysBatch // what has ended does not
	for _, g := range j.TaskGroups {
		want, names, nodes := g.Desired(), map[uint32]bool{}, map[structs.ID]bool{}
		for _, a := range w.Allocs {
			if a.Namespace != j.Namespace || a.JobID != j.ID || a.TaskGroup != g.Name || a.DesiredStatus != structs.AllocDesiredRun {
				continue
			}
			running := a.ClientStatus == structs.AllocClientRunning
			if healthy := a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil && *a.DeploymentStatus.Healthy; condition == structs.DependHealthy && !a.DeploymentID.IsZero() && !healthy {
				continue
			}
			if done := a.ClientStatus == structs.AllocClientComplete; done && a.JobVersion == j.Version && !serves || running && condition != structs.DependComplete {
				names[a.Index], nodes[a.NodeID] = true, true
			}
		}
		have := len(names)
		if j.Type == structs.JobTypeSystem || j.Type == structs.JobTypeSysBatch {
			have = len(nodes)
		}
		switch {
		case condition == structs.DependStarted:
			want = min(want, 1)
		case condition == structs.DependComplete && g.Completion != nil && g.Completion.Success != nil:
			want = min(want, *g.Completion.Success)
		}
		if have < want {
			return false
		}
	}
	return true
}
