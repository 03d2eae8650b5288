package reconcile

import (
	"slices"

	"berth/structs"
)

// reviewDeployment finds the deployment of this version and ends one that was for another.
func (r *reconciler) reviewDeployment() {
	d := r.in.Deployment
	if d == nil {
		return
	}
	switch {
	case r.stopped:
		r.endDeployment(d, structs.DeploymentDescStoppedJob)
	case r.suspended:
		r.endDeployment(d, structs.DeploymentDescSuspendedJob)
	case d.JobCreateIndex != r.job.CreateIndex || d.JobVersion != r.job.Version:
		r.endDeployment(d, structs.DeploymentDescNewerJob)
	case d.Status == structs.DeploymentSuccessful || d.Status == structs.DeploymentCancelled:
	case d.Status == structs.DeploymentFailed && d.GaveUp() && !r.in.GaveUp: // what was in front of it is mended: it begins anew
	default:
		r.deployment = d
		r.paused = d.Status == structs.DeploymentPaused || d.Status == structs.DeploymentPending
		r.refused = d.Status == structs.DeploymentFailed
	}
}

func (r *reconciler) endDeployment(d *structs.Deployment, why string) {
	if d.Active() {
		r.res.DeploymentUpdates = append(r.res.DeploymentUpdates, &structs.DeploymentStatusUpdate{
			DeploymentID: d.ID, Status: structs.DeploymentCancelled, StatusDescription: why,
		})
	}
}

// canaryCount is how many canaries the group wants before the rest is touched.
func (p *groupPass) canaryCount() int {
	if u := p.group.Update; u.Rolling() && len(p.old) > 0 {
		return deref(u.Canary)
	}
	return 0
}

// joinDeployment makes the group part of the version's deployment, creating it when something is rolled out. ran is set
// when this version ran before: then only a change makes a deployment.
func (p *groupPass) joinDeployment(ran bool) {
	u := p.group.Update
	if p.batch || !u.Rolling() || p.state != nil {
		p.placeInDeployment()
		return
	}
	if p.deployment != nil && p.created == nil {
		return // an older decision left the group out
	}
	if ran && len(p.old) == 0 && len(p.inPlace) == 0 {
		return
	}
	if ended := p.in.Deployment; p.created == nil && ended != nil && ended.JobCreateIndex == p.job.CreateIndex && ended.JobVersion == p.job.Version && !(ended.GaveUp() && !p.in.GaveUp) {
		return // this version was rolled out already
	}
	if p.created == nil {
		p.created = p.newDeployment()
		p.deployment, p.res.Deployment = p.created, p.created
	}
	p.state = &structs.DeploymentState{
		AutoRevert: deref(u.AutoRevert), AutoPromote: deref(u.AutoPromote), ProgressDeadline: deref(u.ProgressDeadline),
		DesiredCanaries: p.canaryCount(), DesiredTotal: p.count(),
	}
	if p.state.ProgressDeadline > 0 {
		p.state.RequireProgressBy = p.in.Now.Add(p.state.ProgressDeadline)
	}
	p.created.TaskGroups[p.group.Name] = p.state
	p.describe()
	p.placeInDeployment()
}

// placeInDeployment makes in-place updates count for the deployment.
func (p *groupPass) placeInDeployment() {
	id := p.deploymentID()
	for _, a := range p.inPlace {
		p.update(a).DeploymentID = id
	}
}

func (r *reconciler) newDeployment() *structs.Deployment {
	now := r.in.Now.UnixNano()
	return &structs.Deployment{
		ID: r.in.IDs.NewID(), Namespace: r.job.Namespace, JobID: r.job.ID, JobVersion: r.job.Version,
		JobModifyIndex: r.job.ModifyIndex, JobSpecModifyIndex: r.job.JobModifyIndex, JobCreateIndex: r.job.CreateIndex,
		TaskGroups: map[string]*structs.DeploymentState{}, Status: structs.DeploymentRunning,
		StatusDescription: structs.DeploymentDescRunning, EvalPriority: r.in.Eval.Priority, CreateTime: now, ModifyTime: now,
	}
}

// describe says what the new deployment waits for.
func (r *reconciler) describe() {
	canaries, auto := false, true
	for _, s := range r.created.TaskGroups {
		if s.DesiredCanaries > 0 {
			canaries, auto = true, auto && s.AutoPromote
		}
	}
	switch {
	case canaries && auto:
		r.created.StatusDescription = structs.DeploymentDescAutoPromotion
	case canaries:
		r.created.StatusDescription = structs.DeploymentDescNeedsPromotion
	}
}

