package server

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"

	"berth/server/membership"
	"berth/structs"
)

// AutopilotConfig says how servers that fail or come are treated.
type AutopilotConfig struct {
	// KeepDeadServers leaves failed servers in the cluster until they are removed by hand.
	KeepDeadServers bool
	// LastContactThreshold is how long a healthy server may be out of the leader's touch; default 200 ms.
	LastContactThreshold time.Duration
	// MaxTrailingLogs is how many entries a healthy server may be behind; default 250.
	MaxTrailingLogs uint64
	// MinQuorum is how many voters dead servers are never removed below; default 0.
	MinQuorum uint
	// ServerStabilizationTime is how long a new server must have been healthy before it gets a vote; default 10 s.
	ServerStabilizationTime time.Duration
}

func (c AutopilotConfig) withDefaults() AutopilotConfig {
	if c.LastContactThreshold <= 0 {
		c.LastContactThreshold = 200 * time.Millisecond
	}
	if c.MaxTrailingLogs == 0 {
		c.MaxTrailingLogs = 250
	}
	if c.ServerStabilizationTime <= 0 {
		c.ServerStabilizationTime = 10 * time.Second
	}
	return c
}

// PeerStats is how far a server is.
type PeerStats struct {
	LastContact time.Duration // with the leader; 0 at the leader itself, negative without one
	LastTerm    uint64
	LastIndex   uint64
	Checks      []HashAt // its rolling hash at the newest checks
}

// HashAt is a server's rolling hash at an index, in hex.
type HashAt struct {
	Index uint64
	Hash  string
}

// OwnStats is how far this server is.
func (s *Server) OwnStats() PeerStats {
	r := s.raft.Load()
	if r == nil {
		return PeerStats{LastContact: -1}
	}
	st := PeerStats{LastIndex: r.LastIndex(), LastContact: s.LastContact()}
	for _, c := range s.machine.Checks() {
		st.Checks = append(st.Checks, HashAt{c.Index, c.Own})
	}
	st.LastTerm = lastTerm(r.Stats())
	return st
}

// lastTerm is the term of the newest entry a server has, by raft's figures. A server that got everything by a snapshot has it there alone, and an
// empty log.
func lastTerm(figures map[string]string) uint64 {
	figure := func(name string) uint64 {
		n, _ := strconv.ParseUint(figures[name], 10, 64) // raft wrote it
		return n
	}
	if figure("last_log_index") < figure("last_snapshot_index") {
		return figure("last_snapshot_term")
	}
	return figure("last_log_term")
}

// autopilotIntervals are how often the autopilot looks at the servers and how often it acts.
const (
	autopilotUpdate    = 2 * time.Second
	autopilotReconcile = 2 * time.Second
)

// pilot is what the autopilot sees of a server.
type pilot struct{ s *Server }

var _ autopilot.ApplicationIntegration = pilot{}

// runAutopilot removes dead servers and gives votes to those that proved themselves, until ctx is done.
func (s *Server) runAutopilot(ctx context.Context) error {
	a := autopilot.New(s.raft.Load(), pilot{s}, autopilot.WithLogger(raftLogger(s.cfg.Logger).Named("autopilot")),
		autopilot.WithUpdateInterval(autopilotUpdate), autopilot.WithReconcileInterval(autopilotReconcile), autopilot.WithPromoter(&promoter{}))
	a.Start(ctx)
	s.pilot.Store(a)
	<-ctx.Done()
	s.pilot.Store(nil)
	<-a.Stop()
	return ctx.Err()
}

// AutopilotConfig implements autopilot.ApplicationIntegration.
func (p pilot) AutopilotConfig() *autopilot.Config {
	c := p.s.Autopilot()
	return &autopilot.Config{CleanupDeadServers: !c.KeepDeadServers, LastContactThreshold: c.LastContactThreshold, MaxTrailingLogs: c.MaxTrailingLogs,
		MinQuorum: c.MinQuorum, ServerStabilizationTime: c.ServerStabilizationTime}
}

// NotifyState implements autopilot.ApplicationIntegration.
func (pilot) NotifyState(*autopilot.State) {}

// FetchServerStats implements autopilot.ApplicationIntegration.
func (p pilot) FetchServerStats(ctx context.Context, servers map[raft.ServerID]*autopilot.Server) map[raft.ServerID]*autopilot.ServerStats {
	var mu sync.Mutex
	out := map[raft.ServerID]*autopilot.ServerStats{}
	var asked sync.WaitGroup
	for id := range servers {
		own, err := structs.ParseID(string(id))
		if err != nil {
			continue
		}
		asked.Go(func() {
			var st PeerStats
			var err error
			switch {
			case own == p.s.ID():
				st = p.s.OwnStats()
			case p.s.cfg.PeerStats != nil:
				st, err = p.s.cfg.PeerStats(ctx, own)
			}
			if err != nil {
				return
			}
			mu.Lock()
			out[id] = &autopilot.ServerStats{LastContact: st.LastContact, LastTerm: st.LastTerm, LastIndex: st.LastIndex}
			mu.Unlock()
		})
	}
	asked.Wait()
	return out
}

// Meta keys of the autopilot's view of a server.
const metaNonVoter = "nonvoter"

