package server

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"
	"github.com/tinylib/msgp/msgp"

	"berth/internal/durable"
	"berth/internal/lifecycle"
	"berth/server/backup"
	"berth/server/events"
	"berth/server/fsm"
	"berth/server/heartbeat"
	"berth/server/timing"
	"berth/state"
	"berth/structs"
)

// Server is one member of the control plane.
type Server struct {
	cfg      Config
	log      hclog.Logger
	store    *state.Store
	machine  *fsm.FSM
	applied  applyTimes
	took     timing.Times[string]
	proposer *proposer
	beats    *heartbeat.Monitor
	events   *events.Broker
	backup   *backup.Saver             // nil without a plan
	raft     atomic.Pointer[raft.Raft] // nil until Run has started it
	wire     atomic.Pointer[wire]      // nil until then
	disk     atomic.Pointer[disk]      // nil until then, and in memory
	id       atomic.Pointer[structs.ID]
	pilot    atomic.Pointer[autopilot.Autopilot] // nil unless leading with others
	members  chan struct{}                       // wakes the leader's look at the members
	level    atomic.Uint32                       // every server of the log applies the kinds up to this one
	leading  atomic.Uint64                       // raft's number of the established term: after its barrier, before its end; 0 without

	restoreMu sync.Mutex      // one restore at a time
	restores  chan *restoring // to followLeadership

	ready     chan struct{}
	readyOnce sync.Once

	termMu sync.Mutex // guards term
	term   *term      // nil unless leading
}

// New makes a server that does nothing yet.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, log: cfg.Logger.Named("server"), store: state.New(), ready: make(chan struct{}), members: make(chan struct{}, 1),
		restores: make(chan *restoring)}
	s.machine = fsm.New(s.store)
	s.machine.Watched(&s.applied)
	s.events = events.New(cfg.Events, s.store)
	s.beats = heartbeat.New(cfg.Heartbeat, s, s.log.Named("heartbeat"))
	s.proposer = newProposer(s.append)
	s.proposer.traces = cfg.traces
	if cfg.Backup != nil {
		s.backup = backup.New(*cfg.Backup, backupHost{s}, s.log.Named("backup"))
	}
	return s, nil
}

// Run opens the data directory, takes part in consensus and leads when elected, until ctx is done. It returns an error when
// the directory cannot be used or a part of the server failed.
func (s *Server) Run(ctx context.Context) (err error) {
	if s.cfg.DataDir != "" {
		if err := durable.MkdirAll(s.cfg.DataDir, 0o700); err != nil {
			return fmt.Errorf("make the data directory: %w", err)
		}
	}
	id, err := identity(s.cfg.DataDir, s.cfg.IDs)
	if err != nil {
		return err
	}
	s.id.Store(&id)
	c, err := openConsensus(s.cfg, id, s.machine)
	if err != nil {
		return err
	}
	s.wire.Store(c.wire)
	s.raft.Store(c.raft)
	s.disk.Store(c.stores.disk)
	defer func() {
		if cerr := c.close(); err == nil && cerr != nil {
			err = fmt.Errorf("close the raft log: %w", cerr)
		}
	}()
	// What raft needs outlives ctx: leadership is handed over by a server that works.
	base := lifecycle.New(context.WithoutCancel(ctx))
	base.Go("proposer", s.proposer.Run)
	base.Go("events", s.events.Run)
	base.Go("leadership", func(ctx context.Context) error { return s.followLeadership(ctx, c) })
	base.Go("ready", s.becomeReady)
	if c.stores.disk != nil {
		base.Go("disk", c.stores.disk.watch)
		base.Go("recent", c.stores.recent.age)
	}
	base.Go("integrity", s.watchIntegrity)
	if s.cfg.DataDir != "" {
		d := newDisproof(s.cfg.DataDir, c, s.store)
		c.wire.lookAt(d.look)
		base.Go("disproof", d.watch)
	}
	if s.backup != nil {
		base.Go("backup", s.backup.Run)
	}
	if s.cfg.Gossip != nil {
		base.Go("gossip", s.cfg.Gossip.Run)
		base.Go("members", s.watchMembers)
	}
	select {
	case <-ctx.Done():
		s.handOver()
		base.Stop()
	case <-base.Context().Done(): // a part failed
	}
	return base.Wait()
}

