package fsm

import (
	"maps"
	"slices"
	"time"

	"berth/structs"
)

// changeNode stores a changed copy of a node.
func (a *applier) changeNode(cmd structs.CommandKind, id structs.ID, change func(*structs.Node) error) error {
	old := a.txn.Node(id)
	if old == nil {
		return fault(cmd, structs.KindNotFound, named("node", id), "does not exist")
	}
	n := *old
	if err := change(&n); err != nil {
		return err
	}
	a.txn.PutNode(&n)
	return nil
}

// tell adds an event to a node's history.
func (a *applier) tell(n *structs.Node, e *structs.NodeEvent) {
	if e == nil {
		return
	}
	event := *e
	event.CreateIndex = a.index
	if event.Timestamp.IsZero() {
		event.Timestamp = time.Unix(0, a.at).UTC()
	}
	n.Events = append(slices.Clip(n.Events), &event)
	if len(n.Events) > structs.MaxNodeEvents {
		n.Events = slices.Clone(n.Events[len(n.Events)-structs.MaxNodeEvents:])
	}
}

func clusterEvent(message string) *structs.NodeEvent {
	return &structs.NodeEvent{Message: message, Subsystem: "Cluster"}
}

// setStatus moves a node to a status and notes when.
func (a *applier) setStatus(n *structs.Node, status structs.NodeStatus) {
	if n.Status != status {
		n.StatusUpdatedAt = time.Unix(0, a.at).Unix()
		if status == structs.NodeStatusDown || status == structs.NodeStatusDisconnected {
			n.LastMissedHeartbeat = a.index
		}
	}
	n.Status = status
}

func (a *applier) nodeRegister(c *structs.NodeRegisterCommand) (any, error) {
	const cmd = structs.CmdNodeRegister
	n := c.Node
	if n == nil || n.ID.IsZero() {
		return nil, fault(cmd, structs.KindInvalid, "", "the command has no node")
	}
	if n.NodePool == "" {
		n.NodePool = structs.DefaultNodePool
	}
	if n.NodePool == structs.NodePoolAll {
		return nil, fault(cmd, structs.KindInvalid, named("node", n.ID), "no node can be in pool %q: it stands for all of them", n.NodePool)
	}
	if n.Status == "" {
		n.Status = structs.NodeStatusInit
	}
	status := n.Status
	old := a.txn.Node(n.ID)
	if old == nil {
		n.StatusUpdatedAt = time.Unix(0, a.at).Unix()
		n.DrainStrategy, n.LastDrain, n.Events = nil, nil, nil
		n.LastMissedHeartbeat, n.LastAllocUpdateIndex = 0, 0
		n.TaintsIndex = 0
		a.ownTaints(n, nil)
		if n.SchedulingEligibility == "" {
			n.SchedulingEligibility = structs.NodeEligible
		}
		a.tell(n, clusterEvent("Node registered"))
	} else {
		n.Status, n.StatusUpdatedAt = old.Status, old.StatusUpdatedAt
		n.DrainStrategy, n.LastDrain, n.Events = old.DrainStrategy, old.LastDrain, old.Events
		n.SchedulingEligibility = old.SchedulingEligibility
		n.LastMissedHeartbeat, n.LastAllocUpdateIndex = old.LastMissedHeartbeat, old.LastAllocUpdateIndex
		n.TaintsIndex = old.TaintsIndex
		a.ownTaints(n, old.Taints)
		a.setStatus(n, status)
		if old.Status == structs.NodeStatusDown || old.Status == structs.NodeStatusDisconnected {
			a.tell(n, clusterEvent("Node re-registered"))
		}
	}
	if a.txn.NodePool(n.NodePool) == nil {
		a.txn.PutNodePool(&structs.NodePool{Name: n.NodePool})
	}
	a.txn.PutNode(n)
	return nil, a.putEvals(c.Evals)
}

func (a *applier) nodeDeregister(c *structs.NodeDeregisterCommand) (any, error) {
	if a.txn.Node(c.NodeID) == nil {
		return nil, fault(structs.CmdNodeDeregister, structs.KindNotFound, named("node", c.NodeID), "does not exist")
	}
	a.txn.DeleteNode(c.NodeID)
	return nil, a.putEvals(c.Evals)
}

