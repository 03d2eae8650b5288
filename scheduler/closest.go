package scheduler

import (
	"cmp"
	"fmt"
	"strings"

	"berth/scheduler/feasible"
	"berth/scheduler/rank"
	"berth/structs"
)

// closest is the node that misses least, and the smallest change that would make the group fit there: less of CPU, memory or
// disk on a node that will do otherwise; else one thing less that is not an amount; else the fewest rules less. Nil when no
// change of the group would help.
func (g *group) closest() *structs.ExplainNode {
	if x := g.closestByAmount(); x != nil {
		return x
	}
	if x := g.closestByThing(); x != nil {
		return x
	}
	return g.closestByRule()
}

// closestByAmount is the feasible node that misses the smallest share of what is asked.
func (g *group) closestByAmount() *structs.ExplainNode {
	f := g.run.in.Fleet
	best, gap := int32(-1), 0.0
	for row := range g.sel.Rows.Rows {
		d := g.rank.Room(row)
		if d != rank.OutOfCPU && d != rank.OutOfMemory && d != rank.OutOfDisk {
			continue
		}
		miss := g.miss(row)
		if best < 0 || miss < gap || miss == gap && f.NodeAt(row).ID.Compare(f.NodeAt(best).ID) < 0 {
			best, gap = row, miss
		}
	}
	if best < 0 {
		return nil
	}
	n := f.NodeAt(best)
	d := g.rank.Room(best)
	observed, wanted := g.observe(best, d)
	return &structs.ExplainNode{NodeID: n.ID, NodeName: n.Name, Observed: observed, Wanted: wanted, Change: g.change(best)}
}

// miss sums the missing shares of the ask.
func (g *group) miss(row int32) float64 {
	free := g.run.in.Fleet.Free(row)
	share := func(ask, free int64) float64 {
		if ask <= free || ask == 0 {
			return 0
		}
		return float64(ask-max(free, 0)) / float64(ask)
	}
	return share(g.ask.CPU, free.CPU) + share(g.ask.MemoryMB, free.MemoryMB) + share(g.ask.DiskMB, free.DiskMB)
}

// change says what to ask for less to fit on the row.
func (g *group) change(row int32) string {
	free := g.run.in.Fleet.Free(row)
	var parts []string
	part := func(what, unit string, ask, free int64) {
		if ask > free {
			parts = append(parts, fmt.Sprintf("%s lowered from %d to %d %s", what, ask, max(free, 0), unit))
		}
	}
	part("cpu", "MHz", g.ask.CPU, free.CPU)
	part("memory", "MB", g.ask.MemoryMB, free.MemoryMB)
	part("disk", "MB", g.ask.DiskMB, free.DiskMB)
	return strings.Join(parts, ", ")
}

// closestByThing is a feasible node with room that lacks a port, cores, devices or a slot, or where a distinct rule forbids it.
func (g *group) closestByThing() *structs.ExplainNode {
	f := g.run.in.Fleet
	var best *structs.ExplainNode
	for row := range g.sel.Rows.Rows {
		d := g.rank.Room(row)
		n := f.NodeAt(row)
		if d < rank.OutOfPorts || g.miss(row) > 0 || best != nil && best.NodeID.Compare(n.ID) < 0 {
			continue
		}
		observed, wanted := g.observe(row, d)
		best = &structs.ExplainNode{NodeID: n.ID, NodeName: n.Name, Observed: observed, Wanted: wanted, Change: g.without(row, d)}
	}
	return best
}

// without says which wish to give up on the row.
func (g *group) without(row int32, d rank.Dimension) string {
	switch d {
	case rank.OutOfPorts:
		if _, port := g.run.in.Fleet.StaticPortsFree(row, g.ask.Ports); port != 0 {
			return fmt.Sprintf("a dynamic port instead of %d", port)
		}
		return "fewer ports"
	case rank.OutOfCores:
		return fmt.Sprintf("cores from %d to %d", g.ask.Cores, g.run.in.Fleet.FreeCores(row))
	case rank.OutOfDevices:
		return "fewer devices"
	case rank.OutOfSlots:
		return "a higher max_allocs of the node"
	}
	return "no " + d.String()
}

// closestByRule is the candidate with room that the fewest rules refuse, and those rules.
func (g *group) closestByRule() *structs.ExplainNode {
	f := g.run.in.Fleet
	var best *structs.ExplainNode
	var broken []*feasible.Step
	for row := range g.sel.Candidates.Rows {
		if g.sel.Rows.Has(row) || g.rank.Room(row) != rank.Fits {
			continue
		}
		var against []*feasible.Step
		for _, s := range g.sel.Steps {
			if !s.Rows(f).Has(row) {
				against = append(against, s)
			}
		}
		n := f.NodeAt(row)
		if best != nil && cmp.Or(cmp.Compare(len(broken), len(against)), best.NodeID.Compare(n.ID)) < 0 {
			continue
		}
		observed, wanted := against[0].Observe(n)
		best, broken = &structs.ExplainNode{NodeID: n.ID, NodeName: n.Name, Observed: observed, Wanted: wanted}, against
	}
	if best == nil {
		return nil
	}
	var reasons []string
	for _, s := range broken {
		observed, wanted := s.Observe(f.Node(best.NodeID))
		reasons = append(reasons, wanted+" ("+observed+")")
	}
	if best.Change = "one rule less: "; len(broken) > 1 {
		best.Change = fmt.Sprintf("%d rules less: ", len(broken))
	}
	best.Change += strings.Join(reasons, "; ")
	return best
}
