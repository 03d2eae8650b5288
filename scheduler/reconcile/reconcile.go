package reconcile

import (
	"slices"

	"berth/structs"
)

// Reconcile decides for a service or batch job.
func Reconcile(in Input) *Result {
	r := newReconciler(in)
	r.reviewDeployment()
	groups := byGroup(in.Allocs)
	r.judgeCompletion(groups)
	var waiting []delayed
	if r.job != nil {
		for _, g := range r.job.TaskGroups {
			waiting = append(waiting, r.group(g, groups[g.Name])...)
			delete(groups, g.Name)
		}
	}
	for _, name := range sortedKeys(groups) {
		r.removedGroup(name, groups[name])
	}
	r.followUps(waiting)
	return r.res
}

type reconciler struct {
	in      Input
	job     *structs.Job
	stopped bool
	// suspended: nothing runs until somebody resumes the job; what ended stays as it is.
	suspended bool
	batch     bool
	// deployment is the current one of this very version, nil for none; created is set when it is new.
	deployment      *structs.Deployment
	created         *structs.Deployment
	paused, refused bool // the deployment is paused, has failed

	stays    func(*structs.Allocation, *structs.TaskGroup) bool // of system jobs, see SystemInput
	enough   map[string]bool                                    // groups that are done, see judgeCompletion
	replaced map[structs.ID]bool                                // allocations another one names as previous
	changes  map[changeKey]structs.Change
	updates  map[structs.ID]*structs.PlanUpdate
	res      *Result
}

type changeKey struct {
	old   *structs.Job
	group string
}

func newReconciler(in Input) *reconciler {
	r := &reconciler{
		in: in, job: in.Job, stopped: in.Job.Stopped(),
		suspended: in.Job != nil && in.Job.Suspended && !in.Job.Stop,
		batch:     in.Eval.Type == structs.JobTypeBatch || in.Eval.Type == structs.JobTypeSysBatch,
		changes:   map[changeKey]structs.Change{}, updates: map[structs.ID]*structs.PlanUpdate{},
		res: &Result{Desired: map[string]*structs.DesiredUpdates{}},
	}
	for _, a := range in.Allocs {
		if !a.PreviousAllocation.IsZero() {
			if r.replaced == nil {
				r.replaced = map[structs.ID]bool{}
			}
			r.replaced[a.PreviousAllocation] = true
		}
	}
	return r
}

func byGroup(allocs []*structs.Allocation) map[string][]*structs.Allocation {
	groups := map[string][]*structs.Allocation{}
	for _, a := range allocs {
		groups[a.TaskGroup] = append(groups[a.TaskGroup], a)
	}
	for _, list := range groups {
		slices.SortFunc(list, byIndex)
	}
	return groups
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (r *reconciler) desired(group string) *structs.DesiredUpdates {
	d := r.res.Desired[group]
	if d == nil {
		d = &structs.DesiredUpdates{}
		r.res.Desired[group] = d
	}
	return d
}

// removedGroup stops what is left of a group the job no longer has.
func (r *reconciler) removedGroup(name string, allocs []*structs.Allocation) {
	r.stopAll(name, r.classify(allocs, nil))
}

func (r *reconciler) stopAll(group string, s *sets) {
	d := r.desired(group)
	for _, list := range [][]*structs.Allocation{s.keep, s.migrate, s.failed, s.disconnect, s.unknown, s.reconnect} {
		for _, a := range list {
			if !a.ClientTerminal() || a.ClientStatus == structs.AllocClientFailed {
				d.Stop++
				r.stop(a, structs.AllocNotNeeded, "")
			} else {
				d.Ignore++
			}
		}
	}
	d.Stop += uint64(len(s.lost))
	for _, a := range s.lost {
		r.stop(a, structs.AllocLost, structs.AllocClientLost)
	}
	d.Ignore += uint64(s.ignored)
}

// stop ends an allocation. A client status is given only where the node cannot report it.
func (r *reconciler) stop(a *structs.Allocation, description, clientStatus string) {
	if clientStatus == "" && a.HoldsResources() && r.silent(a) {
		clientStatus = structs.AllocClientLost // nobody will tell of its end
	}
	if u := r.updates[a.ID]; u != nil && clientStatus == structs.AllocClientLost {
		u.ClientStatus, u.Description = "", "" // what is lost is not unknown as well
	}
	if a.ClientStatus == clientStatus {
		clientStatus = ""
	}
	r.res.Stop = append(r.res.Stop, &structs.PlanStop{
		AllocID: a.ID, DesiredStatus: structs.AllocDesiredStop, Description: description, ClientStatus: clientStatus,
	})
}

// group decides for one group of the job and returns what must wait.
func (r *reconciler) group(g *structs.TaskGroup, allocs []*structs.Allocation) []delayed {
	if r.stopped || g.Desired() == 0 {
		s := r.classify(allocs, g)
		r.stopAll(g.Name, s)
		return nil
	}
	switch {
	case r.suspended:
		r.over(g, allocs, structs.AllocSuspended)
		return nil
	case r.enough[g.Name]:
		r.over(g, allocs, structs.AllocEnough)
		return nil
	case r.res.GivenUp != "":
		r.over(g, allocs, structs.AllocGivenUp)
		return nil
	}
	s := r.classify(allocs, g)
	p := &groupPass{reconciler: r, group: g, sets: s, d: r.desired(g.Name)}
	p.d.Ignore += uint64(s.ignored)
	p.settleDisconnected()
	p.splitCanaries()
	p.stopExcess()
	p.findUpdates()
	p.joinDeployment(len(allocs) > 0 && r.hasVersion(allocs))
	p.placeCanaries()
	p.replaceGone()
	p.placeMissing()
	p.replaceOld()
	return s.later
}

// hasVersion reports that the current version ran before, in whatever state.
func (r *reconciler) hasVersion(allocs []*structs.Allocation) bool {
	return slices.ContainsFunc(allocs, func(a *structs.Allocation) bool { return !r.older(a) })
}

// change says what the job's version means for an allocation; asked once per version.
func (r *reconciler) change(a *structs.Allocation) structs.Change {
	if a.Job == nil || a.Job.CreateIndex != r.job.CreateIndex && a.Job.CreateIndex != 0 {
		return structs.ChangeDestructive
	}
	key := changeKey{a.Job, a.TaskGroup}
	c, ok := r.changes[key]
	if !ok {
		c = structs.GroupChange(a.Job, r.job, a.TaskGroup)
		r.changes[key] = c
	}
	return c
}
