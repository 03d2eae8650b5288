package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-metrics"
	"github.com/hashicorp/raft"

	"berth/server/membership"
	"berth/structs"
)

// Gossip is how servers find each other; *membership.Membership is it.
type Gossip interface {
	Run(ctx context.Context) error
	// Members are all machines that were heard of, in the order of their names.
	Members() []membership.Member
	// Changed has a value when Members may have changed.
	Changed() <-chan struct{}
	Join(addrs []string) (int, error)
	Leave() error
	ForceLeave(name string, prune bool) error
	// SetFormed tells the others that this server has a cluster's log.
	SetFormed() error
}

// Times of the watch over the members.
const (
	// membersInterval is how often they are looked at though nothing was told.
	membersInterval = 5 * time.Second
	// changeTimeout bounds a change of raft's members.
	changeTimeout = 10 * time.Second
	// verifyTime bounds how long it is asked whether this server leads; each time raft is, some answer of the others has come.
	verifyTime = 5 * time.Second
	// readyCheck is how often a server that starts looks whether it has caught up.
	readyCheck = 10 * time.Millisecond
	// transferTimeout bounds the hand-over of leadership by a server that ends.
	transferTimeout = time.Second
)

// servers are the members of this region that are servers.
func (s *Server) servers() []membership.Member {
	if s.cfg.Gossip == nil {
		return nil
	}
	all := s.cfg.Gossip.Members()
	return slices.DeleteFunc(all, func(m membership.Member) bool { return m.Region != s.cfg.Region || m.ID.IsZero() })
}

