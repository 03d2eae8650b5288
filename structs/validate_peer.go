package structs

// peersMax bounds the peer rules of a group, gatesMax its gates.
const (
	peersMax = 32
	gatesMax = 32
)

// checkTogether checks what ties a group to others: its peers, its gang and its gates.
func (c *checker) checkTogether(p *place, g *TaskGroup) {
	system := c.job.Type == JobTypeSystem || c.job.Type == JobTypeSysBatch
	if len(g.Peers) > peersMax {
		c.fault(p.in("Peers"), "there are %d peer rules; at most %d are allowed", len(g.Peers), peersMax)
		return
	}
	for i, peer := range g.Peers {
		c.checkPeer(p.item("Peers", i), peer, system)
	}
	if g.Gang != "" && system {
		c.fault(p.in("Gang"), "a %s job has no gang: it runs on every node that fits", c.job.Type)
	}
	if len(g.Gates) > gatesMax {
		c.fault(p.in("Gates"), "there are %d gates; at most %d are allowed", len(g.Gates), gatesMax)
		return
	}
	for i, gate := range g.Gates {
		if gate == "" {
			c.fault(p.item("Gates", i), "a gate has no name")
		}
	}
}

func (c *checker) checkPeer(p *place, peer *Peer, system bool) {
	if peer.Job == "" && peer.Group == "" && len(peer.Meta) == 0 {
		c.fault(p, "the peer rule does not say whose allocations are meant").Hint = "set job, group or meta"
	}
	if peer.Relation != PeerNear && peer.Relation != PeerApart {
		c.fault(p.in("Relation"), `relation is %q; it must be "near" or "apart"`, clip(peer.Relation))
	}
	c.checkTarget(p.in("Topology"), scopeGroup, peer.Topology)
	if w := val(peer.Weight); peer.Weight != nil && (w < 1 || w > 100) {
		c.fault(p.in("Weight"), "weight is %d; it must be between 1 and 100", w).Hint = "leave it out for a rule that must be kept"
	}
	if system && peer.Weight != nil {
		c.fault(p.in("Weight"), "a %s job has no wishes about peers: it runs on every node that fits", c.job.Type).Hint = "leave weight out, so that the rule must be kept"
	}
}
