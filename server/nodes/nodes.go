package nodes

import (
	"iter"
	"slices"
	"time"

	"berth/scheduler/fleet"
	"berth/server/trigger"
	"berth/structs"
)

// State is what is read of the state.
type State interface {
	trigger.State
	Index() uint64
	Node(id structs.ID) *structs.Node
	Nodes() iter.Seq[*structs.Node]
}

// Register stores a node's description of itself. Jobs are looked at again when that gives them something new.
func Register(st State, node *structs.Node, now time.Time, ids trigger.IDs) *structs.NodeRegisterCommand {
	own := *node
	if own.NodePool == "" {
		own.NodePool = structs.DefaultNodePool
	}
	own.ComputedClass = fleet.ComputedClass(&own)
	cmd := &structs.NodeRegisterCommand{Node: &own}
	old := st.Node(own.ID)
	if own.Status == structs.NodeStatusReady && (old == nil || old.Status != own.Status || old.ComputedClass != own.ComputedClass || !sameTaints(old, &own)) {
		cmd.Evals = trigger.Node(st, own.ID, st.Index(), structs.EvalTriggerNodeUpdate, now, ids)
	}
	return cmd
}

// sameTaints reports that a node tells of the taints it told of before.
func sameTaints(old, own *structs.Node) bool {
	a, b := old.TaintsOf(structs.TaintFromNode), own.Taints
	if len(a) != len(b) {
		return false
	}
	had := map[string]bool{}
	for _, t := range a {
		had[t.String()] = true
	}
	return !slices.ContainsFunc(b, func(t *structs.Taint) bool { return !had[t.String()] })
}

// Heard moves a known node to the status it tells, nil when it has that already.
func Heard(st State, id structs.ID, status structs.NodeStatus, now time.Time, ids trigger.IDs) *structs.NodeStatusCommand {
	node := st.Node(id)
	if node == nil || status == "" || node.Status == status {
		return nil
	}
	cmd := &structs.NodeStatusCommand{NodeID: id, Status: status,
		Evals: trigger.Node(st, id, st.Index(), structs.EvalTriggerNodeUpdate, now, ids)}
	if node.Status != structs.NodeStatusInit {
		cmd.Event = event("Node reregistered by heartbeat", now)
	}
	return cmd
}

// Shutdown drains a node whose agent ends, or opens it again when the agent is back; nil when there is nothing to do: it is drained by the
// operator, or was not drained because it ended.
func Shutdown(st State, node *structs.Node, req *structs.NodeShutdownRequest, now time.Time, ids trigger.IDs) *structs.NodeShutdownCommand {
	own, opens := node.DrainStrategy != nil && node.DrainStrategy.Shutdown, node.LastDrain != nil && node.LastDrain.Shutdown
	if req.Back && !own && !opens || node.DrainStrategy != nil && !own {
		return nil
	}
	cmd := &structs.NodeShutdownCommand{NodeID: node.ID, Back: req.Back, Deadline: req.Deadline, Force: req.Force, IgnoreSystemJobs: req.IgnoreSystemJobs,
		Event: &structs.NodeEvent{Message: "Node is drained: its agent ends", Subsystem: "Drain", Timestamp: now.UTC()}}
	if req.Back {
		cmd.Event.Message = "Node is eligible again: its agent is back"
		cmd.Evals = trigger.Node(st, node.ID, st.Index(), structs.EvalTriggerNodeUpdate, now, ids)
	}
	return cmd
}

// Missed records that a node was not heard of in time, nil when that is known or the node is gone. A node with an allocation that
// may be out of touch for a while is disconnected, any other is down.
func Missed(st State, id structs.ID, now time.Time, ids trigger.IDs) *structs.NodeStatusCommand {
	node := st.Node(id)
	if node == nil || node.Status == structs.NodeStatusDown || node.Status == structs.NodeStatusDisconnected {
		return nil
	}
	status := structs.NodeStatusDown
	for a := range st.AllocsByNode(id) {
		if g := a.Group(); g != nil && !a.Terminal() && g.Disconnect != nil && g.Disconnect.LostAfter != nil && *g.Disconnect.LostAfter > 0 {
			status = structs.NodeStatusDisconnected
			break
		}
	}
	return &structs.NodeStatusCommand{NodeID: id, Status: status, Description: "heartbeat missed", Event: event("Node heartbeat missed", now),
		Evals: trigger.Node(st, id, st.Index(), structs.EvalTriggerNodeUpdate, now, ids)}
}

// Reports stores what a node tells of its allocations, nil when nothing of it is the node's to tell any more: what was reaped
// meanwhile, or is another node's.
func Reports(st State, node structs.ID, updates []*structs.AllocClientUpdate, now time.Time, ids trigger.IDs) *structs.AllocClientUpdateCommand {
	own := make([]*structs.AllocClientUpdate, 0, len(updates))
	for _, u := range updates {
		if a := st.Alloc(u.ID); a != nil && a.NodeID == node {
			its := *u
			its.NodeID = node
			own = append(own, &its)
		}
	}
	if len(own) == 0 {
		return nil
	}
	return &structs.AllocClientUpdateCommand{Updates: own, Evals: trigger.Reports(st, own, now, ids)}
}

// Alive are the nodes a new leader expects to hear of, by id.
func Alive(st State) []structs.ID {
	var ids []structs.ID
	for n := range st.Nodes() {
		if n.Status != structs.NodeStatusDown && n.Status != structs.NodeStatusDisconnected {
			ids = append(ids, n.ID)
		}
	}
	return ids
}

func event(message string, now time.Time) *structs.NodeEvent {
	return &structs.NodeEvent{Message: message, Subsystem: "Cluster", Timestamp: now.UTC()}
}