// watchMembers forms the cluster when those that were expected are there, and notes that it is formed.
func (s *Server) watchMembers(ctx context.Context) error {
	tick := time.NewTicker(membersInterval)
	defer tick.Stop()
	told := false
	for {
		servers, err := s.configured()
		if err != nil {
			return err
		}
		if len(servers) == 0 {
			if err := s.form(); err != nil {
				s.log.Error("the cluster is not formed", "error", err)
			}
		} else if !told {
			s.cfg.reach(atMember)
			if err := markMember(s.cfg.DataDir); err != nil {
				return err
			}
			s.cfg.reach(atMarked)
			if err := s.cfg.Gossip.SetFormed(); err != nil { // it has not begun: soon, then
				s.log.Debug("the others are not told that this server has a cluster", "error", err)
			} else {
				told = true
			}
		}
		s.lookAtLevels(servers)
		s.wakeLeader()
		select {
		case <-s.cfg.Gossip.Changed():
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// configured are raft's members.
func (s *Server) configured() ([]raft.Server, error) {
	f := s.raft.Load().GetConfiguration()
	if err := f.Error(); err != nil {
		return nil, raftError(err)
	}
	return f.Configuration().Servers, nil
}

// form makes the cluster of the servers that were expected. One of them does, so that there cannot be two: the one whose id is
// the least. The others get its log when they vote.
func (s *Server) form() error {
	if s.cfg.Expect == 0 || s.cfg.NonVoter || rejoins(s.cfg.DataDir) {
		return nil
	}
	first, why := formation(s.ID(), s.cfg.Expect, s.servers())
	if first == nil {
		s.log.Debug("the cluster is not formed yet", "why", why)
		return nil
	}
	s.cfg.reach(atForm)
	if err := s.raft.Load().BootstrapCluster(raft.Configuration{Servers: first}).Error(); err != nil && !errors.Is(err, raft.ErrCantBootstrap) {
		return fmt.Errorf("form the cluster: %w", err)
	} else if have, cerr := s.configured(); err != nil && cerr == nil && len(have) == 0 {
		return errors.New("form the cluster: it was begun and could not be ended; restart this server")
	}
	s.cfg.reach(atFormed)
	s.log.Info("the cluster is formed", "servers", len(first))
	return nil
}

// formation is the first configuration this server should write, nil with the reason when it should not.
func formation(own structs.ID, expect int, members []membership.Member) ([]raft.Server, string) {
	var first []raft.Server
	least := own
	for _, m := range members {
		switch {
		case m.Status != membership.StatusAlive || m.NonVoter:
			continue
		case m.Formed:
			return nil, fmt.Sprintf("%s has a cluster: its leader will add this server", m.Name)
		case m.Expect != expect:
			return nil, fmt.Sprintf("%s expects %d servers, this one %d: set bootstrap_expect alike", m.Name, m.Expect, expect)
		}
		if m.ID.Compare(least) < 0 {
			least = m.ID
		}
		first = append(first, raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(m.ID.String()), Address: raft.ServerAddress(m.RPCAddr)})
	}
	switch {
	case len(first) < expect:
		return nil, fmt.Sprintf("%d of %d servers are there", len(first), expect)
	case least != own:
		return nil, "another server forms it"
	}
	return first, ""
}

// wakeLeader makes a leader compare raft's members with those that are heard of.
func (s *Server) wakeLeader() {
	select {
	case s.members <- struct{}{}:
	default:
	}
}

// runMembers keeps raft's members as gossip tells them, while this server leads.
func (s *Server) runMembers(ctx context.Context) error {
	for {
		if err := s.reconcileMembers(); err != nil {
			s.log.Warn("the servers of the cluster are not as they should be", "error", err)
		}
		select {
		case <-s.members:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reconcileMembers adds servers that came, moves those that have another address, and removes those that left. One that
// failed is the autopilot's.
func (s *Server) reconcileMembers() error {
	defer metrics.MeasureSince([]string{"nomad", "leader", "reconcile"}, time.Now())
	have, err := s.configured()
	if err != nil {
		return err
	}
	r := s.raft.Load()
	var errs []error
	snap := s.store.Snapshot()
	revoked := func(id structs.ID) bool { return snap.CertificateRevocation(id.String()) != nil }
	for _, c := range changes(s.ID(), have, s.servers(), revoked) {
		var f raft.IndexFuture
		switch {
		case c.remove:
			f = r.RemoveServer(c.server.ID, 0, changeTimeout)
		case c.server.Suffrage == raft.Voter:
			f = r.AddVoter(c.server.ID, c.server.Address, 0, changeTimeout)
		default:
			f = r.AddNonvoter(c.server.ID, c.server.Address, 0, changeTimeout)
		}
		if err := f.Error(); err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", c.what, c.server.ID, err))
			continue
		}
		s.log.Info("the servers of the cluster changed", "what", c.what, "id", c.server.ID, "address", c.server.Address)
	}
	return errors.Join(errs...)
}

// change is one step towards the members that are heard of.
type change struct {
	what   string
	server raft.Server
	remove bool
}

// changes are the steps from raft's members to those that are heard of. A new server has no vote: the autopilot gives it one. One whose
// certificates are revoked is shut out, whatever gossip tells of it.
func changes(own structs.ID, have []raft.Server, members []membership.Member, revoked func(structs.ID) bool) []change {
	byID := map[raft.ServerID]raft.Server{}
	var out []change
	for _, h := range have {
		byID[h.ID] = h
		if id, err := structs.ParseID(string(h.ID)); err == nil && id != own && revoked(id) {
			out = append(out, change{"removed, its certificates are revoked", h, true})
		}
	}
	for _, m := range members {
		id := raft.ServerID(m.ID.String())
		h, in := byID[id]
		switch {
		case m.ID != own && revoked(m.ID):
		case m.Status == membership.StatusAlive && !in:
			for _, old := range have {
				if old.Address == raft.ServerAddress(m.RPCAddr) {
					out = append(out, change{"removed, another has its address", old, true})
				}
			}
			out = append(out, change{"added", raft.Server{Suffrage: raft.Nonvoter, ID: id, Address: raft.ServerAddress(m.RPCAddr)}, false})
		case m.Status == membership.StatusAlive && h.Address != raft.ServerAddress(m.RPCAddr):
			h.Address = raft.ServerAddress(m.RPCAddr)
			out = append(out, change{"moved", h, false})
		case m.Status == membership.StatusLeft && in && m.ID != own:
			out = append(out, change{"removed", h, true})
		}
	}
	return out
}

// watchDisk makes a leader silent whose disk does not answer, so that another is elected. Raft alone would go on sending
// heartbeats while it cannot write.
func (s *Server) watchDisk(ctx context.Context, w *wire) error {
	tick := time.NewTicker(stallCheck)
	defer tick.Stop()
	defer w.cut.Store(false)
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		stalled := s.disk.Load().stalled(time.Now())
		if cut := stalled > stallLimit; w.cut.Swap(cut) != cut && cut {
			s.log.Error("the disk does not answer: another server should lead", "since", stalled.Round(time.Millisecond), "path", s.disk.Load().path)
		}
	}
}

// becomeReady waits until a leader is known and everything it had committed is applied here.
func (s *Server) becomeReady(ctx context.Context) error {
	r := s.raft.Load()
	tick := time.NewTicker(readyCheck)
	defer tick.Stop()
	for {
		select {
		case <-s.ready:
			<-ctx.Done()
			return ctx.Err()
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if _, leader := r.LeaderWithID(); leader != "" && r.State() == raft.Follower && r.CommitIndex() > 0 && r.AppliedIndex() >= r.CommitIndex() {
			s.readyOnce.Do(func() { close(s.ready) })
		}
	}
}

// handOver gives leadership to another server before this one ends, and leaves the cluster if that was asked for.
func (s *Server) handOver() {
	r := s.raft.Load()
	if r.State() == raft.Leader {
		if servers, err := s.configured(); err == nil && otherVoters(servers, raft.ServerID(s.ID().String())) {
			s.cfg.reach(atHandOver)
			f := r.LeadershipTransfer()
			done := make(chan error, 1)
			go func() { done <- f.Error() }()
			select {
			case err := <-done:
				if err != nil {
					s.log.Warn("leadership is not handed over", "error", err)
				}
			case <-time.After(transferTimeout):
			}
			s.cfg.reach(atHandedOver)
		}
	}
	if s.cfg.LeaveOnStop && s.cfg.Gossip != nil {
		if err := s.cfg.Gossip.Leave(); err != nil {
			s.log.Warn("the others are not told that this server leaves", "error", err)
		}
	}
}

func otherVoters(servers []raft.Server, own raft.ServerID) bool {
	return slices.ContainsFunc(servers, func(m raft.Server) bool { return m.Suffrage == raft.Voter && m.ID != own })
}

// Members are all machines gossip tells of; without gossip this server alone.
func (s *Server) Members() []membership.Member {
	if s.cfg.Gossip != nil {
		return s.cfg.Gossip.Members()
	}
	return []membership.Member{membership.Alone(membership.Config{Name: s.cfg.Name, Region: s.cfg.Region, Datacenter: s.cfg.Datacenter, ID: s.ID,
		RPCAddr: s.cfg.Addr, Expect: 1, Version: s.cfg.Version, Level: Level()})}
}

// errNoGossip is the answer of a server that knows no others.
func errNoGossip() error {
	return &structs.Error{Kind: structs.KindInvalid, Err: errors.New("this server runs alone: it takes part in no gossip"),
		Hint: "run it without -dev, with bind_addr set to an address other machines reach"}
}

// Join asks the machines at some gossip addresses to take this one in, and gives how many did.
func (s *Server) Join(addrs []string) (int, error) {
	if s.cfg.Gossip == nil {
		return 0, errNoGossip()
	}
	return s.cfg.Gossip.Join(addrs)
}

// ForceLeave makes the others take a failed member as one that left; prune forgets it at once.
func (s *Server) ForceLeave(name string, prune bool) error {
	if s.cfg.Gossip == nil {
		return errNoGossip()
	}
	if !slices.ContainsFunc(s.cfg.Gossip.Members(), func(m membership.Member) bool { return m.Name == name }) {
		full := membership.MemberName(name, s.cfg.Region)
		if !slices.ContainsFunc(s.cfg.Gossip.Members(), func(m membership.Member) bool { return m.Name == full }) {
			return &structs.Error{Kind: structs.KindNotFound, Subject: fmt.Sprintf("member %q", name), Err: errors.New("is not known"),
				Hint: "`berth server members` lists them"}
		}
		name = full
	}
	return s.cfg.Gossip.ForceLeave(name, prune)
}

// Keys works on the keys gossip is encrypted with; *membership.Membership does.
type Keys interface {
	ListKeys() (*membership.Keys, error)
	InstallKey(key string) (*membership.Keys, error)
	UseKey(key string) (*membership.Keys, error)
	RemoveKey(key string) (*membership.Keys, error)
}

// GossipKeys gives the keys gossip is encrypted with.
func (s *Server) GossipKeys() (Keys, error) {
	if k, ok := s.cfg.Gossip.(Keys); ok {
		return k, nil
	}
	return nil, errNoGossip()
}

// RemovePeer takes a server out of the consensus group, by its id or its address.
func (s *Server) RemovePeer(id, addr string) error {
	r := s.raft.Load()
	if r == nil || !s.IsLeader() {
		return s.notLeading()
	}
	servers, err := s.configured()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(servers, func(m raft.Server) bool {
		return id != "" && strings.EqualFold(string(m.ID), id) || id == "" && string(m.Address) == addr
	})
	if i < 0 {
		return &structs.Error{Kind: structs.KindNotFound, Subject: fmt.Sprintf("peer %q", id+addr), Err: errors.New("is not in the raft configuration"),
			Hint: "`berth operator raft list-peers` lists them"}
	}
	if err := r.RemoveServer(servers[i].ID, 0, changeTimeout).Error(); err != nil {
		return raftError(err)
	}
	s.log.Info("the servers of the cluster changed", "what", "removed by hand", "id", servers[i].ID, "address", servers[i].Address)
	return nil
}

// TransferLeadership gives leadership to another voter: one named by id or address, any when both are empty.
func (s *Server) TransferLeadership(id, addr string) error {
	r := s.raft.Load()
	if r == nil || !s.IsLeader() {
		return s.notLeading()
	}
	servers, err := s.configured()
	if err != nil {
		return err
	}
	var f raft.Future
	if id == "" && addr == "" {
		if !otherVoters(servers, raft.ServerID(s.ID().String())) {
			return &structs.Error{Kind: structs.KindConflict, Err: errors.New("there is no other voter to lead")}
		}
		f = r.LeadershipTransfer()
	} else {
		i := slices.IndexFunc(servers, func(m raft.Server) bool {
			return id != "" && strings.EqualFold(string(m.ID), id) || id == "" && string(m.Address) == addr
		})
		switch {
		case i < 0:
			return &structs.Error{Kind: structs.KindNotFound, Subject: fmt.Sprintf("peer %q", id+addr), Err: errors.New("is not in the raft configuration"),
				Hint: "`berth operator raft list-peers` lists them"}
		case servers[i].Suffrage != raft.Voter:
			return &structs.Error{Kind: structs.KindConflict, Subject: fmt.Sprintf("peer %q", id+addr), Err: errors.New("has no vote and cannot lead")}
		case servers[i].ID == raft.ServerID(s.ID().String()):
			return nil
		}
		f = r.LeadershipTransferToServer(servers[i].ID, servers[i].Address)
	}
	if err := f.Error(); err != nil {
		return raftError(err)
	}
	return nil
}

// Leader is the server that leads, as far as is known here.
func (s *Server) Leader() (id structs.ID, addr string, known bool) {
	r := s.raft.Load()
	if r == nil {
		return structs.ID{}, "", false
	}
	a, raw := r.LeaderWithID()
	id, err := structs.ParseID(string(raw))
	if err != nil || a == "" {
		return structs.ID{}, "", false
	}
	if s.cfg.Resolve != nil {
		if now, ok := s.cfg.Resolve(id); ok {
			return id, now, true
		}
	}
	return id, string(a), true
}

// AddrOf is the address of a server's cluster port: as gossip tells it, else as the log has it.
func (s *Server) AddrOf(id structs.ID) (string, bool) {
	if s.cfg.Resolve != nil {
		if addr, ok := s.cfg.Resolve(id); ok {
			return addr, true
		}
	}
	for addr, peer := range s.peerAddrs() {
		if peer == id {
			return addr, true
		}
	}
	return "", false
}

// peerAddrs are the servers of the log by address, without this one.
func (s *Server) peerAddrs() map[string]structs.ID {
	out := map[string]structs.ID{}
	if s.raft.Load() == nil {
		return out
	}
	servers, err := s.configured()
	if err != nil {
		return out
	}
	for _, m := range servers {
		if id, err := structs.ParseID(string(m.ID)); err == nil && id != s.ID() {
			out[string(m.Address)] = id
		}
	}
	return out
}

// OtherServers are the addresses of the cluster ports of the servers the log has besides this one, sorted.
func (s *Server) OtherServers() []string { return slices.Sorted(maps.Keys(s.peerAddrs())) }

// LastContact is how long ago the leader was heard of: 0 at the leader itself, negative when none ever was.
func (s *Server) LastContact() time.Duration {
	r := s.raft.Load()
	switch {
	case r == nil:
		return -1
	case r.State() == raft.Leader:
		return 0
	}
	at := r.LastContact()
	if at.IsZero() {
		return -1
	}
	return time.Since(at)
}

// VerifyLeader asks the other servers whether this one still leads: what it answers then is the newest there is. Why more than raft's own: that
// counts answers to what was asked before, too, as they lie there when a process that was stopped goes on.
func (s *Server) VerifyLeader() error {
	term, r := s.leading.Load(), s.raft.Load()
	if r == nil || !s.IsLeader() {
		return s.notLeading()
	}
	w := s.wire.Load()
	before := w.asked.Load()
	for began := time.Now(); time.Since(began) < verifyTime; {
		err := r.VerifyLeader().Error()
		if errors.Is(err, raft.ErrLeadershipLost) || err == nil && r.CurrentTerm() != term { // in another term what came before may not be applied
			return s.notLeading()
		}
		if err != nil {
			return raftError(err)
		}
		servers, err := s.configured()
		if err != nil {
			return err
		}
		if w.leads(raft.ServerID(s.ID().String()), term, before, servers) {
			return nil
		}
	}
	return errNoLeader()
}