// deploymentID is the deployment new allocations of this group belong to, zero for none.
func (p *groupPass) deploymentID() structs.ID {
	if p.state == nil || !p.deployment.Active() {
		return structs.ID{}
	}
	return p.deployment.ID
}

// canarying reports that canaries wait to be promoted: nothing else of the new version is placed.
func (p *groupPass) canarying() bool {
	return p.state != nil && p.state.DesiredCanaries > 0 && !p.state.Promoted
}

// open reports that the new version may be placed.
func (p *groupPass) open() bool { return !p.paused && !p.barred() && !p.canarying() }

// barred reports that the rollout has failed and nothing more of it is asked for. Of a group that gave up before it began, placements are
// asked for all the same: they are not made, and the evaluation says why.
func (p *groupPass) barred() bool { return p.refused && !(p.in.GaveUp && p.in.Awaits[p.group.Name]) }

// held reports that nothing of the new version is placed yet, for jobs it depends on or for gates, although its rollout may be open, and that
// the old one serves on meanwhile. Batch work does not serve: its new version does it anew.
func (p *groupPass) held() bool {
	return !p.batch && (p.in.Awaits[p.group.Name] || len(p.group.Gates) > 0)
}

// ownVersion reports that what takes an allocation's place is of its own version: the new one may not be placed.
func (p *groupPass) ownVersion(a *structs.Allocation) bool {
	return (!p.open() || p.held()) && p.older(a) && a.Job != nil && a.Group() != nil
}

func (p *groupPass) placeCanaries() {
	if !p.canarying() || p.paused || p.barred() {
		return
	}
	var taken names
	for _, a := range p.canaries {
		taken.take(a.Index)
	}
	// A canary takes the name of one it will replace; beyond these, names above.
	free := make([]uint32, 0, len(p.old))
	for _, a := range p.old {
		if !taken.has(a.Index) {
			free = append(free, a.Index)
		}
	}
	slices.Sort(free)
	for range p.state.DesiredCanaries - len(p.canaries) {
		var index uint32
		if len(free) > 0 {
			index, free = free[0], free[1:]
			taken.take(index)
		} else {
			for index = taken.lowest(); p.used.has(index); index = taken.lowest() {
				taken.take(index)
			}
			taken.take(index)
		}
		pl := &Place{Job: p.job, Group: p.group, Index: index, Canary: true, DeploymentID: p.deploymentID()}
		if len(p.fallen) > 0 {
			pl.Previous, p.fallen = p.fallen[0], p.fallen[1:]
			if pl.Previous.ClientStatus == structs.AllocClientFailed {
				pl.Tracker, pl.Avoid = p.track(pl.Previous, p.group)
			}
		}
		p.d.Canary++
		p.res.Place = append(p.res.Place, pl)
	}
}

// replaceGone replaces what failed, was lost or must leave its node, while the count asks for it.
func (p *groupPass) replaceGone() {
	for _, a := range p.migrate {
		p.stop(a, structs.AllocMigrating, "")
		p.d.Migrate++
		p.replace(a, nil, nil)
	}
	for _, a := range p.failed {
		if !p.mayReplace(a) {
			p.d.Ignore++
			continue
		}
		p.stop(a, structs.AllocRescheduled, "")
		if p.missing == 0 {
			p.d.Stop++
			continue
		}
		p.missing--
		p.d.RescheduleNow++
		tracker, avoid := p.track(a, p.group)
		p.replace(a, tracker, avoid)
	}
	for _, a := range p.lost {
		p.stop(a, structs.AllocLost, structs.AllocClientLost)
		p.d.Stop++
		if p.missing == 0 {
			continue
		}
		p.missing--
		p.d.Place++
		p.replace(a, nil, nil)
	}
	for _, a := range p.unknown {
		if p.missing == 0 || !replaces(p.group) || p.replaced[a.ID] {
			continue
		}
		p.missing--
		p.d.Place++
		p.replace(a, nil, nil)
	}
	p.replaceOwed()
	p.d.RescheduleLater += uint64(len(p.later))
}

