package dryrun

import (
	"fmt"
	"testing"
	"time"

	"berth/internal/idgen"
	"berth/scheduler/fleet"
	"berth/state"
	"berth/structs"
)

var now = time.Unix(1_767_225_600, 0)

// town is a state that tests fill by hand.
type town struct {
	t     *testing.T
	ids   *idgen.SeededSource
	store *state.Store
}

func newTown(t *testing.T) *town { return &town{t, idgen.Seeded(5), state.New()} }

func (w *town) put(do func(*state.WriteTxn)) {
	txn := w.store.Begin(w.store.Index() + 1)
	do(txn)
	txn.Commit()
}

func (w *town) node(name string, cpu int64, meta map[string]string) *structs.Node {
	n := &structs.Node{
		ID: w.ids.NewID(), Name: name, Datacenter: "dc1", NodePool: structs.DefaultNodePool, Meta: meta,
		Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible, Attributes: map[string]string{"kernel.name": "linux"},
		Drivers: map[string]*structs.DriverInfo{"fake": {Detected: true, Healthy: true}},
		NodeResources: &structs.NodeResources{
			Cpu: structs.NodeCPUResources{CpuShares: cpu, TotalCpuCores: 4}, Memory: structs.NodeMemoryResources{MemoryMB: 8192},
			Disk: structs.NodeDiskResources{DiskMB: 100_000}, MinDynamicPort: 20000, MaxDynamicPort: 32000,
		},
	}
	n.ComputedClass = fleet.ComputedClass(n)
	w.put(func(txn *state.WriteTxn) { txn.PutNode(n) })
	return n
}

func jobOf(id string, count, cpu, priority int) *structs.Job {
	j := &structs.Job{ID: id, Name: id, Priority: priority, TaskGroups: []*structs.TaskGroup{{Name: "g", Count: &count,
		Tasks: []*structs.Task{{Name: "t", Driver: "fake", Resources: &structs.Resources{CPU: &cpu, MemoryMB: new(10)}}}}}}
	j.Canonicalize()
	return j
}

// run stores a job and one running allocation of it on each of the nodes.
func (w *town) run(j *structs.Job, on ...*structs.Node) []*structs.Allocation {
	var allocs []*structs.Allocation
	w.put(func(txn *state.WriteTxn) {
		txn.PutJob(j)
		txn.PutJobVersion(j)
		for i, n := range on {
			a := &structs.Allocation{ID: w.ids.NewID(), Namespace: j.Namespace, JobID: j.ID, TaskGroup: "g", Index: uint32(i), NodeID: n.ID, NodeName: n.Name,
				DesiredStatus: structs.AllocDesiredRun, ClientStatus: structs.AllocClientRunning, CreateTime: now.UnixNano(),
				AllocatedResources: &structs.AllocatedResources{Tasks: map[string]*structs.AllocatedTaskResources{"t": {
					Cpu:    structs.AllocatedCPUResources{CpuShares: int64(*j.TaskGroups[0].Tasks[0].Resources.CPU)},
					Memory: structs.AllocatedMemoryResources{MemoryMB: 10},
				}}}}
			txn.PutAlloc(a)
			allocs = append(allocs, a)
		}
	})
	return allocs
}

func TestAPlanTellsWhereAndTouchesNothing(t *testing.T) {
	w := newTown(t)
	w.node("small", 1000, nil)
	big := w.node("big", 4000, nil)
	snap := w.store.Snapshot()
	before := snap.Hash()
	p := Job(snap, jobOf("web", 2, 1500, 50), w.ids, now)
	if len(p.Placements) != 2 || p.Placements[0].NodeID != big.ID || p.Placements[0].Name != "web.g[0]" || p.Placements[1].Name != "web.g[1]" {
		t.Errorf("placements %+v", p.Placements)
	}
	if best := p.Placements[0].Best; len(best) != 1 || best[0].NodeID != big.ID || best[0].Scores["binpack"] == 0 {
		t.Errorf("chosen from %+v", best)
	}
	if u := p.Annotations.DesiredTGUpdates["g"]; u.Place != 2 || len(p.Failed) != 0 {
		t.Errorf("annotations %+v, failed %v", u, p.Failed)
	}
	if after := w.store.Snapshot(); after.Index() != snap.Index() || after.Hash() != before {
		t.Error("the state changed")
	}
}

func TestAPlanTellsWhyNotAndTheSmallestChange(t *testing.T) {
	w := newTown(t)
	w.node("a", 1000, nil)
	p := Job(w.store.Snapshot(), jobOf("web", 1, 1500, 50), w.ids, now)
	if p.Failed["g"] == nil || p.Failed["g"].DimensionExhausted["cpu"] != 1 {
		t.Fatalf("failed %+v", p.Failed)
	}
	if x := p.Explanations["g"]; x == nil || x.Closest == nil || x.Closest.Change != "cpu lowered from 1500 to 1000 MHz" {
		t.Errorf("explanation %+v", p.Explanations["g"])
	}
	if len(p.Evals) != 1 || p.Evals[0].Status != structs.EvalStatusBlocked {
		t.Errorf("evaluations %+v", p.Evals)
	}
}

func TestAPlanTellsWhoLeaves(t *testing.T) {
	w := newTown(t)
	n := w.node("a", 1000, nil)
	low := w.run(jobOf("low", 1, 900, 20), n)
	config := structs.DefaultSchedulerConfiguration()
	config.PreemptionConfig.ServiceSchedulerEnabled = true
	w.put(func(txn *state.WriteTxn) { txn.PutSchedulerConfig(config) })
	p := Job(w.store.Snapshot(), jobOf("high", 1, 900, 80), w.ids, now)
	if a := p.Annotations.PreemptedAllocs; len(a) != 1 || a[0].ID != low[0].ID || a[0].DesiredStatus != structs.AllocDesiredEvict {
		t.Errorf("preempted %+v", a)
	}
	if len(p.Stops) != 0 || p.Annotations.DesiredTGUpdates["g"].Preemptions != 1 {
		t.Errorf("stops %+v, updates %+v", p.Stops, p.Annotations.DesiredTGUpdates["g"])
	}
}

func TestAPlanTellsWhatStops(t *testing.T) {
	w := newTown(t)
	n := w.node("a", 4000, nil)
	w.run(jobOf("web", 3, 100, 50), n, n, n)
	p := Job(w.store.Snapshot(), jobOf("web", 1, 100, 50), w.ids, now)
	if got := fmt.Sprint(p.Stops[0].Name, " ", p.Stops[1].Name, " ", p.Stops[0].Reason); len(p.Stops) != 2 || got != "web.g[1] web.g[2] "+structs.AllocNotNeeded {
		t.Errorf("stops %s", got)
	}
}

// A periodic or parameterized job is not placed itself.
func TestAPlanOfAJobThatIsNotPlacedItself(t *testing.T) {
	w := newTown(t)
	w.node("a", 4000, nil)
	j := jobOf("resize", 1, 100, 50)
	j.Type, j.ParameterizedJob = structs.JobTypeBatch, &structs.ParameterizedJobConfig{Payload: "optional"}
	if p := Job(w.store.Snapshot(), j, w.ids, now); len(p.Placements) != 0 || len(p.Evals) != 0 {
		t.Errorf("%+v", p)
	}
}
