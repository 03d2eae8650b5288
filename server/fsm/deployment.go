package fsm

import (
	"slices"
	"time"

	"berth/structs"
)

func (a *applier) deploymentUpdate(c *structs.DeploymentUpdateCommand) (any, error) {
	h := newHealth(a)
	if c.Promote != nil {
		if err := a.promote(h, c.Promote); err != nil {
			return nil, err
		}
	}
	if c.Health != nil {
		if err := a.setHealth(h, c.Health); err != nil {
			return nil, err
		}
	}
	for _, p := range c.Progress {
		if err := a.progress(h, p); err != nil {
			return nil, err
		}
	}
	for _, u := range c.Updates {
		if err := h.setStatus(u); err != nil {
			return nil, err
		}
	}
	h.store()
	for _, s := range c.StableJobs {
		if s == nil {
			continue
		}
		if _, err := a.jobStability(s); err != nil {
			return nil, err
		}
	}
	if c.RevertJob != nil {
		if a.txn.Job(c.RevertJob.Namespace, c.RevertJob.ID) == nil {
			return nil, fault(structs.CmdDeploymentUpdate, structs.KindNotFound, quoted("job", c.RevertJob.ID), "does not exist")
		}
		stored := a.storeVersion(c.RevertJob)
		for _, e := range c.Evals {
			if e != nil && e.JobKey() == stored.Key() {
				e.JobModifyIndex = stored.JobModifyIndex
			}
		}
	}
	return nil, a.putEvals(c.Evals)
}

// promote lets the canaries of groups replace the rest. Nothing is promoted unless all groups asked for can be.
func (a *applier) promote(h *health, p *structs.DeploymentPromotion) error {
	const cmd = structs.CmdDeploymentUpdate
	subject := named("deployment", p.DeploymentID)
	d := h.deployment(p.DeploymentID)
	switch {
	case d == nil:
		return fault(cmd, structs.KindNotFound, subject, "does not exist")
	case !d.Active():
		return fault(cmd, structs.KindConflict, subject, "has ended already: it is %s", d.Status)
	}
	groups := p.Groups
	if p.All {
		groups = nil
		for name := range d.TaskGroups {
			groups = append(groups, name)
		}
		slices.Sort(groups)
	}
	canaries := 0
	for _, name := range groups {
		g := d.TaskGroups[name]
		if g == nil {
			return fault(cmd, structs.KindNotFound, subject, "has no group %q", name)
		}
		if g.DesiredCanaries == 0 {
			if p.All {
				continue
			}
			return fault(cmd, structs.KindConflict, subject, "group %q has no canaries to promote", name)
		}
		canaries++
		if g.Promoted {
			continue
		}
		if err := a.promoteGroup(d, name, g); err != nil {
			return err
		}
	}
	if canaries == 0 {
		return fault(cmd, structs.KindConflict, subject, "has no canaries to promote")
	}
	for _, g := range d.TaskGroups {
		if g.DesiredCanaries > 0 && !g.Promoted {
			return nil
		}
	}
	if d.Status == structs.DeploymentRunning {
		d.StatusDescription = structs.DeploymentDescRunning
	}
	return nil
}

func (a *applier) promoteGroup(d *structs.Deployment, name string, g *structs.DeploymentState) error {
	var canaries []*structs.Allocation
	healthy := 0
	for _, id := range g.PlacedCanaries {
		al := a.txn.Alloc(id)
		if al == nil || al.Terminal() || al.DeploymentStatus == nil || al.DeploymentID != d.ID {
			continue
		}
		canaries = append(canaries, al)
		if al.DeploymentStatus.Healthy != nil && *al.DeploymentStatus.Healthy {
			healthy++
		}
	}
	if healthy < g.DesiredCanaries {
		return fault(structs.CmdDeploymentUpdate, structs.KindConflict, named("deployment", d.ID),
			"Task group %q has %d/%d healthy allocations", name, healthy, g.DesiredCanaries)
	}
	g.Promoted = true
	if g.ProgressDeadline > 0 {
		g.RequireProgressBy = time.Unix(0, a.at).UTC().Add(g.ProgressDeadline)
	}
	for _, old := range canaries {
		al, s := *old, *old.DeploymentStatus
		s.Canary, s.ModifyIndex = false, a.index
		al.DeploymentStatus = &s
		a.putAlloc(&al, true)
	}
	return nil
}

func (a *applier) setHealth(h *health, c *structs.DeploymentHealth) error {
	const cmd = structs.CmdDeploymentUpdate
	subject := named("deployment", c.DeploymentID)
	d := h.deployment(c.DeploymentID)
	switch {
	case d == nil:
		return fault(cmd, structs.KindNotFound, subject, "does not exist")
	case !d.Active():
		return fault(cmd, structs.KindConflict, subject, "has ended already: it is %s", d.Status)
	}
	for i, ids := range [2][]structs.ID{c.Healthy, c.Unhealthy} {
		for _, id := range ids {
			old := a.txn.Alloc(id)
			if old == nil || old.DeploymentID != d.ID {
				return fault(cmd, structs.KindNotFound, subject, "has no allocation %s", id)
			}
			al := *old
			h.set(&al, i == 0, time.Unix(0, a.at).UTC())
			a.putAlloc(&al, true)
		}
	}
	return nil
}

func (a *applier) progress(h *health, p *structs.DeploymentProgress) error {
	const cmd = structs.CmdDeploymentUpdate
	if p == nil {
		return fault(cmd, structs.KindInvalid, "", "a progress deadline is empty")
	}
	subject := named("deployment", p.DeploymentID)
	d := h.deployment(p.DeploymentID)
	if d == nil {
		return fault(cmd, structs.KindNotFound, subject, "does not exist")
	}
	g := d.TaskGroups[p.Group]
	if g == nil {
		return fault(cmd, structs.KindNotFound, subject, "has no group %q", p.Group)
	}
	g.RequireProgressBy = time.Unix(0, p.RequireProgressBy).UTC()
	return nil
}
