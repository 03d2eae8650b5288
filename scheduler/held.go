package scheduler

import (
	"berth/scheduler/reconcile"
	"berth/structs"
)

// holdStops sets aside the stops of allocations that run well enough until something takes their place: those replaced by
// a new version, and failed ones. They are stopped when their successor is placed, or when it can be placed once they have
// ended. So a change that no node can run stops nothing, and a failed allocation keeps its history while it waits.
func (r *Run) holdStops() {
	byID := make(map[structs.ID]*structs.PlanStop)
	for _, s := range r.rec.Stop {
		if s.ClientStatus == "" && (s.Description == structs.AllocUpdating || s.Description == structs.AllocRescheduled) {
			byID[s.AllocID] = s
		}
	}
	if len(byID) == 0 {
		r.stops = r.rec.Stop
		return
	}
	r.held = map[structs.ID]*structs.PlanStop{}
	for _, p := range r.rec.Place {
		if p.Previous != nil && byID[p.Previous.ID] != nil {
			r.held[p.Previous.ID] = byID[p.Previous.ID]
		}
	}
	r.stops = make([]*structs.PlanStop, 0, len(r.rec.Stop))
	for _, s := range r.rec.Stop {
		if r.held[s.AllocID] == nil {
			r.stops = append(r.stops, s)
		}
	}
}

// holdsFor reports that the stop of what the placement replaces is set aside.
func (r *Run) holdsFor(p *reconcile.Place) bool {
	return p.Previous != nil && r.held[p.Previous.ID] != nil
}

// release puts the stop of what the placement replaces into the plan at work.
func (r *Run) release(p *reconcile.Place) {
	if !r.holdsFor(p) {
		return
	}
	r.plan.Stop = append(r.plan.Stop, r.held[p.Previous.ID])
	delete(r.held, p.Previous.ID)
	r.setStopping(p.Previous.ID, true)
}

func (r *Run) setStopping(id structs.ID, stopping bool) {
	if u := r.in.Fleet.Use(id); u != nil {
		r.in.Fleet.SetStopping(u, stopping)
	}
}
