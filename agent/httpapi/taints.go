package httpapi

import (
	"strings"

	"berth/structs"
)

// nodeTaints replaces the taints that a node has from its operator; with Cas only if they were last changed at that index.
func (a *API) nodeTaints(r *request) (any, error) {
	var req struct {
		NodeID structs.ID // of the path; told as in the other bodies of nodes
		Taints []*structs.Taint
		Cas    *uint64
	}
	if err := r.ownBody(&req); err != nil {
		return nil, err
	}
	if err := structs.CheckTaints(req.Taints); err != nil {
		return nil, invalid("%v", err)
	}
	names := make([]string, len(req.Taints))
	for i, t := range req.Taints {
		names[i] = t.String()
	}
	message := "Node has no taints of its operator any more"
	if len(names) > 0 {
		message = "Node taints set: " + strings.Join(names, ", ")
	}
	return a.change(r, structs.CmdNodeTaints, func(n *structs.Node, evals []*structs.Evaluation) any {
		c := &structs.NodeTaintsCommand{NodeID: n.ID, Taints: req.Taints, Evals: evals, Event: nodeEvent("Cluster", message)}
		if req.Cas != nil {
			c.Check, c.Index = true, *req.Cas
		}
		return c
	}, true)
}
