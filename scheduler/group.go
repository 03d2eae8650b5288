package scheduler

import (
	"strconv"

	"berth/scheduler/feasible"
	"berth/scheduler/fleet"
	"berth/scheduler/rank"
	"berth/scheduler/reconcile"
	"berth/structs"
)

// searchMax is up to how many alike placements are searched one by one, each with its own score table; more are placed in
// bulk and share one.
const searchMax = 8

// group places allocations of one group of a job version.
type group struct {
	run  *Run
	job  *structs.Job
	spec *structs.TaskGroup

	ask        *rank.Ask
	labels     fleet.Labels
	sel        *feasible.Selection
	rank       *rank.Group
	generation uint64
	out        *structs.PlanGroup // in out's plan
	outPlan    *structs.Plan
}

// perIndex reports that the nodes that will do depend on the allocation's index.
func (g *group) perIndex() bool {
	for _, v := range g.spec.Volumes {
		if v.PerAlloc {
			return true
		}
	}
	return false
}

// prepare selects the feasible nodes, again only if nodes changed since.
func (g *group) prepare(extra ...*feasible.Step) {
	r, f := g.run, g.run.in.Fleet
	if g.rank != nil && g.generation == f.Generation() && len(extra) == 0 {
		return
	}
	if g.ask == nil {
		g.ask = rank.AskOf(g.spec, r.oversubscription(g.job.NodePool))
		g.labels = fleet.LabelsOf(g.job, g.spec)
	}
	g.generation = f.Generation()
	g.sel = feasible.Select(f, g.job, g.spec, extra...)
	g.rank = rank.NewGroup(f, rank.Request{
		Job: g.job, Group: g.spec, Rows: g.sel.Rows, Ask: g.ask, Live: r.live,
		SpreadAlgorithm: r.algorithm(g.job.NodePool) == structs.SchedulerSpread, Bad: r.badRows(),
	})
}

// place decides for placements of this group: alike ones, or one with a history.
func (g *group) place(places []*reconcile.Place) {
	if g.perIndex() {
		for _, p := range places {
			g.rank = nil
			g.prepare(volumeSteps(g.spec, p.Index)...)
			g.placeOne(p, 1)
		}
		return
	}
	g.prepare()
	if len(places) > searchMax && !g.rank.Moving() && places[0].Plain() && places[0].Node.IsZero() {
		g.placeMany(places)
		return
	}
	for i, p := range places {
		alike := 1 // that fail together
		if p.Plain() && p.Node.IsZero() {
			alike = len(places) - i
		}
		if !g.placeOne(p, alike) && alike > 1 {
			return
		}
	}
}

func volumeSteps(spec *structs.TaskGroup, index uint32) []*feasible.Step {
	var steps []*feasible.Step
	for _, v := range spec.Volumes {
		if v.PerAlloc && v.Type != "csi" {
			steps = append(steps, feasible.VolumeStep(volumeOf(v.Source, index), v.ReadOnly))
		}
	}
	return steps
}

func volumeOf(source string, index uint32) string {
	return source + "[" + strconv.FormatUint(uint64(index), 10) + "]"
}

// placeMany places alike allocations in bulk.
func (g *group) placeMany(places []*reconcile.Place) {
	var ch rank.Choice
	pg := g.planGroup(places[0].DeploymentID)
	seed := fleet.Mix(fleet.HashID(g.run.in.Eval.ID), uint64(places[0].Index))
	next := 0
	placed := g.rank.Bulk(len(places), seed, &ch, func(row int32) bool {
		pl := g.give(places[next], row)
		if pl == nil {
			return false
		}
		pg.Items = append(pg.Items, pl)
		next++
		return true
	})
	if placed > 0 && pg.Metrics == nil {
		pg.Metrics = g.metric(&ch)
		pg.Metrics.ScoreMetaData = g.rank.Meta(&ch, nil)
	}
	if rest := len(places) - placed; rest > 0 {
		g.rank.Recount(&ch)
		g.fail(places[placed], &ch, rest)
	}
}

// placeOne searches a node for one allocation. Alike is for how many there is none if there is none for it.
func (g *group) placeOne(p *reconcile.Place, alike int) bool {
	var ch rank.Choice
	id := g.run.in.IDs.NewID()
	seed := fleet.HashID(id)
	penalty := g.rowsOf(p.Avoid)
	for {
		ch = rank.Choice{}
		if row, ok := g.wantedRow(p); ok {
			if d := g.rank.Room(row); d == rank.Fits {
				g.rank.Only(row, &ch)
			} else if !p.Node.IsZero() {
				ch.Exhausted[d]++
			}
		}
		row, ok := ch.Best()
		if !ok && p.Node.IsZero() {
			g.rank.Search(seed, penalty, &ch)
			row, ok = ch.Best()
		}
		if !ok {
			g.fail(p, &ch, alike)
			return false
		}
		meta := g.rank.Meta(&ch, penalty)
		pl := g.giveID(p, row, id)
		if pl == nil {
			continue // the row is refused now
		}
		pl.Metrics = g.metric(&ch)
		pl.Metrics.ScoreMetaData = meta
		pg := g.planGroup(p.DeploymentID)
		pg.Items = append(pg.Items, pl)
		g.rank.Placed(row)
		g.run.release(p)
		return true
	}
}

