package scheduler

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"berth/scheduler/fleet"
	"berth/scheduler/rank"
	"berth/scheduler/reconcile"
	"berth/structs"
)

// examplesMax is how many nodes an explanation names per reason.
const examplesMax = 3

// explain says why n allocations of the group found no node.
func (g *group) explain(m *structs.AllocMetric, n int) *structs.Explanation {
	x := &structs.Explanation{
		Summary: fmt.Sprintf("%s/%s needs %d more: none of %s fits", g.job.ID, g.spec.Name, n, nodes(m.NodesEvaluated)),
		Since:   g.run.in.Now.UnixNano(),
	}
	if m.NodesEvaluated == 0 {
		x.Summary = g.noCandidates(n)
		x.Unblocks = []string{"a ready node joins the job's datacenters and pool"}
		return x
	}
	x.Filters = append(g.explainFilters(), g.explainRoom()...)
	slices.SortStableFunc(x.Filters, func(a, b *structs.ExplainFilter) int { return cmp.Compare(b.Nodes, a.Nodes) })
	x.Closest = g.closest()
	x.Unblocks = g.unblocks(m)
	return x
}

func nodes(n int) string {
	if n == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", n)
}

func (g *group) noCandidates(n int) string {
	where := "node pool " + orDefault(g.job.NodePool)
	if len(g.job.Datacenters) > 0 {
		where += ", datacenters " + strings.Join(g.job.Datacenters, ", ")
	}
	return fmt.Sprintf("%s/%s needs %d more: no ready and eligible node in %s (the cluster has %s)",
		g.job.ID, g.spec.Name, n, where, nodes(g.run.in.Fleet.Nodes()))
}

func orDefault(pool string) string {
	if pool == "" {
		return structs.DefaultNodePool
	}
	return pool
}

// explainFilters tells of the rules that nodes do not satisfy.
func (g *group) explainFilters() []*structs.ExplainFilter {
	var filters []*structs.ExplainFilter
	for i, step := range g.sel.Steps {
		if g.sel.Removed[i] == 0 {
			continue
		}
		f := &structs.ExplainFilter{Reason: step.Reason, Nodes: g.sel.Removed[i]}
		g.sel.Refused(g.run.in.Fleet, i, func(row int32) bool {
			n := g.run.in.Fleet.NodeAt(row)
			observed, wanted := step.Observe(n)
			f.Examples = append(f.Examples, &structs.ExplainNode{NodeID: n.ID, NodeName: n.Name, Observed: observed, Wanted: wanted})
			return true
		})
		f.Examples = firstByName(f.Examples)
		filters = append(filters, f)
	}
	return filters
}

// firstByName keeps a few examples, the same ones whatever the order of rows.
func firstByName(all []*structs.ExplainNode) []*structs.ExplainNode {
	slices.SortFunc(all, func(a, b *structs.ExplainNode) int {
		return cmp.Or(cmp.Compare(a.NodeName, b.NodeName), a.NodeID.Compare(b.NodeID))
	})
	return all[:min(len(all), examplesMax):min(len(all), examplesMax)]
}

// explainRoom tells of the nodes that would do but are full.
func (g *group) explainRoom() []*structs.ExplainFilter {
	by := map[rank.Dimension]*structs.ExplainFilter{}
	g.rank.Lacking(g.sel.Rows, func(row int32, d rank.Dimension) bool {
		f := by[d]
		if f == nil {
			f = &structs.ExplainFilter{Reason: d.String()}
			by[d] = f
		}
		f.Nodes++
		n := g.run.in.Fleet.NodeAt(row)
		observed, wanted := g.observe(row, d)
		f.Examples = append(f.Examples, &structs.ExplainNode{NodeID: n.ID, NodeName: n.Name, Observed: observed, Wanted: wanted})
		return true
	})
	var filters []*structs.ExplainFilter
	for d := rank.OutOfCPU; d <= rank.Last; d++ {
		if f := by[d]; f != nil {
			f.Examples = firstByName(f.Examples)
			filters = append(filters, f)
		}
	}
	return filters
}

func (g *group) observe(row int32, d rank.Dimension) (observed, wanted string) {
	f := g.run.in.Fleet
	free, all := f.Free(row), f.CapacityAt(row)
	switch d {
	case rank.OutOfCPU:
		return fmt.Sprintf("%d of %d MHz free", max(free.CPU, 0), all.CPU), fmt.Sprintf("%d MHz", g.ask.CPU)
	case rank.OutOfMemory:
		return fmt.Sprintf("%d of %d MB free", max(free.MemoryMB, 0), all.MemoryMB), fmt.Sprintf("%d MB", g.ask.MemoryMB)
	case rank.OutOfDisk:
		return fmt.Sprintf("%d of %d MB free", max(free.DiskMB, 0), all.DiskMB), fmt.Sprintf("%d MB", g.ask.DiskMB)
	case rank.OutOfPorts:
		_, port := f.StaticPortsFree(row, g.ask.Ports)
		if port == 0 {
			return "too few dynamic ports free", fmt.Sprintf("%d ports", len(g.ask.Ports))
		}
		return fmt.Sprintf("port %d is taken", port), fmt.Sprintf("port %d", port)
	case rank.OutOfCores:
		return fmt.Sprintf("%d cores free", f.FreeCores(row)), fmt.Sprintf("%d cores", g.ask.Cores)
	case rank.OutOfDevices:
		return "its devices are in use", fmt.Sprintf("%d kinds of devices", len(g.ask.Devices))
	case rank.OutOfSlots:
		return fmt.Sprintf("%d allocations, the node's maximum", f.NodeAt(row).NodeMaxAllocs), "one more"
	case rank.DistinctHosts:
		return "an allocation of the job is there", "distinct hosts"
	case rank.PeerRule:
		return g.rank.Against(row), "the peer rules kept"
	case rank.Skew:
		return "its value has as many more than another as is allowed", "max_skew kept"
	}
	return "the value is used as often as allowed", "distinct property"
}

