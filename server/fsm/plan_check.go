package fsm

import "berth/structs"

// check finds the nodes that cannot take what the plan wants there. It writes nothing.
func (p *planner) check() {
	room := newRoom(p.txn)
	p.checkStops(room)
	seen := map[structs.ID]bool{}
	for _, g := range p.plan.Place {
		gone := p.groupGone(g)
		for _, item := range g.Items {
			why := gone
			if why == "" && (item.AllocID.IsZero() || seen[item.AllocID] || p.txn.Alloc(item.AllocID) != nil) {
				why = "allocation " + item.AllocID.String() + " exists already"
			}
			seen[item.AllocID] = true
			if why == "" {
				why = p.repelled(g, item)
			}
			if why == "" {
				why = room.at(item.NodeID).place(resourcesOf(g, item))
			}
			if why != "" {
				p.refuse(item.NodeID, why)
			}
		}
	}
}

// checkStops takes into account what the plan frees, and what its updates in place need.
func (p *planner) checkStops(room *room) {
	holds := map[structs.ID]*structs.AllocatedResources{} // of allocations the plan changed; nil when freed
	heldBy := func(al *structs.Allocation) *structs.AllocatedResources {
		if r, changed := holds[al.ID]; changed {
			return r
		}
		return al.AllocatedResources
	}
	for _, s := range p.plan.Stop {
		al := p.txn.Alloc(s.AllocID)
		// Only an allocation that is lost frees its node at once; others hold it until their client says that they ended.
		if al == nil || !al.HoldsResources() || !terminalStatus(s.ClientStatus) {
			continue
		}
		if _, already := holds[al.ID]; !already {
			room.at(al.NodeID).free(al.AllocatedResources)
			holds[al.ID] = nil
		}
	}
	for _, u := range p.plan.Update {
		al := p.txn.Alloc(u.AllocID)
		if al == nil || u.Resources == nil || !al.HoldsResources() {
			continue
		}
		r, n := heldBy(al), room.at(al.NodeID)
		if r == nil {
			continue // lost by this plan
		}
		n.free(r)
		holds[al.ID] = u.Resources
		if why := n.take(u.Resources); why != "" {
			p.refuse(al.NodeID, why)
		}
	}
}

// repelled names a taint that keeps the placement off its node, which it may have got since the plan was made.
func (p *planner) repelled(g *structs.PlanGroup, item *structs.Placement) string {
	n := p.txn.Node(item.NodeID)
	if n == nil || len(n.Taints) == 0 {
		return ""
	}
	job := p.txn.JobVersion(g.Namespace, g.JobID, g.JobVersion)
	group := job.LookupGroup(g.TaskGroup)
	if group == nil {
		return ""
	}
	if t := n.Repels(job, group); t != nil {
		return "the node has the taint " + t.String()
	}
	return ""
}

// groupGone says why nothing of the group may be placed any more.
func (p *planner) groupGone(g *structs.PlanGroup) string {
	switch job := p.txn.Job(g.Namespace, g.JobID); {
	case job == nil:
		return "the job does not exist any more"
	case job.Stop:
		return "the job was stopped"
	case p.txn.JobVersion(g.Namespace, g.JobID, g.JobVersion) == nil:
		return "the job's version does not exist any more"
	}
	return ""
}