// Ready is closed when this server takes part for the first time: it leads and its loops run, or it follows a leader and has
// applied what that had committed. Whether it does now, IsLeader and LastContact tell.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// State is the replicated state, to read.
func (s *Server) State() *state.Store { return s.store }

// Events are the events of what is committed, as this server has them.
func (s *Server) Events() *events.Broker { return s.events }

// NewID makes an id for something new.
func (s *Server) NewID() structs.ID { return s.cfg.IDs.NewID() }

// ID is the server's own id; zero until Run has read it.
func (s *Server) ID() structs.ID {
	if id := s.id.Load(); id != nil {
		return *id
	}
	return structs.ID{}
}

// Name and Region are those of the configuration.
func (s *Server) Name() string   { return s.cfg.Name }
func (s *Server) Region() string { return s.cfg.Region }

// Propose stamps the time, writes the command to the log together with those that wait beside it, and returns when it was
// applied here. The error of a command that was refused is the state machine's; KindNoLeader when this server does not lead, KindConflict
// when a server of the cluster does not know the command.
// When ctx ends first, the command may still be applied.
func (s *Server) Propose(ctx context.Context, kind structs.CommandKind, body msgp.Marshaler) (Applied, error) {
	if !s.IsLeader() {
		return Applied{}, s.notLeading()
	}
	if err := s.knownByAll(needs(kind, body)); err != nil {
		return Applied{}, err
	}
	s.cfg.reach(atPropose)
	ctx, span := s.cfg.traces.begin(ctx, body)
	a, err := s.proposer.propose(ctx, kind, time.Now().UnixNano(), body)
	span.End(err)
	s.cfg.reach(atReply)
	return a, err
}

// Fault is why this server cannot lead, in plain words: its disk. Nil when nothing keeps it from leading.
func (s *Server) Fault() error { return s.disk.Load().fault() }

// notLeading says why this server takes no changes: its own disk, when that is why it does not lead.
func (s *Server) notLeading() error {
	if err := s.disk.Load().fault(); err != nil {
		return err
	}
	return errNoLeader()
}

// append is the proposer's way into the log.
func (s *Server) append(data []byte) func() (uint64, []fsm.Result, error) {
	future := s.raft.Load().Apply(data, 0)
	return func() (uint64, []fsm.Result, error) {
		index, results, err := applied(future)
		if err != nil && !errors.Is(err, errOutcomeUnknown) && structs.KindOf(err) != structs.KindInternal {
			if fault := s.disk.Load().fault(); fault != nil {
				err = fault
			}
		}
		return index, results, err
	}
}

// IsLeader reports that this server leads and its term is established. The loops of a term that is over may still be ending, even
// when raft leads again: then what was committed in between may not be applied, and this server leads when that is.
func (s *Server) IsLeader() bool {
	term, r := s.leading.Load(), s.raft.Load()
	return term != 0 && r.CurrentTerm() == term && r.State() == raft.Leader
}

// LeaderAddr is the address of the leader, false when none is known.
func (s *Server) LeaderAddr() (string, bool) {
	r := s.raft.Load()
	if r == nil {
		return "", false
	}
	addr, _ := r.LeaderWithID()
	return string(addr), addr != ""
}

// Peer is a member of the consensus group.
type Peer struct {
	ID     string
	Addr   string
	Voter  bool
	Leader bool
}

// Peers are the members of the consensus group, and the index of the log that made them so.
func (s *Server) Peers() ([]Peer, uint64, error) {
	r := s.raft.Load()
	if r == nil {
		return nil, 0, errNoLeader()
	}
	future := r.GetConfiguration()
	if err := future.Error(); err != nil {
		return nil, 0, raftError(err)
	}
	_, leader := r.LeaderWithID()
	var peers []Peer
	for _, m := range future.Configuration().Servers {
		peers = append(peers, Peer{ID: string(m.ID), Addr: string(m.Address), Voter: m.Suffrage == raft.Voter, Leader: m.ID == leader})
	}
	return peers, future.Index(), nil
}

// Stats are figures of the parts, by part, as text.
func (s *Server) Stats() map[string]map[string]string {
	stats := map[string]map[string]string{
		"server": {"leader": fmt.Sprint(s.IsLeader()), "index": fmt.Sprint(s.store.Index())},
	}
	if r := s.raft.Load(); r != nil {
		stats["raft"] = r.Stats()
	}
	stats["heartbeat"] = map[string]string{"active": fmt.Sprint(s.beats.Active())}
	return stats
}