// unblocks lists the events that would change the answer.
func (g *group) unblocks(m *structs.AllocMetric) []string {
	var events []string
	small := g.tooSmall()
	if full := m.NodesExhausted - small; full > 0 {
		where := "the node that is full"
		if full > 1 {
			where = "one of the " + nodes(full) + " that are full"
		}
		events = append(events, "an allocation stops on "+where)
	}
	if m.NodesFiltered > 0 {
		events = append(events, "a node changes so that it satisfies the constraints")
	}
	if small > 0 && small == m.NodesExhausted {
		return append(events, "a larger node joins")
	}
	return append(events, "a node joins")
}

// tooSmall is how many of the nodes that would do but lack room have less in all than is asked: whatever stops there, it does not help.
func (g *group) tooSmall() int {
	n := 0
	g.rank.Lacking(g.sel.Rows, func(row int32, _ rank.Dimension) bool {
		all := fleet.Capacity(g.run.in.Fleet.NodeAt(row))
		if g.ask.CPU > all.CPU || g.ask.MemoryMB > all.MemoryMB || g.ask.DiskMB > all.DiskMB || g.ask.Cores > all.Cores {
			n++
		}
		return true
	})
	return n
}

// waitsForStops reports that some node would fit once the allocations that are stopping there have ended.
func (g *group) waitsForStops(p *reconcile.Place) bool {
	f := g.run.in.Fleet
	for row := range g.sel.Rows.RowsAnd(f.Stopping()) {
		if !p.Node.IsZero() && f.NodeAt(row).ID != p.Node {
			continue
		}
		free, stopping := f.Free(row), false
		claim, claimed := g.run.claimed[row]
		if !g.run.keeps[row] { // else it is not free any more
			free.Sub(claim)
		}
		var ports []int
		devices := false
		cores := f.FreeCores(row) + free.Cores // less what is claimed
		for _, u := range f.UsesAt(row) {
			if !u.Stopping {
				continue
			}
			stopping = true
			free.Add(u.Res)
			cores += int64(len(u.Cores))
			devices = devices || len(u.Devices) > 0
			for _, port := range u.Ports {
				ports = append(ports, port.Port)
			}
		}
		if !stopping || cores < g.ask.Cores || free.CPU < g.ask.CPU+g.ask.Cores*f.CoreMHz(row) || free.MemoryMB < g.ask.MemoryMB || free.DiskMB < g.ask.DiskMB {
			continue
		}
		switch g.rank.Beyond(row) {
		case rank.OutOfPorts:
			if _, port := f.StaticPortsFree(row, g.ask.Ports); port != 0 && (claimed || !slices.Contains(ports, port)) {
				continue
			}
		case rank.OutOfDevices:
			if claimed || !devices {
				continue
			}
		case rank.PeerRule, rank.Skew:
			continue
		case rank.DistinctHosts, rank.DistinctProperty:
			if claimed || !g.run.stopsOf(g.run.in.Fleet.NodeAt(row).ID) {
				continue
			}
		}
		g.run.claim(row, claim, g.ask)
		if kept := g.takeHold(row); kept != nil {
			g.keepRoom(row, kept.AllocID, kept.Evicted)
		} else {
			g.run.tenant.expect(g.ask, f.CoreMHz(row))
		}
		return true
	}
	return false
}

// claim notes that a placement waits for room on the row.
func (r *Run) claim(row int32, claimed structs.ComparableResources, ask *rank.Ask) {
	if r.claimed == nil {
		r.claimed = map[int32]structs.ComparableResources{}
	}
	claimed.Add(structs.ComparableResources{
		CPU: ask.CPU + ask.Cores*r.in.Fleet.CoreMHz(row), MemoryMB: ask.MemoryMB, DiskMB: ask.DiskMB, Cores: ask.Cores,
	})
	r.claimed[row] = claimed
}

// stopsOf reports that every allocation of the job on the node is stopping.
func (r *Run) stopsOf(node structs.ID) bool {
	found := false
	for _, l := range r.live {
		if l.Node == node {
			if !l.Stopping {
				return false
			}
			found = true
		}
	}
	return found
}

func (g *group) explainWait(n int) *structs.Explanation {
	return &structs.Explanation{
		Summary:  fmt.Sprintf("%s/%s needs %d more: there is room once allocations that were told to stop have ended", g.job.ID, g.spec.Name, n),
		Unblocks: []string{"a stopping allocation ends"},
		Since:    g.run.in.Now.UnixNano(),
	}
}
