package reconcile

import (
	"slices"

	"berth/structs"
)

// SystemInput is the input of a job that runs once on every node that may run it.
type SystemInput struct {
	Input
	// Targets are the ready nodes that satisfy the group's constraints, in any order.
	Targets func(*structs.TaskGroup) []structs.ID
	// Stays reports that an allocation that runs may stay although its node is no target, for taints only keep new ones away.
	Stays func(*structs.Allocation, *structs.TaskGroup) bool
}

// System decides for a system or sysbatch job.
func System(in SystemInput) *Result {
	r := newReconciler(in.Input)
	r.stays = in.Stays
	r.reviewDeployment()
	groups := byGroup(in.Allocs)
	var waiting []delayed
	if r.suspended {
		for _, g := range r.job.TaskGroups {
			r.over(g, groups[g.Name], structs.AllocSuspended)
			delete(groups, g.Name)
		}
	} else if r.job != nil && !r.stopped {
		for _, g := range r.job.TaskGroups {
			if g.Desired() > 0 {
				waiting = append(waiting, r.systemGroup(g, groups[g.Name], in.Targets(g))...)
				delete(groups, g.Name)
			}
		}
	}
	for _, name := range sortedKeys(groups) {
		r.removedGroup(name, groups[name])
	}
	r.followUps(waiting)
	return r.res
}

// systemGroup decides for one group: nodes are taken one by one, in the order of their ids. It returns what must wait.
func (r *reconciler) systemGroup(g *structs.TaskGroup, allocs []*structs.Allocation, targets []structs.ID) []delayed {
	p := &groupPass{reconciler: r, group: g, sets: &sets{}, d: r.desired(g.Name)}
	if r.deployment != nil {
		p.state = r.deployment.TaskGroups[g.Name]
	}
	slices.SortFunc(targets, structs.ID.Compare)
	wanted := make(map[structs.ID]bool, len(targets))
	for _, id := range targets {
		wanted[id] = true
	}
	served := map[structs.ID]bool{}
	previous := map[structs.ID]*structs.Allocation{}
	for _, a := range allocs {
		p.systemAlloc(a, wanted, served, previous)
	}
	p.findUpdates()
	p.missing = 0 // a node without room holds no rollout up
	p.joinSystemDeployment(r.hasVersion(allocs), len(targets))
	for _, id := range targets {
		pl := &Place{Job: p.job, Group: g, Node: id, Previous: previous[id], DeploymentID: p.deploymentID()}
		switch a := previous[id]; {
		case served[id]:
			continue
		case a != nil && (p.barred() || p.held()) && p.older(a) && a.Job != nil && a.Group() != nil:
			pl.Job, pl.Group, pl.DeploymentID = a.Job, a.Group(), structs.ID{}
		case p.barred():
			continue
		}
		p.d.Place++
		p.res.Place = append(p.res.Place, pl)
	}
	p.replaceOnNodes()
	return p.later
}

// systemAlloc decides whether an allocation serves its node.
func (p *groupPass) systemAlloc(a *structs.Allocation, wanted, served map[structs.ID]bool, previous map[structs.ID]*structs.Allocation) {
	n := p.in.Node(a.NodeID)
	keep := func() {
		served[a.NodeID] = true
		p.keep = append(p.keep, a)
	}
	switch {
	case a.ServerTerminal():
		p.d.Ignore++
		p.awaitEnd(a)
		if (p.barred() || p.held()) && p.isOwed(a) {
			previous[a.NodeID] = a
		}
	case a.ClientTerminal() && (!p.batch || p.older(a) || p.triedAgain(a)):
		// It ended: its node is to be served anew, unless by what replaced it.
		p.d.Ignore++
		if a.ClientStatus == structs.AllocClientFailed && !p.replaced[a.ID] {
			previous[a.NodeID] = a
		}
	case a.ClientTerminal():
		served[a.NodeID] = true
		p.d.Ignore++
	case n == nil:
		p.stop(a, structs.AllocLost, structs.AllocClientLost)
		p.d.Stop++
	case n.Status == structs.NodeStatusDown || n.Status == structs.NodeStatusDisconnected:
		p.systemUnreachable(a, n, served)
	case deref(a.DesiredTransition.Migrate):
		p.stop(a, structs.AllocNodeTainted, "")
		p.d.Stop++
		if wanted[a.NodeID] && !deref(a.DesiredTransition.MigrateDisablePlacement) {
			previous[a.NodeID] = a
		} else {
			served[a.NodeID] = true
		}
	case served[a.NodeID]:
		p.stop(a, structs.AllocNotNeeded, "")
		p.d.Stop++
	case !n.Ready() || wanted[a.NodeID] || p.stays(a, p.group):
		keep()
	default:
		p.stop(a, structs.AllocNotNeeded, "")
		p.d.Stop++
	}
}

// triedAgain reports an allocation of a sysbatch job that failed, and that somebody wants, or wanted, replaced: by itself none is.
func (p *groupPass) triedAgain(a *structs.Allocation) bool {
	return a.ClientStatus == structs.AllocClientFailed && deref(a.DesiredTransition.ForceReschedule)
}

// systemUnreachable decides about an allocation on a node that is not heard of. Nothing takes its place elsewhere.
func (p *groupPass) systemUnreachable(a *structs.Allocation, n *structs.Node, served map[structs.ID]bool) {
	var s sets
	p.classifyUnreachable(&s, a, p.group, n)
	p.later = append(p.later, s.later...)
	switch {
	case len(s.lost) > 0:
		p.stop(a, structs.AllocLost, structs.AllocClientLost)
		p.d.Stop++
		return
	case len(s.disconnect) > 0:
		u := p.update(a)
		u.ClientStatus, u.Description = structs.AllocClientUnknown, structs.AllocUnknown
		p.d.Disconnect++
	default:
		p.d.Ignore++
	}
	served[a.NodeID] = true
}

// joinSystemDeployment makes the group part of the version's deployment. The canary number is a percentage of the nodes to
// be updated, rounded up; a first version has none.
func (p *groupPass) joinSystemDeployment(ran bool, total int) {
	p.joinDeployment(ran)
	if p.state == nil || p.created == nil {
		return
	}
	p.state.DesiredTotal = total
	if percent := p.state.DesiredCanaries; percent > 0 {
		p.state.DesiredCanaries = (len(p.old)*percent + 99) / 100
	}
}

// replaceOnNodes replaces allocations of older versions on their own nodes, canaries first, then as the window allows.
func (p *groupPass) replaceOnNodes() {
	window := p.window()
	canary := false
	if p.canarying() && !p.paused && !p.barred() {
		canary = true
		window = p.state.DesiredCanaries
		for _, a := range p.keep {
			if a.DeploymentID == p.deployment.ID && a.DeploymentStatus != nil && a.DeploymentStatus.Canary {
				window--
			}
		}
	}
	slices.SortFunc(p.old, func(a, b *structs.Allocation) int { return a.NodeID.Compare(b.NodeID) })
	for i, a := range p.old {
		n := p.in.Node(a.NodeID)
		if i >= window || n == nil || !n.Ready() {
			p.d.Ignore++
			continue
		}
		p.stop(a, structs.AllocUpdating, "")
		p.d.DestructiveUpdate++
		if canary {
			p.d.Canary++
		}
		p.res.Place = append(p.res.Place, &Place{
			Job: p.job, Group: p.group, Node: a.NodeID, Previous: a, DeploymentID: p.deploymentID(), Canary: canary,
		})
	}
}