// wantedRow is the row to try first: the node a system job is for, or the one that has a sticky disk.
func (g *group) wantedRow(p *reconcile.Place) (int32, bool) {
	f := g.run.in.Fleet
	if !p.Node.IsZero() {
		row, ok := f.Row(p.Node)
		return row, ok && g.rank.Feasible(row)
	}
	disk := g.spec.EphemeralDisk
	if p.Previous == nil || disk == nil || disk.Sticky == nil || !*disk.Sticky {
		return 0, false
	}
	row, ok := f.Row(p.Previous.NodeID)
	return row, ok && g.rank.Feasible(row)
}

func (g *group) rowsOf(ids []structs.ID) fleet.Bitmap {
	if len(ids) == 0 {
		return nil
	}
	rows := g.run.in.Fleet.NewBitmap()
	for _, id := range ids {
		if row, ok := g.run.in.Fleet.Row(id); ok {
			rows.Set(row)
		}
	}
	return rows
}

func (g *group) give(p *reconcile.Place, row int32) *structs.Placement {
	return g.giveID(p, row, g.run.in.IDs.NewID())
}

// giveID puts an allocation on the row, on the fleet too; nil when its ports, cores or devices cannot be had there, and the
// row is refused then.
//
// Where others were evicted for one of the group, it has the id they were told.
func (g *group) giveID(p *reconcile.Place, row int32, id structs.ID) *structs.Placement {
	f := g.run.in.Fleet
	gr, lacks := g.rank.Grant(row, fleet.HashID(id))
	if lacks != rank.Fits {
		g.rank.Refuse(row, lacks)
		return nil
	}
	var evicted []structs.ID
	if kept := g.takeHold(row); kept != nil {
		id, evicted = kept.AllocID, kept.Evicted
	}
	ports := gr.Ports
	n := f.NodeAt(row)
	u := &fleet.Use{
		AllocID: id, Job: g.job.Key(), Group: g.spec.Name, Version: g.job.Version, Priority: g.job.Priority, Queued: structs.InQueues(g.job.Type),
		Res:   structs.ComparableResources{CPU: gr.CPU, MemoryMB: g.ask.MemoryMB, DiskMB: g.ask.DiskMB},
		Cores: gr.Cores, Devices: gr.Devices, Labels: g.labels, MaxParallel: fleet.MaxParallel(g.spec),
	}
	for i := range ports {
		if !ports[i].IgnoreCollision {
			u.Ports = append(u.Ports, fleet.Port{IP: ports[i].HostIP, Port: ports[i].Value})
		}
	}
	f.Add(u, row)
	g.run.live = append(g.run.live, rank.Live{Node: n.ID, Group: g.spec.Name})
	pl := &structs.Placement{
		AllocID: id, Index: p.Index, NodeID: n.ID, NodeName: n.Name, Ports: ports, Tasks: gr.Tasks, Canary: p.Canary,
		RescheduleTracker: p.Tracker, PreemptedAllocations: evicted,
	}
	if p.Previous != nil {
		pl.PreviousAllocation = p.Previous.ID
	}
	return pl
}

// planGroup is the part of the plan at work that takes this group's allocations.
func (g *group) planGroup(deployment structs.ID) *structs.PlanGroup {
	r := g.run
	if g.outPlan == r.plan && g.out.DeploymentID == deployment {
		return g.out
	}
	g.outPlan = r.plan
	g.out = &structs.PlanGroup{
		Namespace: g.job.Namespace, JobID: g.job.ID, JobVersion: g.job.Version, TaskGroup: g.spec.Name,
		EvalID: r.in.Eval.ID, DeploymentID: deployment, Resources: g.ask.Resources,
	}
	r.plan.Place = append(r.plan.Place, g.out)
	return g.out
}

func (g *group) metric(ch *rank.Choice) *structs.AllocMetric {
	m := g.sel.Metric(g.run.in.Fleet)
	g.rank.Account(m, ch)
	return m
}

func (r *Run) algorithm(pool string) string {
	if p := r.in.State.NodePool(pool); p != nil && p.SchedulerConfiguration != nil && p.SchedulerConfiguration.SchedulerAlgorithm != "" {
		return p.SchedulerConfiguration.SchedulerAlgorithm
	}
	return r.config.SchedulerAlgorithm
}

func (r *Run) oversubscription(pool string) bool {
	if p := r.in.State.NodePool(pool); p != nil && p.SchedulerConfiguration != nil && p.SchedulerConfiguration.MemoryOversubscriptionEnabled != nil {
		return *p.SchedulerConfiguration.MemoryOversubscriptionEnabled
	}
	return r.config.MemoryOversubscriptionEnabled
}