func (a *applier) nodeStatus(c *structs.NodeStatusCommand) (any, error) {
	const cmd = structs.CmdNodeStatus
	switch c.Status {
	case structs.NodeStatusInit, structs.NodeStatusReady, structs.NodeStatusDown, structs.NodeStatusDisconnected:
	default:
		return nil, fault(cmd, structs.KindInvalid, named("node", c.NodeID), "%q is not a status of nodes", c.Status)
	}
	err := a.changeNode(cmd, c.NodeID, func(n *structs.Node) error {
		a.setStatus(n, c.Status)
		n.StatusDescription = c.Description
		a.tell(n, c.Event)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return nil, a.putEvals(c.Evals)
}

func (a *applier) nodeEligibility(c *structs.NodeEligibilityCommand) (any, error) {
	const cmd = structs.CmdNodeEligibility
	err := a.changeNode(cmd, c.NodeID, func(n *structs.Node) error {
		switch {
		case c.Eligibility != structs.NodeEligible && c.Eligibility != structs.NodeIneligible:
			return fault(cmd, structs.KindInvalid, named("node", c.NodeID), "%q is neither eligible nor ineligible", c.Eligibility)
		case c.Eligibility == structs.NodeEligible && n.DrainStrategy != nil:
			return fault(cmd, structs.KindConflict, named("node", c.NodeID),
				"can not set node's scheduling eligibility to eligible while it is draining")
		}
		n.SchedulingEligibility = c.Eligibility
		if n.LastDrain != nil && n.LastDrain.Shutdown { // from now on it is as the operator says
			n.LastDrain = new(*n.LastDrain)
			n.LastDrain.Shutdown = false
		}
		a.tell(n, c.Event)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return nil, a.putEvals(c.Evals)
}

// Statuses of a node's last drain.
const (
	drainRunning  = "draining"
	drainComplete = "complete"
	drainCanceled = "canceled"
)

func (a *applier) nodeDrain(c *structs.NodeDrainCommand) (any, error) {
	err := a.changeNode(structs.CmdNodeDrain, c.NodeID, func(n *structs.Node) error {
		if c.Strategy != nil {
			a.startDrain(n, c)
		} else {
			a.endDrain(n, c)
		}
		a.tell(n, c.Event)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return nil, a.putEvals(c.Evals)
}

// startDrain begins a drain, or gives one under way other terms.
func (a *applier) startDrain(n *structs.Node, c *structs.NodeDrainCommand) {
	now := time.Unix(0, a.at).UTC()
	s := *c.Strategy
	if s.StartedAt.IsZero() {
		s.StartedAt = now
	}
	last := &structs.DrainMetadata{StartedAt: s.StartedAt, UpdatedAt: now, Status: drainRunning, Meta: c.Meta}
	if n.DrainStrategy != nil {
		s.StartedAt = n.DrainStrategy.StartedAt
		last.StartedAt = s.StartedAt
		if c.Meta == nil && n.LastDrain != nil {
			last.Meta = n.LastDrain.Meta
		}
	}
	if s.ForceDeadline.IsZero() && s.Deadline > 0 {
		s.ForceDeadline = now.Add(s.Deadline)
	}
	n.DrainStrategy, n.LastDrain = &s, last
	n.SchedulingEligibility = structs.NodeIneligible
}

// nodeShutdown drains a node whose agent ends, and opens it again when it is back. What the operator asked for stays as it is.
func (a *applier) nodeShutdown(c *structs.NodeShutdownCommand) (any, error) {
	err := a.changeNode(structs.CmdNodeShutdown, c.NodeID, func(n *structs.Node) error {
		own, opens := n.DrainStrategy != nil && n.DrainStrategy.Shutdown, n.LastDrain != nil && n.LastDrain.Shutdown
		switch {
		case n.DrainStrategy != nil && !own, c.Back && !own && !opens:
			return nil
		case c.Back:
			a.endDrain(n, &structs.NodeDrainCommand{MarkEligible: opens})
			n.LastDrain = new(*n.LastDrain)
			n.LastDrain.Shutdown = false
			a.tell(n, c.Event)
			return nil
		}
		eligible := n.SchedulingEligibility == structs.NodeEligible
		s := &structs.DrainStrategy{DrainSpec: structs.DrainSpec{Deadline: c.Deadline, IgnoreSystemJobs: c.IgnoreSystemJobs}, Shutdown: true}
		s.ForceDeadline = time.Unix(0, a.at).UTC().Add(c.Deadline)
		if c.Force {
			s.Deadline = -1
		}
		a.startDrain(n, &structs.NodeDrainCommand{Strategy: s})
		n.LastDrain.Shutdown = eligible || opens // it is not opened again if it was closed before
		a.tell(n, c.Event)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return nil, a.putEvals(c.Evals)
}

func (a *applier) endDrain(n *structs.Node, c *structs.NodeDrainCommand) {
	if n.DrainStrategy != nil {
		last := structs.DrainMetadata{StartedAt: n.DrainStrategy.StartedAt}
		if n.LastDrain != nil {
			last = *n.LastDrain
			last.Meta = maps.Clone(last.Meta)
		}
		last.UpdatedAt, last.Status = time.Unix(0, a.at).UTC(), drainCanceled
		if c.Complete {
			last.Status = drainComplete
		}
		if c.Meta != nil {
			last.Meta = c.Meta
		}
		last.Shutdown = last.Shutdown && c.Complete // of one that was ended, its node is from now on as who ended it says
		n.LastDrain = &last
	}
	n.DrainStrategy = nil
	if c.MarkEligible {
		n.SchedulingEligibility = structs.NodeEligible
	}
}
