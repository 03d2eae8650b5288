package fsm

import (
	"maps"
	"slices"
	"time"

	"berth/structs"
)

// health gathers what one command changes in deployments, so that each is stored once.
type health struct {
	a     *applier
	own   map[structs.ID]*structs.Deployment
	order []structs.ID
}

func newHealth(a *applier) *health { return &health{a: a, own: map[structs.ID]*structs.Deployment{}} }

// deployment is a copy to be changed, nil when there is none of that id.
func (h *health) deployment(id structs.ID) *structs.Deployment {
	if d, ok := h.own[id]; ok {
		return d
	}
	old := h.a.txn.Deployment(id)
	if old == nil {
		return nil
	}
	d := *old
	d.TaskGroups = maps.Clone(old.TaskGroups)
	for name, g := range d.TaskGroups {
		if g != nil {
			own := *g
			own.PlacedCanaries = slices.Clip(g.PlacedCanaries)
			d.TaskGroups[name] = &own
		}
	}
	h.own[id] = &d
	h.order = append(h.order, id)
	return &d
}

// group is the state of an allocation's group in its deployment, nil without one.
func (h *health) group(al *structs.Allocation) *structs.DeploymentState {
	if al.DeploymentID.IsZero() {
		return nil
	}
	if d := h.deployment(al.DeploymentID); d != nil {
		return d.TaskGroups[al.TaskGroup]
	}
	return nil
}

// set notes the health of an allocation, on it and on its deployment.
func (h *health) set(al *structs.Allocation, healthy bool, at time.Time) {
	var s structs.AllocDeploymentStatus
	if al.DeploymentStatus != nil {
		s = *al.DeploymentStatus
	}
	was := s.Healthy
	s.Healthy, s.Timestamp, s.ModifyIndex = new(healthy), at, h.a.index
	if s.Timestamp.IsZero() {
		s.Timestamp = time.Unix(0, h.a.at).UTC()
	}
	al.DeploymentStatus = &s
	if was != nil && *was == healthy {
		return
	}
	g := h.group(al)
	if g == nil {
		return
	}
	if was != nil && *was {
		g.HealthyAllocs--
	} else if was != nil {
		g.UnhealthyAllocs--
	}
	if !healthy {
		g.UnhealthyAllocs++
		return
	}
	g.HealthyAllocs++
	if g.ProgressDeadline > 0 {
		if by := s.Timestamp.Add(g.ProgressDeadline); by.After(g.RequireProgressBy) {
			g.RequireProgressBy = by
		}
	}
}

// placed counts a new allocation of a deployment, or one that moved to it in place.
func (h *health) placed(al *structs.Allocation) {
	g := h.group(al)
	if g == nil {
		return
	}
	g.PlacedAllocs++
	if al.DeploymentStatus != nil && al.DeploymentStatus.Canary {
		g.PlacedCanaries = append(g.PlacedCanaries, al.ID)
	}
	if g.RequireProgressBy.IsZero() && g.ProgressDeadline > 0 {
		g.RequireProgressBy = time.Unix(0, h.a.at).UTC().Add(g.ProgressDeadline)
	}
}

// setStatus moves a deployment to another status; one that has ended stays as it is.
func (h *health) setStatus(u *structs.DeploymentStatusUpdate) error {
	const cmd = structs.CmdDeploymentUpdate
	if u == nil {
		return fault(cmd, structs.KindInvalid, "", "a status update is empty")
	}
	d := h.deployment(u.DeploymentID)
	switch {
	case d == nil:
		return fault(cmd, structs.KindNotFound, named("deployment", u.DeploymentID), "does not exist")
	case !d.Active() && d.Status != u.Status:
		return fault(cmd, structs.KindConflict, named("deployment", u.DeploymentID), "has ended already: it is %s", d.Status)
	}
	d.Status, d.StatusDescription = u.Status, u.StatusDescription
	return nil
}

// store writes the deployments that were changed, in the order they were first.
func (h *health) store() {
	for _, id := range h.order {
		d := h.own[id]
		d.ModifyTime = h.a.at
		h.a.txn.PutDeployment(d)
	}
}
