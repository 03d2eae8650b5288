package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-metrics"

	"berth/server/nodes"
	"berth/state"
	"berth/structs"
)

// Register stores a node's description of itself and begins to expect its heartbeats. A node that is known must bring the
// secret it registered with first.
func (s *Server) Register(ctx context.Context, req *structs.NodeRegisterRequest) (*structs.NodeRegisterResponse, error) {
	if !s.IsLeader() {
		return nil, s.notLeading()
	}
	if err := nodes.Check(req.Node); err != nil {
		return nil, err
	}
	if err := s.proposer.holes.in(req.Node); err != nil {
		return nil, err
	}
	snap := s.store.Snapshot()
	old := snap.Node(req.Node.ID)
	if old != nil && old.SecretID != req.Node.SecretID {
		return nil, errSecret(req.Node.ID)
	}
	cmd := nodes.Register(snap, req.Node, time.Now(), s.cfg.IDs)
	node := cmd.Node
	applied, err := s.Propose(ctx, structs.CmdNodeRegister, cmd)
	if err != nil {
		return nil, err
	}
	if old == nil {
		s.log.Info("node registered", "node_id", node.ID, "name", node.Name, "datacenter", node.Datacenter)
	}
	return &structs.NodeRegisterResponse{HeartbeatTTL: s.beats.Beat(node.ID), Index: applied.Index}, nil
}

// Heartbeat notes that a node lives, and answers within which time the next one is expected. KindNotFound when the node must
// register first.
func (s *Server) Heartbeat(ctx context.Context, req *structs.NodeHeartbeatRequest) (*structs.NodeRegisterResponse, error) {
	if !s.IsLeader() {
		return nil, s.notLeading()
	}
	snap := s.store.Snapshot()
	node, err := authorise(snap, req.NodeID, req.SecretID)
	if err != nil {
		if snap.Node(req.NodeID) == nil { // taken out of the cluster: nothing more is expected of it
			s.beats.Forget(req.NodeID)
		}
		return nil, err
	}
	if err := nodes.CheckStatus(req.Status); err != nil {
		return nil, err
	}
	index := snap.Index()
	if cmd := nodes.Heard(snap, node.ID, req.Status, time.Now(), s.cfg.IDs); cmd != nil {
		applied, err := s.Propose(ctx, structs.CmdNodeStatus, cmd)
		if err != nil {
			return nil, err
		}
		index = applied.Index
		s.log.Info("node came back", "node_id", node.ID, "name", node.Name, "was", node.Status, "is", req.Status)
	}
	return &structs.NodeRegisterResponse{HeartbeatTTL: s.beats.Beat(node.ID), Index: index}, nil
}

// NodeShutdown drains a node whose agent ends, or opens it again when the agent is back, unless the operator has closed it since.
func (s *Server) NodeShutdown(ctx context.Context, req *structs.NodeShutdownRequest) error {
	if !s.IsLeader() {
		return s.notLeading()
	}
	snap := s.store.Snapshot()
	node, err := authorise(snap, req.NodeID, req.SecretID)
	if err != nil {
		return err
	}
	if err := nodes.CheckShutdown(req); err != nil {
		return err
	}
	cmd := nodes.Shutdown(snap, node, req, time.Now(), s.cfg.IDs)
	if cmd == nil {
		return nil
	}
	if _, err := s.Propose(ctx, structs.CmdNodeShutdown, cmd); err != nil {
		return err
	}
	s.log.Info("node "+map[bool]string{true: "is back", false: "shuts down: it is drained"}[req.Back], "node_id", node.ID, "name", node.Name)
	return nil
}

// NodeMissed records that a node was not heard of in time; it is the heartbeat monitor's reporter.
func (s *Server) NodeMissed(ctx context.Context, id structs.ID) error {
	snap := s.store.Snapshot()
	cmd := nodes.Missed(snap, id, time.Now(), s.cfg.IDs)
	if cmd == nil {
		return nil
	}
	began := time.Now()
	_, err := s.Propose(ctx, structs.CmdNodeStatus, cmd)
	if err == nil {
		metrics.MeasureSince([]string{"nomad", "heartbeat", "invalidate"}, began)
		s.log.Warn("node was not heard of in time", "node_id", id, "name", snap.Node(id).Name, "is", cmd.Status)
	}
	return err
}

