package placing

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"berth/bench"
	"berth/scheduler/feasible"
	"berth/scheduler/fleet"
	"berth/scheduler/rank"
	"berth/structs"
)

const (
	rounds = 4
	round  = 500 * time.Millisecond
)

// Core measures the scheduler without server.
func Core() ([]bench.Figure, error) {
	var figures []bench.Figure
	for _, c := range []struct {
		what  string
		goal  float64
		nomad float64
		count int
		job   func(*structs.Job)
	}{
		{"plain service, one by one", 20_000, 0, 1, plain},
		{"plain service, 10,000 at once", 300_000, 0, 10_000, plain},
		{"spread, one by one", 10_000, 0, 1, spread},
		{"spread, 1,200 at once", 10_000, 30, 1200, spread},
		{"device, one by one", 10_000, 0, 1, device},
		{"device, 1,000 at once", 10_000, 0, 1000, device},
		{"affinity, one by one", 10_000, 0, 1, affinity},
		{"affinity, 1,200 at once", 10_000, 0, 1200, affinity},
		{"peers apart by rack of another job, one by one", 10_000, 0, 1, peer},
		{"peers apart by rack of another job, 1,200 at once", 10_000, 0, 1200, peer},
		{"hard spread, one by one", 10_000, 0, 1, hard},
		{"hard spread, 1,200 at once", 10_000, 0, 1200, hard},
		{"taints on 1,000 nodes, one by one", 10_000, 0, 1, tolerant},
		{"taints on 1,000 nodes, 1,200 at once", 10_000, 0, 1200, tolerant},
		{"distinct hosts, one by one", 10_000, 0, 1, distinct},
		{"distinct hosts, 1,200 at once", 10_000, 0, 1200, distinct},
	} {
		l := newLab(5000, Job("web", c.count, c.job))
		for row := range int32(100) { // so that there is something to keep apart from: in 4 of 25 racks
			l.fleet.Add(&fleet.Use{AllocID: l.ids.NewID(), Job: structs.JobKey{Namespace: structs.DefaultNamespace, ID: "db-1"}, Group: "g"}, row%4)
		}
		if len(l.state.job.TaskGroups[0].Tolerations) > 0 {
			taint(l.fleet)
		}
		rate, err := rateOf(l, c.count)
		if err != nil {
			return figures, fmt.Errorf("%s: %w", c.what, err)
		}
		figures = append(figures, bench.Figure{What: "core, 5,000 nodes: " + c.what, Unit: "placements/s", Goal: c.goal, Measured: rate, More: true, Nomad: c.nomad})
	}
	for _, measure := range []func() ([]bench.Figure, error){spreadCost, preemption, scoring, packing} {
		more, err := measure()
		figures = append(figures, more...)
		if err != nil {
			return figures, err
		}
	}
	return figures, nil
}

func plain(*structs.Job) {}

func spread(j *structs.Job) {
	j.TaskGroups[0].Spreads = []*structs.Spread{{Attribute: "${meta.rack}", Weight: new(int8(100))}}
}

func device(j *structs.Job) {
	j.TaskGroups[0].Tasks[0].Resources.Devices = []*structs.RequestedDevice{{Name: "acme/gpu", Count: new(uint64(1))}}
}

func affinity(j *structs.Job) {
	j.TaskGroups[0].Affinities = []*structs.Affinity{{LTarget: "${meta.rack}", Operand: "=", RTarget: "r3", Weight: new(int8(50))}}
}

func peer(j *structs.Job) {
	j.TaskGroups[0].Peers = []*structs.Peer{{Job: "db-*", Relation: structs.PeerApart, Topology: "${meta.rack}"}}
}

// tolerant is at home on the nodes with one of the taints that taint sets.
func tolerant(j *structs.Job) {
	j.TaskGroups[0].Tolerations = []*structs.Toleration{{Key: "dedicated", Operator: structs.TolerateEqual, Value: "v0"}}
}

// taint gives every fifth node a taint, of twenty different ones, and every tenth one that prefers others.
func taint(f *fleet.Fleet) {
	for row := range int32(f.Len()) {
		if row%5 != 0 {
			continue
		}
		n := *f.NodeAt(row)
		taints := []*structs.Taint{{Key: "dedicated", Value: fmt.Sprint("v", row/5%20), Effect: structs.TaintNoSchedule}}
		if row%10 == 0 {
			taints = append(taints, &structs.Taint{Key: "old", Effect: structs.TaintPreferNoSchedule})
		}
		n.SetTaints(structs.TaintFromOperator, taints, 1)
		f.SetNode(&n)
	}
}

func hard(j *structs.Job) {
	spread(j)
	j.TaskGroups[0].Spreads[0].MaxSkew = new(1)
}

func distinct(j *structs.Job) {
	j.TaskGroups[0].Constraints = []*structs.Constraint{{Operand: structs.OpDistinctHosts, RTarget: "true"}}
}

