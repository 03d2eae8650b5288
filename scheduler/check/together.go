package check

import "berth/structs"

// together looks at the rules between groups: peers near and apart, both ways, and gates. A rule is only broken by what is placed
// now: what runs may have been there before the rule was.
func (c *planCheck) together() {
	for _, a := range c.placed {
		g := a.Group()
		if len(g.Gates) > 0 {
			c.add(allocSubject(a), "is placed in spite of the gates %v", g.Gates)
		}
		for _, p := range g.Peers {
			if !p.Required() {
				continue
			}
			near := c.near(p, a)
			switch {
			case p.Relation == structs.PeerApart && near != nil:
				c.add(allocSubject(a), "%q: %s is there", p.String(), allocSubject(near))
			case p.Relation == structs.PeerNear && near == nil && !means(p, a):
				c.add(allocSubject(a), "%q: none is there", p.String())
			}
		}
	}
	for _, a := range c.w.Allocs {
		g := a.Group()
		if g == nil || !c.holds(a) {
			continue
		}
		for _, p := range g.Peers {
			if !p.Required() || p.Relation != structs.PeerApart {
				continue
			}
			for _, b := range c.placed {
				if b.Namespace == a.Namespace && means(p, b) && c.sameValue(p.Topology, a, b) {
					c.add(allocSubject(b), "%s keeps %q", allocSubject(a), p.String())
				}
			}
		}
	}
}

// near finds an allocation the rule means where a is, other than a itself; nil if there is none.
func (c *planCheck) near(p *structs.Peer, a *structs.Allocation) *structs.Allocation {
	for _, list := range [2][]*structs.Allocation{c.w.Allocs, c.placed} {
		for _, b := range list {
			if b != a && b.Namespace == a.Namespace && c.holds(b) && means(p, b) && c.sameValue(p.Topology, a, b) {
				return b
			}
		}
	}
	return nil
}

func means(p *structs.Peer, a *structs.Allocation) bool {
	g := a.Group()
	return g != nil && p.Means(a.JobID, a.TaskGroup, a.Job.Meta, g.Meta)
}

// sameValue reports that two run on nodes with the same value of the topology.
func (c *planCheck) sameValue(topology string, a, b *structs.Allocation) bool {
	na, nb := c.w.node(a.NodeID), c.w.node(b.NodeID)
	if na == nil || nb == nil {
		return false
	}
	va, oka := valueOf(topology, na)
	vb, okb := valueOf(topology, nb)
	return oka && okb && va == vb
}
