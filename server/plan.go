package server

import (
	"time"

	"berth/server/dryrun"
	"berth/server/placer"
	"berth/state"
	"berth/structs"
)

// PlanJob decides what a canonical and valid job would change, on a fleet of its own: the state is not touched.
func (s *Server) PlanJob(snap *state.Snapshot, job *structs.Job) *dryrun.Plan {
	return dryrun.Job(snap, job, s.cfg.IDs, time.Now())
}

// PlacerStats are the figures of the placer's term; zero when this server does not lead.
func (s *Server) PlacerStats() placer.Stats {
	if t := s.currentTerm(); t != nil {
		return t.placer.Stats()
	}
	return placer.Stats{}
}

// ActiveNodes is how many nodes are heard of.
func (s *Server) ActiveNodes() int { return s.beats.Active() }
