package scheduler

import (
	"fmt"
	"iter"
	"testing"
	"time"

	"pgregory.net/rapid"

	"berth/internal/idgen"
	"berth/scheduler/fleet"
	"berth/structs"
)

// full is a state of one job that may evict others.
type full struct{ job *structs.Job }

func (s full) Job(_, id string) *structs.Job {
	if id == s.job.ID {
		return s.job
	}
	return nil
}
func (s full) Jobs() iter.Seq[*structs.Job] { return func(func(*structs.Job) bool) {} }
func (s full) AllocsByJob(string, string) iter.Seq[*structs.Allocation] {
	return func(func(*structs.Allocation) bool) {}
}
func (s full) DisruptionBudgets() iter.Seq[*structs.DisruptionBudget] {
	return func(func(*structs.DisruptionBudget) bool) {}
}
func (s full) Eval(structs.ID) *structs.Evaluation                 { return nil }
func (s full) LatestDeployment(string, string) *structs.Deployment { return nil }
func (s full) NodePool(string) *structs.NodePool                   { return nil }
func (s full) SchedulerConfig() *structs.SchedulerConfiguration {
	c := structs.DefaultSchedulerConfiguration()
	c.PreemptionConfig.ServiceSchedulerEnabled = true
	return c
}

// slowestEviction looks for victims on every row.
func slowestEviction(g *group) *eviction {
	f := g.run.in.Fleet
	var best *eviction
	for row := range g.sel.Rows.Rows {
		if e := g.evictionAt(row); e != nil && !g.run.evicted[row] {
			if e.tie = f.Tie(fleet.HashID(g.run.in.Eval.ID), row); best == nil || e.better(best) {
				best = e
			}
		}
	}
	return best
}

// The eviction found by bounds is the best there is, also after others left, came and were told to stop.
func TestTheBestEvictionIsFoundByBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ids := idgen.Seeded(rapid.Uint64Range(0, 1000).Draw(t, "seed"))
		f := fleet.New()
		for i := range rapid.SampledFrom([]int{1, 4, 70, 130}).Draw(t, "nodes") {
			n := &structs.Node{
				ID: ids.NewID(), Name: fmt.Sprint("n", i), Datacenter: "dc1", NodePool: structs.DefaultNodePool, Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible,
				Drivers: map[string]*structs.DriverInfo{"fake": {Detected: true, Healthy: true}},
				NodeResources: &structs.NodeResources{
					Cpu:    structs.NodeCPUResources{CpuShares: 1000, TotalCpuCores: 2, ReservableCpuCores: []uint16{0, 1}},
					Memory: structs.NodeMemoryResources{MemoryMB: 1000}, Disk: structs.NodeDiskResources{DiskMB: 1000},
				},
			}
			if i%7 == 3 {
				n.NodeMaxAllocs = 3
			}
			f.SetNode(n)
		}
		var uses []*fleet.Use
		fill := func() {
			row := rapid.Int32Range(0, int32(f.Len()-1)).Draw(t, "row")
			u := &fleet.Use{
				AllocID: ids.NewID(), Job: structs.JobKey{Namespace: "default", ID: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "job")}, Group: "g",
				Priority: 10 * rapid.IntRange(1, 7).Draw(t, "priority"), MaxParallel: rapid.IntRange(0, 2).Draw(t, "parallel"), Stopping: rapid.IntRange(0, 9).Draw(t, "stops") == 0,
				Res: structs.ComparableResources{CPU: 100 * rapid.Int64Range(1, 6).Draw(t, "cpu"), MemoryMB: 100, DiskMB: 10},
			}
			if rapid.IntRange(0, 5).Draw(t, "core") == 0 {
				u.Cores = []uint16{0}
			}
			if rapid.IntRange(0, 5).Draw(t, "port") == 0 {
				u.Ports = []fleet.Port{{Port: 80}}
			}
			f.Add(u, row)
			uses = append(uses, u)
		}
		for range 2 * f.Len() {
			fill()
		}
		job := &structs.Job{
			ID: "high", Name: "high", Namespace: "default", Type: structs.JobTypeService, Priority: rapid.SampledFrom([]int{30, 50, 80}).Draw(t, "of"), Datacenters: []string{"*"},
			TaskGroups: []*structs.TaskGroup{{Name: "g", Count: new(1), Tasks: []*structs.Task{{
				Name: "t", Driver: "fake", Resources: &structs.Resources{CPU: new(rapid.SampledFrom([]int{200, 600, 1000}).Draw(t, "asks")), MemoryMB: new(100)},
			}}}},
		}
		switch rapid.IntRange(0, 4).Draw(t, "wants") {
		case 0:
			job.TaskGroups[0].Tasks[0].Resources.Cores = new(1)
		case 1:
			job.TaskGroups[0].Networks = []*structs.NetworkResource{{ReservedPorts: []structs.Port{{Label: "http", Value: 80}}}}
		}
		for range rapid.IntRange(1, 5).Draw(t, "times") {
			r := Begin(Input{State: full{job}, Fleet: f, Index: 10, Now: time.Unix(1_767_225_600, 0), IDs: ids,
				Eval: &structs.Evaluation{ID: ids.NewID(), Namespace: "default", JobID: "high", Type: job.Type, Status: structs.EvalStatusPending}})
			g := r.groups[r.queue[0].key]
			g.prepare()
			want, got := slowestEviction(g), g.bestEviction(structs.ID{})
			if want == nil && got == nil {
				continue
			}
			if want == nil || got == nil || got.row != want.row || got.breaks != want.breaks || got.count != want.count {
				t.Fatalf("found %+v\nwant  %+v", got, want)
			}
			switch u := rapid.SampledFrom(uses).Draw(t, "befalls"); rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				fill()
			case 1:
				f.Remove(u.AllocID)
			case 2:
				if f.Use(u.AllocID) != nil {
					f.SetStopping(u, !u.Stopping)
				}
			case 3:
				r.plan = &structs.Plan{}
				r.evict(got, "g", ids.NewID())
			}
		}
	})
}
