package dryrun

import (
	"cmp"
	"slices"

	"berth/scheduler/budget"
	"berth/scheduler/feasible"
	"berth/scheduler/fleet"
	"berth/scheduler/rank"
	"berth/state"
	"berth/structs"
)

// Limits of a rebalancing.
type Limits struct {
	// Moves is how many are given at most. Default 10.
	Moves int
	// Gain is by how much the score of the new node must be better, of scores between -1 and 1. Default 0.05.
	Gain float64
}

// looked bounds how many allocations are looked at: each is scored against every node.
const looked = 20_000

// Move would make a placement better.
type Move struct {
	AllocID  structs.ID
	Name     string
	FromID   structs.ID
	FromName string
	ToID     structs.ID
	ToName   string
	// Before and After are the scores of the two nodes, and Gain their difference, all else as it is after the moves before.
	Before, After, Gain float64
	// Parts are what the scores are made of.
	BeforeParts, AfterParts map[string]float64
}

// Rebalance looks for placements of services that have become poor, and gives the moves that would better them most, the best
// first. A group loses no more at once than its migrate block and its
// disruption budgets allow; what is about to change is left alone. more is set when
// there were more allocations than it looks at.
func Rebalance(snap *state.Snapshot, l Limits) (moves []*Move, more bool) {
	l.Moves, l.Gain = cmp.Or(l.Moves, 10), cmp.Or(l.Gain, 0.05)
	b := &balance{snap: snap, f: FleetOf(snap.Nodes(), snap.Allocs(), snap.Queues()), config: cmp.Or(snap.SchedulerConfig(), structs.DefaultSchedulerConfiguration()),
		budget: map[groupOf]int{}, ledger: budget.New(snap, leaves)}
	var all []*Move
	allocs := map[structs.ID]*structs.Allocation{}
	n := 0
	for al := range snap.Allocs() {
		if !b.movable(al) {
			continue
		}
		if n++; n > looked {
			more = true
			break
		}
		if m := b.better(al); m != nil && m.Gain >= l.Gain {
			all = append(all, m)
			allocs[al.ID] = al
		}
	}
	slices.SortFunc(all, func(x, y *Move) int { return cmp.Or(cmp.Compare(y.Gain, x.Gain), x.AllocID.Compare(y.AllocID)) })
	for _, m := range all {
		al := allocs[m.AllocID]
		if len(moves) == l.Moves {
			break
		}
		if b.left(al) == 0 || b.ledger.Blocks(al) != nil {
			continue
		}
		now := b.better(al) // the moves before changed the picture
		if now == nil || now.Gain < l.Gain {
			continue
		}
		b.move(al, now)
		moves = append(moves, now)
	}
	return moves, more
}

// groupOf names a group of a job.
type groupOf struct {
	job   structs.JobKey
	group string
}

type balance struct {
	snap   *state.Snapshot
	f      *fleet.Fleet
	config *structs.SchedulerConfiguration
	budget map[groupOf]int // moves left, of the migrate blocks
	ledger *budget.Ledger
}

// movable reports an allocation of a service that runs and that nothing else is about to change.
func (b *balance) movable(al *structs.Allocation) bool {
	j := b.snap.Job(al.Namespace, al.JobID)
	if j.Stopped() || j.Type != structs.JobTypeService || al.JobVersion != j.Version {
		return false
	}
	if d := b.snap.LatestDeployment(al.Namespace, al.JobID); d != nil && d.Active() {
		return false
	}
	g := j.LookupGroup(al.TaskGroup)
	if g == nil || g.Gang != "" || len(g.Gates) > 0 || len(g.Volumes) > 0 {
		return false
	}
	if disk := g.EphemeralDisk; disk != nil && disk.Sticky != nil && *disk.Sticky {
		return false
	}
	return al.ClientStatus == structs.AllocClientRunning && !al.ServerTerminal() && !leaves(al)
}

// leaves reports an allocation that was asked to leave its node.
func leaves(al *structs.Allocation) bool {
	return al.DesiredTransition.Migrate != nil && *al.DesiredTransition.Migrate
}

// left is how many of the allocation's group may move yet.
func (b *balance) left(al *structs.Allocation) int {
	key := groupOf{keyOf(al), al.TaskGroup}
	if n, ok := b.budget[key]; ok {
		return n
	}
	n := 1
	if m := b.snap.Job(al.Namespace, al.JobID).LookupGroup(al.TaskGroup).Migrate; m != nil && m.MaxParallel != nil {
		n = *m.MaxParallel
	}
	b.budget[key] = n
	return n
}

// better finds the best node for an allocation were it placed anew; nil when it is there already.
func (b *balance) better(al *structs.Allocation) *Move {
	u := b.f.Use(al.ID)
	if u == nil {
		return nil
	}
	from := u.Row()
	b.f.Remove(al.ID)
	defer b.f.Add(u, from)
	g := b.rank(al)
	var here, best rank.Choice
	if !g.Feasible(from) || g.Room(from) != rank.Fits {
		return nil // it could not be placed here: not a matter of scores
	}
	g.Only(from, &here)
	g.Search(fleet.HashID(al.ID), nil, &best)
	to, ok := best.Best()
	if !ok || to == from {
		return nil
	}
	if _, lacks := g.Grant(to, fleet.HashID(al.ID)); lacks != rank.Fits {
		return nil
	}
	before, after := g.Meta(&here, nil)[0], g.Meta(&best, nil)[0]
	n := b.f.NodeAt(to)
	return &Move{
		AllocID: al.ID, Name: al.Name(), FromID: al.NodeID, FromName: al.NodeName, ToID: n.ID, ToName: n.Name,
		Before: before.NormScore, After: after.NormScore, Gain: after.NormScore - before.NormScore, BeforeParts: before.Scores, AfterParts: after.Scores,
	}
}

// rank scores nodes for the allocation's group as if it were not there.
func (b *balance) rank(al *structs.Allocation) *rank.Group {
	j := b.snap.Job(al.Namespace, al.JobID)
	g := j.LookupGroup(al.TaskGroup)
	var live []rank.Live
	for o := range b.snap.AllocsByJob(al.Namespace, al.JobID) {
		if u := b.f.Use(o.ID); u != nil && o.ID != al.ID {
			live = append(live, rank.Live{Node: b.f.NodeAt(u.Row()).ID, Group: o.TaskGroup, Stopping: o.ServerTerminal()})
		}
	}
	algorithm := b.config.SchedulerAlgorithm
	if p := b.snap.NodePool(j.NodePool); p != nil && p.SchedulerConfiguration != nil && p.SchedulerConfiguration.SchedulerAlgorithm != "" {
		algorithm = p.SchedulerConfiguration.SchedulerAlgorithm
	}
	return rank.NewGroup(b.f, rank.Request{
		Job: j, Group: g, Rows: feasible.Select(b.f, j, g).Rows, Ask: rank.AskOf(g, false), Live: live,
		SpreadAlgorithm: algorithm == structs.SchedulerSpread,
	})
}

// move takes the allocation to its new node, on the copy.
func (b *balance) move(al *structs.Allocation, m *Move) {
	u := *b.f.Use(al.ID)
	b.f.Remove(al.ID)
	row, _ := b.f.Row(m.ToID)
	u.Ports, u.Cores, u.Devices = nil, nil, nil // others than it had; these are free there, see better
	b.f.Add(&u, row)
	b.budget[groupOf{keyOf(al), al.TaskGroup}]--
	b.ledger.Take(al)
}
