package rank

import (
	"berth/scheduler/feasible"
	"berth/scheduler/fleet"
	"berth/structs"
)

// Dimension is what a node ran out of.
type Dimension int

// The dimensions, in the order they are looked at.
const (
	Fits Dimension = iota
	OutOfCPU
	OutOfMemory
	OutOfDisk
	OutOfPorts
	OutOfCores
	OutOfDevices
	OutOfSlots
	DistinctHosts
	DistinctProperty
	PeerRule
	Skew
	dimensions

	// Last is the last of them.
	Last = dimensions - 1
)

// Request describes the group to place.
type Request struct {
	Job   *structs.Job
	Group *structs.TaskGroup
	Rows  fleet.Bitmap // feasible, from feasible.Select
	Ask   *Ask
	// Live are the job's allocations that hold resources, of all groups and versions.
	Live []Live
	// SpreadAlgorithm prefers empty nodes to full ones.
	SpreadAlgorithm bool
	// Bad are rows where the job keeps failing, nil for none: they are placed on last.
	Bad fleet.Bitmap
}

// Live is one allocation of the job that holds resources.
type Live struct {
	Node  structs.ID
	Group string
	// Stopping ones count for the distinct rules until they are gone, and not for scores.
	Stopping bool
}

// Group scores rows for one group. It is valid while it alone places on the fleet: make it anew for each slice.
type Group struct {
	f      *fleet.Fleet
	rows   fleet.Bitmap
	ask    *Ask
	fit    fleet.Fit // amounts of ask
	scorer fleet.Scorer

	desired    float64
	collisions []int32        // of the same job and group, by row; nil while there are none
	fresh      []int32        // rows placed on since they were counted: most groups are done then
	affinity   *fleet.Weights // nil without affinities
	spread     *spread
	distinct   *distinct
	peers      *peers
	skews      []*skew
	closed     []closed // by the rules above, see refreshClosed
	stale      bool     // closed must be made anew
	bad        fleet.Bitmap
	shunned    fleet.Bitmap        // rows with taints that ask to be placed on last, nil for none
	refused    map[int32]Dimension // rows that could not give what they seemed to have, nil for none
}

// NewGroup prepares the scoring of a request.
func NewGroup(f *fleet.Fleet, req Request) *Group {
	g := &Group{
		f: f, rows: req.Rows, ask: req.Ask,
		fit:     fleet.Fit{CPU: req.Ask.CPU, MemoryMB: req.Ask.MemoryMB, DiskMB: req.Ask.DiskMB, Spread: req.SpreadAlgorithm},
		scorer:  f.Scorer(req.Ask.CPU, req.Ask.MemoryMB, req.SpreadAlgorithm),
		desired: float64(max(req.Group.Desired(), 1)),
	}
	left := req.Group.Desired()
	for _, a := range req.Live {
		if a.Group != req.Group.Name || a.Stopping {
			continue
		}
		left--
		if row, ok := f.Row(a.Node); ok {
			g.collide(row)
		}
	}
	g.scorer.Balance(f, feasible.Amounts(f, req.Job), req.Ask.CPU, req.Ask.MemoryMB, max(left, 1))
	g.affinity = affinityScores(f, req.Job, req.Group)
	g.spread = newSpread(f, req)
	g.distinct = newDistinct(f, req)
	g.peers = newPeers(f, req)
	g.skews = newSkews(f, req)
	g.stale = g.distinct != nil || g.peers != nil || g.skews != nil
	g.bad = req.Bad
	g.shunned = feasible.Shunned(f, req.Job, req.Group)
	return g
}

// room tells whether the row can take one more allocation, or what it lacks.
func (g *Group) room(row int32) Dimension {
	f, ask := g.f, g.ask
	if !f.Fits(row, ask.CPU, ask.MemoryMB, ask.DiskMB) {
		return g.lacking(row)
	}
	return g.roomBeyond(row)
}