// replaceOwed replaces what had to leave before, by its own version while the new one may not be placed: the names that nobody bears, of
// those that the newest of the older versions has, and no more than that asks for.
func (p *groupPass) replaceOwed() {
	if p.open() && !p.held() {
		return // what is missing is of the new version
	}
	newest := p.newestOlder()
	for _, a := range slices.Backward(p.owed) {
		index, most := int(a.Index), p.count()
		if newest.JobVersion > a.JobVersion {
			most = min(most, newest.Group().Desired())
		}
		if p.missing == 0 || p.used.has(a.Index) || index >= most || p.count()-p.missing >= most {
			continue
		}
		p.missing--
		p.d.Place++
		p.replace(a, nil, nil)
	}
}

// newestOlder is an allocation of the newest of the older versions, of those that run and those that had to leave; nil without any.
func (p *groupPass) newestOlder() *structs.Allocation {
	var newest *structs.Allocation
	for _, all := range [...][]*structs.Allocation{p.old, p.owed} {
		for _, a := range all {
			if a.Group() != nil && (newest == nil || a.JobVersion > newest.JobVersion) {
				newest = a
			}
		}
	}
	return newest
}

// mayReplace forbids to replace what a failed deployment brought and what failed by itself: a lost node is not its fault.
func (p *groupPass) mayReplace(a *structs.Allocation) bool {
	return !p.refused || a.DeploymentID != p.deployment.ID
}

// replace places one allocation for another, under its name if that is free. While the new version may not be placed, an
// old allocation is replaced by one of its own version.
func (p *groupPass) replace(a *structs.Allocation, tracker *structs.RescheduleTracker, avoid []structs.ID) {
	pl := &Place{Job: p.job, Group: p.group, Previous: a, Tracker: tracker, Avoid: avoid, DeploymentID: p.deploymentID()}
	if p.ownVersion(a) {
		pl.Job, pl.Group, pl.DeploymentID = a.Job, a.Group(), structs.ID{}
	}
	pl.Index = a.Index
	if p.used.has(a.Index) || int(a.Index) >= p.count() {
		pl.Index = p.used.lowest()
	}
	p.used.take(pl.Index)
	if pl.Tracker == nil {
		pl.Tracker = p.carry(pl.Index)
	}
	p.res.Place = append(p.res.Place, pl)
}

// placeMissing fills the group up to its count, lowest free names first.
func (p *groupPass) placeMissing() {
	if !p.open() {
		return
	}
	for range p.missing {
		index := p.used.lowest()
		p.used.take(index)
		p.d.Place++
		p.res.Place = append(p.res.Place, &Place{
			Job: p.job, Group: p.group, Index: index, DeploymentID: p.deploymentID(), Tracker: p.carry(index),
		})
	}
}

// window is how many old allocations may be replaced now.
func (p *groupPass) window() int {
	if !p.open() {
		return 0
	}
	if p.batch || !p.group.Update.Rolling() {
		return len(p.old)
	}
	limit := deref(p.group.Update.MaxParallel) - p.missing
	if id := p.deploymentID(); !id.IsZero() {
		for _, a := range p.keep {
			if a.DeploymentID != id {
				continue
			}
			switch h := health(a); {
			case h == nil:
				limit--
			case !*h:
				return 0
			}
		}
	}
	return max(limit, 0)
}

func health(a *structs.Allocation) *bool {
	if a.DeploymentStatus == nil {
		return nil
	}
	return a.DeploymentStatus.Healthy
}

// replaceOld replaces allocations of older versions, as many as the window allows: those that do not run first.
func (p *groupPass) replaceOld() {
	window := p.window()
	slices.SortStableFunc(p.old, func(a, b *structs.Allocation) int {
		return boolFirst(a.ClientStatus != structs.AllocClientRunning, b.ClientStatus != structs.AllocClientRunning)
	})
	holders := map[uint32]int{} // a promoted canary bears the name of what it replaced, which may have been replaced meanwhile
	for _, a := range p.keep {
		holders[a.Index]++
	}
	for i, a := range p.old {
		if i >= window {
			p.d.Ignore++
			continue
		}
		p.stop(a, structs.AllocUpdating, "")
		p.d.DestructiveUpdate++
		index := a.Index
		if int(index) >= p.count() || holders[index] > 1 {
			index = p.used.lowest() // the name of a larger count, or another's
			p.used.take(index)
		}
		holders[a.Index]--
		p.res.Place = append(p.res.Place, &Place{
			Job: p.job, Group: p.group, Index: index, Previous: a, DeploymentID: p.deploymentID(),
		})
	}
}
