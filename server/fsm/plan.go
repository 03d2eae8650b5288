package fsm

import (
	"slices"

	"berth/structs"
)

// planApply applies plans in order, then the evaluations that belong to them. An evaluation one of whose plans was not
// accepted whole stays open: what is left of it has to be decided again.
func (a *applier) planApply(c *structs.PlanApplyCommand) (any, error) {
	results := make([]*structs.PlanResult, len(c.Plans))
	refused := map[structs.ID]bool{}
	for i, p := range c.Plans {
		if p == nil {
			return nil, fault(structs.CmdPlanApply, structs.KindInvalid, "", "plan %d of the command is empty", i)
		}
		result, err := a.applyPlan(p)
		if err != nil {
			return nil, err
		}
		results[i] = result
		if len(result.RefusedNodes) > 0 {
			refused[p.EvalID] = true
		}
	}
	for _, e := range c.Evals {
		if e != nil && refused[e.ID] && e.Status == structs.EvalStatusComplete {
			if stored := a.txn.Eval(e.ID); stored != nil && !stored.Terminal() {
				continue
			}
		}
		if err := a.putEval(e); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// planner applies one plan.
type planner struct {
	*applier
	plan   *structs.Plan
	result *structs.PlanResult
	health *health
	// kept are allocations whose stop is left out, for the one that should take their place was refused.
	kept map[structs.ID]bool
	// next is the allocation that takes the place of another.
	next map[structs.ID]structs.ID
}

func (a *applier) applyPlan(plan *structs.Plan) (*structs.PlanResult, error) {
	p := &planner{
		applier: a, plan: plan, result: &structs.PlanResult{RefusedNodes: map[structs.ID]string{}, Index: a.index},
		health: newHealth(a), kept: map[structs.ID]bool{}, next: map[structs.ID]structs.ID{},
	}
	p.check()
	if plan.AllAtOnce && len(p.result.RefusedNodes) > 0 {
		return p.result, nil
	}
	p.pair()
	if err := p.deployments(); err != nil {
		return nil, err
	}
	for _, s := range plan.Stop {
		p.stop(s)
	}
	for _, u := range plan.Update {
		p.update(u)
	}
	for _, g := range plan.Place {
		p.place(g)
	}
	p.link()
	p.health.store()
	return p.result, nil
}

// refuse drops everything the plan would place on a node; the first reason is told.
func (p *planner) refuse(node structs.ID, why string) {
	if _, already := p.result.RefusedNodes[node]; !already {
		p.result.RefusedNodes[node] = why
	}
}

func (p *planner) refused(node structs.ID) bool {
	_, yes := p.result.RefusedNodes[node]
	return yes
}

// pair finds which allocation takes the place of which, and keeps those whose successor was refused running.
func (p *planner) pair() {
	for _, g := range p.plan.Place {
		for _, item := range g.Items {
			refused := p.refused(item.NodeID)
			if !item.PreviousAllocation.IsZero() {
				if refused {
					p.kept[item.PreviousAllocation] = true
				} else {
					p.next[item.PreviousAllocation] = item.AllocID
				}
			}
			if refused {
				for _, victim := range item.PreemptedAllocations {
					p.kept[victim] = true
				}
			}
		}
	}
}

// deployments stores the plan's deployment, keeping what was counted of it, and moves others to their status.
func (p *planner) deployments() error {
	if d := p.plan.Deployment; d != nil {
		if d.ID.IsZero() {
			return fault(structs.CmdPlanApply, structs.KindInvalid, "", "the plan's deployment has no id")
		}
		if d.CreateTime == 0 {
			d.CreateTime = p.at
		}
		d.ModifyTime = p.at
		if old := p.txn.Deployment(d.ID); old != nil {
			if old.Namespace != d.Namespace || old.JobID != d.JobID {
				return fault(structs.CmdPlanApply, structs.KindInvalid, named("deployment", d.ID), "is of job %q", old.JobID)
			}
			d.CreateTime = old.CreateTime
			for name, g := range d.TaskGroups {
				if was := old.TaskGroups[name]; was != nil && g != nil {
					keepCounts(g, was)
				}
			}
		}
		p.txn.PutDeployment(d)
	}
	for _, u := range p.plan.DeploymentUpdates {
		// A deployment that ended meanwhile, or was reaped, needs no status any more.
		if d := p.health.deployment(u.DeploymentID); d != nil && d.Active() {
			d.Status, d.StatusDescription = u.Status, u.StatusDescription
		}
	}
	return nil
}

// keepCounts takes over what happened in a deployment since the plan's copy of it was made.
func keepCounts(g, was *structs.DeploymentState) {
	g.PlacedCanaries, g.PlacedAllocs = was.PlacedCanaries, was.PlacedAllocs
	g.HealthyAllocs, g.UnhealthyAllocs = was.HealthyAllocs, was.UnhealthyAllocs
	g.Promoted, g.RequireProgressBy = was.Promoted, was.RequireProgressBy
}

func (p *planner) stop(s *structs.PlanStop) {
	old := p.txn.Alloc(s.AllocID)
	if old == nil || p.kept[s.AllocID] && s.ClientStatus == "" {
		return
	}
	al := *old
	if s.DesiredStatus != "" {
		al.DesiredStatus = internDesired(s.DesiredStatus)
	}
	if s.Description != "" {
		al.DesiredDescription = p.texts.keep(s.Description)
	}
	if status := internStatus(s.ClientStatus); status != "" && !al.ClientTerminal() {
		p.setClientStatus(&al, status)
	}
	if !s.FollowupEvalID.IsZero() {
		al.FollowupEvalID = s.FollowupEvalID
	}
	if !s.PreemptedBy.IsZero() {
		al.PreemptedByAllocation = s.PreemptedBy
	}
	if next, ok := p.next[al.ID]; ok {
		al.NextAllocation = next
		delete(p.next, al.ID)
	}
	p.putAlloc(&al, true)
}

func (p *planner) update(u *structs.PlanUpdate) {
	old := p.txn.Alloc(u.AllocID)
	if old == nil || u.Resources != nil && p.refused(old.NodeID) {
		return
	}
	al := *old
	if u.JobVersion != al.JobVersion && p.txn.JobVersion(al.Namespace, al.JobID, u.JobVersion) != nil {
		al.JobVersion = u.JobVersion
		if !p.plan.EvalID.IsZero() {
			al.EvalID = p.plan.EvalID
		}
	}
	if u.Resources != nil {
		al.AllocatedResources = u.Resources
	}
	if u.Description != "" {
		al.DesiredDescription = p.texts.keep(u.Description)
	}
	if status := internStatus(u.ClientStatus); status != "" && !al.ClientTerminal() {
		p.setClientStatus(&al, status)
	}
	if u.ClearFollowup {
		al.FollowupEvalID = structs.ID{}
	}
	if !u.FollowupEvalID.IsZero() {
		al.FollowupEvalID = u.FollowupEvalID
	}
	if !u.DeploymentID.IsZero() && u.DeploymentID != al.DeploymentID {
		al.DeploymentID, al.DeploymentStatus = u.DeploymentID, nil
		p.health.placed(&al)
	}
	p.putAlloc(&al, true)
}

// resourcesOf are the group's resources with what is the item's own. Without anything of its own they are shared.
func resourcesOf(g *structs.PlanGroup, item *structs.Placement) *structs.AllocatedResources {
	r := g.Resources
	if len(item.Ports) == 0 && len(item.Tasks) == 0 {
		return r
	}
	var own structs.AllocatedResources
	if r != nil {
		own = *r
	}
	own.Shared.Ports = item.Ports
	if len(item.Tasks) > 0 {
		own.Tasks = item.Tasks
	}
	return &own
}

func (p *planner) place(g *structs.PlanGroup) {
	job := p.txn.JobVersion(g.Namespace, g.JobID, g.JobVersion)
	group := job.LookupGroup(g.TaskGroup)
	namespace, jobID, groupName := g.Namespace, g.JobID, g.TaskGroup
	if job != nil {
		namespace, jobID = job.Namespace, job.ID // one string for all
	}
	if group != nil {
		groupName = group.Name
	}
	evalID := g.EvalID
	if evalID.IsZero() {
		evalID = p.plan.EvalID
	}
	for _, item := range g.Items {
		if p.refused(item.NodeID) {
			continue
		}
		al := &structs.Allocation{
			ID: item.AllocID, Namespace: namespace, EvalID: evalID, Index: item.Index, NodeID: item.NodeID,
			NodeName: p.txn.Node(item.NodeID).Name, JobID: jobID, JobVersion: g.JobVersion, TaskGroup: groupName,
			AllocatedResources: resourcesOf(g, item), Metrics: item.Metrics,
			DesiredStatus: structs.AllocDesiredRun, ClientStatus: structs.AllocClientPending,
			DeploymentID: g.DeploymentID, PreviousAllocation: item.PreviousAllocation,
			RescheduleTracker: item.RescheduleTracker, PreemptedAllocations: slices.Clip(item.PreemptedAllocations),
			CreateTime: p.at,
		}
		if al.Metrics == nil {
			al.Metrics = g.Metrics
		}
		if item.Canary {
			al.DeploymentStatus = &structs.AllocDeploymentStatus{Canary: true, ModifyIndex: p.index}
		}
		p.putAlloc(al, true)
		p.health.placed(al)
		p.result.Placed++
	}
}

// link tells allocations that were not stopped by this plan which one took their place.
func (p *planner) link() {
	for _, g := range p.plan.Place {
		for _, item := range g.Items {
			next, waits := p.next[item.PreviousAllocation]
			if !waits || next != item.AllocID {
				continue
			}
			if old := p.txn.Alloc(item.PreviousAllocation); old != nil {
				al := *old
				al.NextAllocation = next
				p.putAlloc(&al, false)
			}
		}
	}
}

func internDesired(status string) string {
	switch status {
	case structs.AllocDesiredRun:
		return structs.AllocDesiredRun
	case structs.AllocDesiredStop:
		return structs.AllocDesiredStop
	case structs.AllocDesiredEvict:
		return structs.AllocDesiredEvict
	}
	return status
}