// KnownServers implements autopilot.ApplicationIntegration.
func (p pilot) KnownServers() map[raft.ServerID]*autopilot.Server {
	out := map[raft.ServerID]*autopilot.Server{}
	for _, m := range p.s.servers() {
		st := map[string]autopilot.NodeStatus{membership.StatusAlive: autopilot.NodeAlive, membership.StatusFailed: autopilot.NodeFailed,
			membership.StatusLeft: autopilot.NodeLeft, membership.StatusLeaving: autopilot.NodeLeft}[m.Status]
		if st == "" {
			st = autopilot.NodeUnknown
		}
		srv := &autopilot.Server{ID: raft.ServerID(m.ID.String()), Name: m.Name, Address: raft.ServerAddress(m.RPCAddr), NodeStatus: st,
			Version: m.Tags["build"], Meta: map[string]string{}, RaftVersion: int(raft.ProtocolVersionMax), IsLeader: m.ID == p.s.ID(),
			NodeType: autopilot.NodeVoter}
		if m.NonVoter {
			srv.NodeType = nonVoter
			srv.Meta[metaNonVoter] = "1"
		}
		out[srv.ID] = srv
	}
	return out
}

// RemoveFailedServer implements autopilot.ApplicationIntegration: what gossip forgets, the leader takes out of raft.
func (p pilot) RemoveFailedServer(srv *autopilot.Server) {
	p.s.log.Warn("a dead server is removed", "name", srv.Name, "id", srv.ID)
	if err := p.s.cfg.Gossip.ForceLeave(srv.Name, false); err != nil {
		p.s.log.Warn("a dead server stays", "name", srv.Name, "error", err)
	}
}

// nonVoter is the type of a server that never gets a vote.
const nonVoter autopilot.NodeType = "non-voter"

// promoter gives votes to stable servers that want one.
type promoter struct{ autopilot.StablePromoter }

// GetNodeTypes implements autopilot.Promoter.
func (*promoter) GetNodeTypes(_ *autopilot.Config, st *autopilot.State) map[raft.ServerID]autopilot.NodeType {
	types := map[raft.ServerID]autopilot.NodeType{}
	for id, srv := range st.Servers {
		types[id] = autopilot.NodeVoter
		if srv.Server.Meta[metaNonVoter] != "" {
			types[id] = nonVoter
		}
	}
	return types
}

// CalculatePromotionsAndDemotions implements autopilot.Promoter.
func (p *promoter) CalculatePromotionsAndDemotions(c *autopilot.Config, st *autopilot.State) autopilot.RaftChanges {
	changes := p.StablePromoter.CalculatePromotionsAndDemotions(c, st)
	kept := changes.Promotions[:0]
	for _, id := range changes.Promotions {
		if st.Servers[id].Server.Meta[metaNonVoter] == "" {
			kept = append(kept, id)
		}
	}
	changes.Promotions = kept
	return changes
}

// Autopilot is how servers that fail or come are treated: as it was set for the cluster, else as this server was configured.
func (s *Server) Autopilot() AutopilotConfig {
	c := s.store.Snapshot().AutopilotConfig()
	if c == nil {
		return s.cfg.Autopilot
	}
	return AutopilotConfig{KeepDeadServers: !c.CleanupDeadServers, LastContactThreshold: time.Duration(c.LastContactThreshold), MaxTrailingLogs: c.MaxTrailingLogs,
		MinQuorum: c.MinQuorum, ServerStabilizationTime: time.Duration(c.ServerStabilizationTime)}.withDefaults()
}

// Health is how well the servers of the cluster are, as its leader sees them.
type Health struct {
	Healthy          bool
	FailureTolerance int // how many voters may fail before the cluster does
	Leader           string
	Voters           []string
	Servers          []ServerHealth // in the order of their ids
}

// ServerHealth is how well one server is.
type ServerHealth struct {
	ID, Name, Addr, Status, Version string
	Leader, Voter, Healthy          bool
	Stats                           PeerStats
	StableSince                     time.Time
}

// Health tells how well the servers are; only the leader knows.
func (s *Server) Health() (*Health, error) {
	if !s.IsLeader() {
		return nil, s.notLeading()
	}
	a := s.pilot.Load()
	if a == nil { // it leads itself alone
		own := s.ID().String()
		return &Health{Healthy: true, Leader: own, Voters: []string{own}, Servers: []ServerHealth{{ID: own, Name: s.cfg.Name, Addr: s.cfg.Addr,
			Status: membership.StatusAlive, Leader: true, Voter: true, Healthy: true, Stats: s.OwnStats()}}}, nil
	}
	st := a.GetState()
	h := &Health{Healthy: st.Healthy, FailureTolerance: st.FailureTolerance, Leader: string(st.Leader)}
	for _, v := range st.Voters {
		h.Voters = append(h.Voters, string(v))
	}
	slices.Sort(h.Voters)
	for _, id := range slices.Sorted(maps.Keys(st.Servers)) {
		x := st.Servers[id]
		h.Servers = append(h.Servers, ServerHealth{ID: string(id), Name: x.Server.Name, Addr: string(x.Server.Address), Status: string(x.Server.NodeStatus),
			Version: x.Server.Version, Leader: x.State == autopilot.RaftLeader, Voter: x.HasVotingRights(), Healthy: x.Health.Healthy,
			Stats: PeerStats{LastContact: x.Stats.LastContact, LastTerm: x.Stats.LastTerm, LastIndex: x.Stats.LastIndex}, StableSince: x.Health.StableSince})
	}
	return h, nil
}
