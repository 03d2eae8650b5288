package httpapi

import (
	"time"

	"berth/api"
	"berth/server/drain"
	"berth/state"
	"berth/structs"
)

// leavingMax bounds how many allocations are told of one by one.
const leavingMax = 20

// leaving are allocations that are to leave their nodes, for drains or taints, and may not yet, each with what it waits for.
func leaving(s *state.Snapshot, which func(*structs.Allocation) bool) []api.WhyWaiting {
	var out []api.WhyWaiting
	for _, w := range drain.Step(s, time.Now()).Waiting {
		if !which(w.Alloc) {
			continue
		}
		x := api.WhyWaiting{Subject: "allocation " + w.Alloc.ID.Short() + " (" + w.Alloc.Name() + ")", Reason: "is to leave its node and waits: " + w.Reason}
		if n := s.Node(w.Alloc.NodeID); n != nil && n.DrainStrategy != nil {
			x.Since = n.DrainStrategy.StartedAt.UnixNano()
			if !n.DrainStrategy.ForceDeadline.IsZero() {
				x.Deadline = n.DrainStrategy.ForceDeadline.UnixNano()
			}
		} else if n != nil {
			x.Since = newestTaint(n)
		}
		if out = append(out, x); len(out) == leavingMax {
			break
		}
	}
	return out
}

// newestTaint is when the node got the last taint that makes allocations leave, Unix ns.
func newestTaint(n *structs.Node) int64 {
	since := int64(0)
	for _, t := range n.Taints {
		if t.Effect == structs.TaintNoExecute {
			since = max(since, t.Since)
		}
	}
	return since
}