// roomBeyond looks at what is not an amount: distinct rules, peers, skews, ports, cores, devices.
func (g *Group) roomBeyond(row int32) Dimension {
	if g.distinct != nil {
		if d := g.distinct.allows(row); d != Fits {
			return d
		}
	}
	if g.peers != nil {
		if d := g.peers.allows(row); d != Fits {
			return d
		}
	}
	for _, s := range g.skews {
		if s.closes(s.column.Values[row]) {
			return Skew
		}
	}
	return g.roomSingly(row)
}

// roomSingly looks at what each row has of its own: ports, cores, devices.
func (g *Group) roomSingly(row int32) Dimension {
	f, ask := g.f, g.ask
	if ask.Static {
		if ok, _ := f.StaticPortsFree(row, ask.Ports); !ok {
			return OutOfPorts
		}
	}
	if ask.Cores > 0 {
		if f.FreeCores(row) < ask.Cores || f.Free(row).CPU < ask.CPU+ask.Cores*f.CoreMHz(row) {
			return OutOfCores
		}
	}
	if len(ask.Devices) > 0 && !g.devicesFree(row) {
		return OutOfDevices
	}
	if g.refused != nil {
		return g.refused[row]
	}
	return Fits
}

func (g *Group) lacking(row int32) Dimension {
	free := g.f.Free(row)
	switch {
	case free.CPU < g.ask.CPU:
		return OutOfCPU
	case free.MemoryMB < g.ask.MemoryMB:
		return OutOfMemory
	case free.DiskMB < g.ask.DiskMB:
		return OutOfDisk
	}
	return OutOfSlots
}

// base is the sum of the row's scores that do not depend on spread, and how many they are.
func (g *Group) base(row int32) (sum float64, n int) {
	sum, n = g.scorer.Score(row), 1
	if c := g.collisionsAt(row); c > 0 {
		sum -= float64(c+1) / g.desired
		n++
	}
	if g.affinity != nil && g.affinity.Of[row] != 0 {
		sum += g.affinity.Of[row]
		n++
	}
	more, m := g.rare(row)
	return sum + more, n + m
}

// rare is what few groups have: wishes about peers, nodes where the job keeps failing, nodes with taints that prefer others.
func (g *Group) rare(row int32) (sum float64, n int) {
	if g.peers != nil {
		if s := g.peers.score(row); s != 0 {
			sum += s
			n++
		}
	}
	if g.bad != nil && g.bad.Has(row) {
		sum--
		n++
	}
	if g.shunned != nil && g.shunned.Has(row) {
		sum--
		n++
	}
	return sum, n
}

// Moving reports that a placement may change what peer rules say of other rows: then each is searched for by itself.
func (g *Group) Moving() bool { return g.peers != nil && g.peers.moving() }

// score is the final score of a row: the mean of what applies.
func (g *Group) score(row int32) float64 {
	sum, n := g.base(row)
	if g.spread != nil {
		if boost := g.spread.boost[g.spread.combo[row]]; boost != 0 {
			sum += boost
			n++
		}
	}
	return sum / float64(n)
}

// countFresh counts what was placed since.
func (g *Group) countFresh() {
	for _, row := range g.fresh {
		g.collide(row)
	}
	g.fresh = g.fresh[:0]
}

func (g *Group) collide(row int32) {
	if g.collisions == nil {
		g.collisions = make([]int32, g.f.Len())
	}
	g.collisions[row]++
}

func (g *Group) collisionsAt(row int32) int32 {
	if g.collisions == nil {
		return 0
	}
	return g.collisions[row]
}

// placed takes notice of a placement on the row, which the fleet already has.
func (g *Group) placed(row int32) {
	g.fresh = append(g.fresh, row)
	if g.spread != nil {
		g.spread.placed(row)
	}
	if g.distinct != nil && g.distinct.placed(row) {
		g.stale = true
	}
	if g.peers != nil && g.peers.placed(row) {
		g.stale = true
	}
	for _, s := range g.skews {
		s.placed(row)
		g.stale = true
	}
}
