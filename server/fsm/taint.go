package fsm

import "berth/structs"

// ownTaints gives a node that registers the taints it tells of, beside those it has from its operator. One that it had before
// keeps its time. What cannot be a taint is left out: a node must not be kept from the cluster for it.
func (a *applier) ownTaints(n *structs.Node, had []*structs.Taint) {
	told := n.Taints
	if structs.CheckTaints(told) != nil {
		told = nil
	}
	if n.Taints = had; len(told)+len(had) > 0 {
		n.SetTaints(structs.TaintFromNode, told, a.at)
	}
}

// nodeTaints replaces the taints a node has from its operator.
func (a *applier) nodeTaints(c *structs.NodeTaintsCommand) (any, error) {
	const cmd = structs.CmdNodeTaints
	err := a.changeNode(cmd, c.NodeID, func(n *structs.Node) error {
		subject := named("node", c.NodeID)
		if c.Check && c.Index != n.TaintsIndex {
			return fault(cmd, structs.KindConflict, subject, "its taints were changed at index %d, not %d", n.TaintsIndex, c.Index)
		}
		if err := structs.CheckTaints(c.Taints); err != nil {
			return fault(cmd, structs.KindInvalid, subject, "%v", err)
		}
		for _, t := range c.Taints {
			for _, own := range n.TaintsOf(structs.TaintFromNode) {
				if own.Key == t.Key && own.Effect == t.Effect {
					return fault(cmd, structs.KindConflict, subject, "taint %s is set by the node's own configuration: change it there", own)
				}
			}
		}
		n.SetTaints(structs.TaintFromOperator, c.Taints, a.at)
		n.TaintsIndex = a.index
		a.tell(n, c.Event)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return nil, a.putEvals(c.Evals)
}