// rateOf is the best round's placements a second. The fleet is emptied when it has filled up a little.
func rateOf(l *lab, count int) (float64, error) {
	full := max(20_000, 2*count)
	if len(l.state.job.TaskGroups[0].Tasks[0].Resources.Devices) > 0 {
		full = 1000
	}
	best := 0.0
	var placed []structs.ID
	for range rounds {
		var spent time.Duration
		n := 0
		for spent < round {
			begin := time.Now()
			out := l.evaluate()
			spent += time.Since(begin)
			got := placements(out, func(_ *structs.PlanGroup, p *structs.Placement) { placed = append(placed, p.AllocID) })
			if got != count {
				return 0, fmt.Errorf("%d of %d placed", got, count)
			}
			if n += got; len(placed) >= full {
				for _, id := range placed {
					l.fleet.Remove(id)
				}
				placed = placed[:0]
			}
		}
		best = max(best, float64(n)/spent.Seconds())
	}
	return best, nil
}

// spreadCost is what one spread job costs in time and memory.
func spreadCost() ([]bench.Figure, error) {
	l := newLab(5000, Job("web", 1200, spread))
	took, bytes := time.Hour, uint64(1<<62)
	for range 2 * rounds {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := time.Now()
		out := l.evaluate()
		took = min(took, time.Since(begin))
		runtime.ReadMemStats(&after)
		bytes = min(bytes, after.TotalAlloc-before.TotalAlloc)
		if got := placements(out, func(_ *structs.PlanGroup, p *structs.Placement) { l.fleet.Remove(p.AllocID) }); got != 1200 {
			return nil, fmt.Errorf("spread: %d of 1200 placed", got)
		}
	}
	return []bench.Figure{
		{What: "core, 5,000 nodes: spread, 1,200 allocations", Unit: "s", Goal: 0.15, Measured: took.Seconds(), Nomad: 40},
		{What: "core, 5,000 nodes: spread, 1,200 allocations", Unit: "MB allocated", Goal: 20, Measured: float64(bytes) / 1e6, Nomad: 12_700},
	}, nil
}

// preemption measures a high job on 5,000 nodes full of low ones: what leaves is chosen, leaves, and the job is placed.
func preemption() ([]bench.Figure, error) {
	l := newLab(5000, Job("high", 1, func(j *structs.Job) {
		j.Priority = 80
		j.TaskGroups[0].Tasks[0].Resources.CPU = new(3000)
	}))
	l.state.config.PreemptionConfig.ServiceSchedulerEnabled = true
	fillers := map[structs.ID]fleet.Use{}
	for row := range int32(l.fleet.Len()) {
		for k := range 16 {
			id := l.ids.NewID()
			u := fleet.Use{AllocID: id, Job: structs.JobKey{Namespace: "default", ID: fmt.Sprint("low-", k)}, Group: "g", Priority: 10 + 10*(k%4),
				Res: structs.ComparableResources{CPU: l.fleet.CapacityAt(row).CPU / 16, MemoryMB: 100, DiskMB: 10}}
			fillers[id] = u
			l.fleet.Add(&u, row)
		}
	}
	best := 0.0
	for range rounds {
		var spent time.Duration
		n := 0
		for spent < round {
			begin := time.Now()
			out := l.evaluate()
			spent += time.Since(begin)
			rows := map[structs.ID]int32{}
			for _, p := range out.Plans {
				for _, s := range p.Stop {
					rows[s.AllocID] = l.fleet.Use(s.AllocID).Row()
					l.fleet.Remove(s.AllocID)
				}
			}
			begin = time.Now()
			out = l.evaluate()
			spent += time.Since(begin)
			if placements(out, func(_ *structs.PlanGroup, p *structs.Placement) { l.fleet.Remove(p.AllocID) }) != 1 {
				return nil, fmt.Errorf("preemption: %d stopped, nothing placed", len(rows))
			}
			for id, row := range rows {
				l.fleet.Add(new(fillers[id]), row)
			}
			n++
		}
		best = max(best, float64(n)/spent.Seconds())
	}
	return []bench.Figure{{What: "core, 5,000 full nodes: preemption, one by one", Unit: "placements/s", Goal: 2000, Measured: best, More: true}}, nil
}

// scoring counts heap allocations of the loop over the nodes.
func scoring() ([]bench.Figure, error) {
	ids := newLab(1, Job("x", 1)).ids
	f := fleetOf(ids, 5000)
	f.Add(&fleet.Use{AllocID: ids.NewID(), Job: structs.JobKey{Namespace: structs.DefaultNamespace, ID: "db-1"}, Group: "g"}, 0)
	worst := 0.0
	for _, change := range []func(*structs.Job){plain, spread, device, affinity, distinct, peer, hard} {
		j := Job("web", 1, change)
		g := j.TaskGroups[0]
		group := rank.NewGroup(f, rank.Request{Job: j, Group: g, Rows: feasible.Select(f, j, g).Rows, Ask: rank.AskOf(g, false)})
		seed := fleet.HashID(ids.NewID())
		var ch rank.Choice
		worst = max(worst, testing.AllocsPerRun(20, func() { group.Search(seed, nil, &ch) }))
	}
	return []bench.Figure{{What: "core: scoring 5,000 nodes", Unit: "heap allocations", Goal: 0, Measured: worst}}, nil
}
