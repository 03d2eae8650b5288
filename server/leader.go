package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-metrics"
	"github.com/hashicorp/raft"
	"github.com/tinylib/msgp/msgp"

	"berth/internal/lifecycle"
	"berth/server/deploy"
	"berth/server/drain"
	"berth/server/nodes"
	"berth/server/periodic"
	"berth/server/placer"
	"berth/server/reap"
	"berth/server/replicate"
	"berth/state"
	"berth/structs"
)

// term is the time this server leads: the loops that act on the state. All of them begin from the state alone, so that a new
// leader goes on where the last one stopped.
type term struct {
	placer   *placer.Placer
	reaper   *reap.Reaper
	follower *replicate.Replicator // nil when no other region decides for this one
}

// followLeadership starts a term when this server is elected and ends it when it is no longer the leader.
func (s *Server) followLeadership(ctx context.Context, c *consensus) error {
	var end func() error // of the running term
	var failed <-chan error
	stop := func() error {
		if end == nil {
			return nil
		}
		began := time.Now()
		err := end()
		metrics.MeasureSince([]string{"nomad", "leader", "revoke_leadership"}, began)
		end, failed = nil, nil
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return stop()
		case leads := <-c.notify:
			if err := stop(); err != nil {
				return err
			}
			if leads {
				end, failed = s.startTerm(ctx, c.wire)
			} else {
				s.log.Info("no longer the leader")
			}
		case req := <-s.restores:
			if err := stop(); err != nil {
				req.done <- restoreOutcome{err: err}
				return err
			}
			index, err := s.restore(ctx, req)
			if errors.Is(err, errUnconfirmed) {
				req.done <- restoreOutcome{index, err}
				return err
			}
			if s.raft.Load().State() == raft.Leader {
				end, failed = s.startTerm(ctx, c.wire)
			}
			req.done <- restoreOutcome{index, err}
		case err := <-failed:
			end, failed = nil, nil
			if err != nil {
				return err
			}
		}
	}
}

// startTerm runs a term beside the caller. The function ends it and gives its error; the channel has that error when it ended
// by itself.
func (s *Server) startTerm(ctx context.Context, w *wire) (func() error, <-chan error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.lead(ctx, w) }()
	return func() error {
		cancel()
		return <-done
	}, done
}

// lead is one term: everything that was committed before is applied, then the loops run until ctx is done.
func (s *Server) lead(ctx context.Context, w *wire) error {
	began := time.Now()
	s.cfg.reach(atTermBegin)
	r := s.raft.Load()
	number := r.CurrentTerm()
	err := r.Barrier(0).Error()
	if err == nil && r.CurrentTerm() != number {
		err = raft.ErrLeadershipLost
	}
	if err != nil {
		s.log.Debug("the term ended before it began", "error", err)
		return nil
	}
	metrics.MeasureSince([]string{"nomad", "leader", "barrier"}, began)
	barred := time.Now()
	s.cfg.reach(atTermRestore)
	host := termHost{s}
	t := &term{
		placer: placer.New(placer.Config{Host: host, Logger: s.log.Named("placer"), Decided: s.cfg.traces.decided, Took: &s.took}),
		reaper: reap.New(reap.Config{Host: host, Thresholds: s.cfg.GC, Logger: s.log.Named("reap")}),
	}
	if p := s.cfg.Replicate; p != nil {
		t.follower = replicate.New(replicate.Config{Plan: *p, Host: host, Logger: s.log.Named("replicate")})
	}
	drainer := drain.New(drain.Config{Host: host, Logger: s.log.Named("drain")})
	watcher := deploy.New(deploy.Config{Host: host, Logger: s.log.Named("deploy")})
	launcher := periodic.New(periodic.Config{Host: host, Logger: s.log.Named("periodic")})
	s.beats.Restore(nodes.Alive(s.store.Snapshot()))
	s.setTerm(t, number)
	defer s.setTerm(nil, 0)
	s.log.Info("leading", "index", s.store.Index(), "after", time.Since(began).Round(time.Microsecond))

	g := lifecycle.New(ctx)
	g.Go("heartbeat", s.beats.Run)
	g.Go("placer", t.placer.Run)
	g.Go("deployment watcher", watcher.Run)
	g.Go("drainer", drainer.Run)
	g.Go("reaper", t.reaper.Run)
	g.Go("periodic launcher", launcher.Run)
	g.Go("checks", s.runChecks)
	if t.follower != nil {
		g.Go("replicator", t.follower.Run)
	}
	if s.cfg.Gossip != nil {
		g.Go("members", s.runMembers)
		g.Go("autopilot", s.runAutopilot)
		g.Go("watchdog", func(ctx context.Context) error { return s.watchDisk(ctx, w) })
	}
	metrics.MeasureSince([]string{"nomad", "leader", "establish_leadership"}, barred)
	s.readyOnce.Do(func() { close(s.ready) })
	s.cfg.reach(atTermRun)
	defer s.cfg.reach(atTermEnd)
	return g.Wait()
}

// setTerm begins or ends a term: its loops, and raft's number of it.
func (s *Server) setTerm(t *term, number uint64) {
	s.termMu.Lock()
	s.term = t
	s.termMu.Unlock()
	s.leading.Store(number)
}

// currentTerm is nil unless this server leads.
func (s *Server) currentTerm() *term {
	s.termMu.Lock()
	defer s.termMu.Unlock()
	return s.term
}

// Replication tells how this region follows another; false when it follows none, or this server does not lead.
func (s *Server) Replication() (replicate.Status, bool) {
	t := s.currentTerm()
	if t == nil || t.follower == nil {
		return replicate.Status{}, false
	}
	return t.follower.Status(), true
}

// CollectGarbage removes everything that is over now, whatever its age.
func (s *Server) CollectGarbage(ctx context.Context) error {
	t := s.currentTerm()
	if t == nil {
		return s.notLeading()
	}
	if err := t.reaper.Force(ctx); err != nil {
		return fmt.Errorf("collect garbage: %w", err)
	}
	return nil
}

// termHost is what the loops see of the server: its state, and the way to propose a change of it.
type termHost struct{ s *Server }

func (h termHost) State() *state.Store { return h.s.store }
func (h termHost) NewID() structs.ID   { return h.s.cfg.IDs.NewID() }

func (h termHost) Propose(ctx context.Context, kind structs.CommandKind, body msgp.Marshaler) (uint64, any, error) {
	if kind == structs.CmdPlanApply {
		h.s.cfg.reach(atPlan)
		defer h.s.cfg.reach(atPlanned)
	}
	a, err := h.s.Propose(h.s.cfg.traces.planned(ctx, body), kind, body)
	return a.Index, a.Value, err
}
