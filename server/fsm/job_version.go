package fsm

import "berth/structs"

func (a *applier) jobStability(c *structs.JobStabilityCommand) (any, error) {
	v := a.txn.JobVersion(c.Namespace, c.JobID, c.Version)
	if v == nil {
		return nil, fault(structs.CmdJobStability, structs.KindNotFound, quoted("job", c.JobID), "has no version %d", c.Version)
	}
	a.changeVersion(v, func(j *structs.Job) { j.Stable = c.Stable })
	return nil, nil
}

// changeVersion changes what servers note on a kept version, and on the current one if it is that.
func (a *applier) changeVersion(v *structs.Job, change func(*structs.Job)) {
	kept := *v
	change(&kept)
	kept.ModifyIndex = a.index
	a.txn.PutJobVersion(&kept)
	if job := a.txn.Job(v.Namespace, v.ID); job != nil && job.Version == v.Version {
		current := *job
		change(&current)
		a.txn.PutJob(&current)
	}
}

func (a *applier) jobVersionTag(c *structs.JobVersionTagCommand) (any, error) {
	const cmd = structs.CmdJobVersionTag
	subject := quoted("job", c.JobID)
	if a.txn.Job(c.Namespace, c.JobID) == nil {
		return nil, fault(cmd, structs.KindNotFound, subject, "does not exist")
	}
	tagged := func(name string) *structs.Job {
		for v := range a.txn.JobVersions(c.Namespace, c.JobID) {
			if v.VersionTag != nil && v.VersionTag.Name == name {
				return v
			}
		}
		return nil
	}
	if c.Tag == nil || c.Tag.Name == "" {
		v := tagged(c.Name)
		if v == nil {
			return nil, fault(cmd, structs.KindNotFound, subject, "tag %q not found", c.Name)
		}
		a.changeVersion(v, func(j *structs.Job) { j.VersionTag = nil })
		return nil, nil
	}
	v := a.txn.JobVersion(c.Namespace, c.JobID, c.Version)
	if v == nil {
		return nil, fault(cmd, structs.KindNotFound, subject, "has no version %d", c.Version)
	}
	if other := tagged(c.Tag.Name); other != nil && other.Version != c.Version {
		return nil, fault(cmd, structs.KindConflict, subject, "tag %q already exists on version %d", c.Tag.Name, other.Version)
	}
	tag := *c.Tag
	if tag.TaggedTime == 0 {
		tag.TaggedTime = a.at
	}
	a.changeVersion(v, func(j *structs.Job) { j.VersionTag = &tag })
	return nil, nil
}
