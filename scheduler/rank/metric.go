package rank

import (
	"berth/scheduler/fleet"
	"berth/structs"
)

// Texts of the contract for what a node ran out of.
var dimensionText = [dimensions]string{
	OutOfCPU: "cpu", OutOfMemory: "memory", OutOfDisk: "disk", OutOfPorts: "network: port collision",
	OutOfSlots: "max allocations exceeded", OutOfCores: "cores", OutOfDevices: "devices: no instances left",
}

// String is the contract's name of the dimension.
func (d Dimension) String() string {
	switch d {
	case DistinctHosts:
		return structs.OpDistinctHosts
	case DistinctProperty:
		return structs.OpDistinctProperty
	case PeerRule:
		return "peer rule"
	case Skew:
		return "max_skew"
	}
	return dimensionText[d]
}

// Account adds what the search met to the metric of the selection: rows out of something, and rows the distinct rules
// removed.
func (g *Group) Account(m *structs.AllocMetric, ch *Choice) {
	for d := OutOfCPU; d < dimensions; d++ {
		n := ch.Exhausted[d]
		switch {
		case n == 0:
		case d == DistinctHosts:
			filtered(m, structs.OpDistinctHosts, n)
		case d == DistinctProperty:
			filtered(m, g.distinct.properties[0].reason, n)
		case d == PeerRule:
			filtered(m, g.peers.broken.String(), n)
		case d == Skew:
			filtered(m, g.skews[0].display, n)
		default:
			m.NodesExhausted += n
			if m.DimensionExhausted == nil {
				m.DimensionExhausted = map[string]int{}
			}
			m.DimensionExhausted[d.String()] += n
		}
	}
}

func filtered(m *structs.AllocMetric, reason string, n int) {
	m.NodesFiltered += n
	if m.ConstraintFiltered == nil {
		m.ConstraintFiltered = map[string]int{}
	}
	m.ConstraintFiltered[reason] += n
}

// ClassExhausted counts the rows that lack something by node class, nil when classes are not used.
func (g *Group) ClassExhausted() map[string]int {
	var counts map[string]int
	for row := range g.rows.Rows {
		class := g.f.NodeAt(row).NodeClass
		if class == "" || g.room(row) == Fits {
			continue
		}
		if counts == nil {
			counts = map[string]int{}
		}
		counts[class]++
	}
	return counts
}

// Lacking calls yield with each feasible row and what it lacks.
func (g *Group) Lacking(rows fleet.Bitmap, yield func(row int32, d Dimension) bool) {
	for row := range rows.Rows {
		if d := g.room(row); d != Fits && !yield(row, d) {
			return
		}
	}
}