// Allocs answers with what should be on the node as soon as that differs from what the node knows, or when MaxWait is over.
func (s *Server) Allocs(ctx context.Context, req *structs.NodeAllocsRequest) (*structs.NodeAllocsResponse, error) {
	wait := req.MaxWait
	if wait <= 0 || wait > maxNodeWait {
		wait = maxNodeWait
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	if !s.IsLeader() {
		if err := s.reach(ctx, req.MinIndex); err != nil {
			return nil, err
		}
	}
	for {
		snap := s.store.Snapshot()
		if _, err := authorise(snap, req.NodeID, req.SecretID); err != nil {
			return nil, err
		}
		allocs, changed := snap.AllocsByNodeW(req.NodeID)
		resp, news := nodeAllocs(snap.Index(), allocs, req.Known)
		if news && snap.Index() >= req.MinIndex {
			return resp, nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return resp, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// maxLag is how long a server that is behind waits to catch up with what a node knows of already.
const maxLag = 2 * time.Second

// reach waits until the state is as new as a caller has seen it elsewhere.
func (s *Server) reach(ctx context.Context, index uint64) error {
	if s.store.Index() >= index {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxLag)
	defer cancel()
	if err := s.store.WaitIndex(ctx, index); err != nil {
		return &structs.Error{Kind: structs.KindUnavailable, Err: fmt.Errorf("this server is at index %d, and the caller has seen %d", s.store.Index(), index),
			Hint: "ask another server"}
	}
	return nil
}

// nodeAllocs is the answer to a node that knows some allocations by their AllocModifyIndex, and whether it is news to it.
func nodeAllocs(index uint64, allocs func(yield func(*structs.Allocation) bool), known map[string]uint64) (*structs.NodeAllocsResponse, bool) {
	resp := &structs.NodeAllocsResponse{Index: index}
	type version struct {
		key     structs.JobKey
		version uint64
	}
	jobs := map[version]bool{}
	same := 0
	for a := range allocs {
		resp.IDs = append(resp.IDs, a.ID)
		at, ok := known[a.ID.String()]
		if ok {
			same++
		}
		if ok && at >= a.AllocModifyIndex {
			continue
		}
		resp.Allocs = append(resp.Allocs, a)
		v := version{structs.JobKey{Namespace: a.Namespace, ID: a.JobID}, a.JobVersion}
		if a.Job != nil && !jobs[v] {
			jobs[v] = true
			resp.Jobs = append(resp.Jobs, a.Job)
		}
	}
	return resp, len(resp.Allocs) > 0 || same != len(known)
}

// UpdateAllocs stores what a node reports of its allocations.
func (s *Server) UpdateAllocs(ctx context.Context, req *structs.NodeUpdateAllocsRequest) error {
	if !s.IsLeader() {
		return s.notLeading()
	}
	snap := s.store.Snapshot()
	if _, err := authorise(snap, req.NodeID, req.SecretID); err != nil {
		return err
	}
	if err := nodes.CheckReports(req.Updates); err != nil {
		return err
	}
	cmd := nodes.Reports(snap, req.NodeID, req.Updates, time.Now(), s.cfg.IDs)
	if cmd == nil {
		return nil
	}
	_, err := s.Propose(ctx, structs.CmdAllocClientUpdate, cmd)
	return err
}

// authorise gives the node of that id if the secret is its own.
func authorise(snap *state.Snapshot, id, secret structs.ID) (*structs.Node, error) {
	node := snap.Node(id)
	if node == nil {
		return nil, &structs.Error{Kind: structs.KindNotFound, Subject: fmt.Sprintf("node %s", id), Err: errors.New("is not registered")}
	}
	if node.SecretID != secret {
		return nil, errSecret(id)
	}
	return node, nil
}

func errSecret(id structs.ID) error {
	return &structs.Error{Kind: structs.KindUnauthorised, Subject: fmt.Sprintf("node %s", id),
		Err:  errors.New("the secret is not the one this node registered with"),
		Hint: "another machine may have copied its data directory; remove the copy's client directory to give it an identity of its own"}
}
