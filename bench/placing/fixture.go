package placing

import (
	"fmt"
	"iter"
	"time"

	"berth/internal/idgen"
	"berth/scheduler"
	"berth/scheduler/fleet"
	"berth/structs"
)

var epoch = time.Unix(1_767_225_600, 0)

// Node is one of a fleet of three shapes in two datacenters and 25 racks; every tenth has four accelerators.
func Node(ids idgen.Source, i int) *structs.Node {
	n := &structs.Node{
		ID: ids.NewID(), SecretID: ids.NewID(), Name: fmt.Sprintf("node-%d", i), Datacenter: fmt.Sprintf("dc%d", i%2), NodePool: structs.DefaultNodePool,
		NodeClass: fmt.Sprintf("c%d", i%3), Meta: map[string]string{"rack": fmt.Sprintf("r%d", i%25)},
		Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible,
		Attributes: map[string]string{"kernel.name": "linux", "cpu.arch": "amd64"},
		Drivers:    map[string]*structs.DriverInfo{"containerd": {Detected: true, Healthy: true}},
		NodeResources: &structs.NodeResources{
			Cpu:            structs.NodeCPUResources{CpuShares: int64(16_000 * (1 + i%3)), TotalCpuCores: 16},
			Memory:         structs.NodeMemoryResources{MemoryMB: int64(64_000 * (1 + i%3))},
			Disk:           structs.NodeDiskResources{DiskMB: 1_000_000},
			MinDynamicPort: 20_000, MaxDynamicPort: 32_000,
		},
	}
	if i%10 == 0 {
		d := &structs.NodeDeviceResource{Vendor: "acme", Type: "gpu", Name: "one"}
		for k := range 4 {
			d.Instances = append(d.Instances, &structs.NodeDevice{ID: fmt.Sprintf("g%d-%d", i, k), Healthy: true})
		}
		n.NodeResources.Devices = append(n.NodeResources.Devices, d)
	}
	n.ComputedClass = fleet.ComputedClass(n)
	return n
}

func fleetOf(ids idgen.Source, nodes int) *fleet.Fleet {
	f := fleet.New()
	for i := range nodes {
		f.SetNode(Node(ids, i))
	}
	return f
}

// Job is a service of small tasks; change makes it special.
func Job(id string, count int, change ...func(*structs.Job)) *structs.Job {
	j := &structs.Job{
		ID: id, Name: id, Type: structs.JobTypeService, Datacenters: []string{"*"}, CreateIndex: 5, Update: &structs.UpdateStrategy{MaxParallel: new(0)},
		TaskGroups: []*structs.TaskGroup{{
			Name: "g", Count: &count, EphemeralDisk: &structs.EphemeralDisk{SizeMB: new(110)},
			Tasks: []*structs.Task{{
				Name: "t", Driver: "containerd", Config: map[string]any{"image": "berth.local/busybox:1"},
				Resources: &structs.Resources{CPU: new(20), MemoryMB: new(20)},
			}},
		}},
	}
	for _, c := range change {
		c(j)
	}
	j.Canonicalize()
	return j
}

// still is a state of one job without allocations: what a first evaluation reads.
type still struct {
	job    *structs.Job
	config *structs.SchedulerConfiguration
}

func (s *still) Job(_, id string) *structs.Job {
	if id == s.job.ID {
		return s.job
	}
	return nil
}
func (s *still) AllocsByJob(string, string) iter.Seq[*structs.Allocation] {
	return func(func(*structs.Allocation) bool) {}
}
func (s *still) Jobs() iter.Seq[*structs.Job] { return func(func(*structs.Job) bool) {} }
func (s *still) DisruptionBudgets() iter.Seq[*structs.DisruptionBudget] {
	return func(func(*structs.DisruptionBudget) bool) {}
}
func (s *still) Eval(structs.ID) *structs.Evaluation                 { return nil }
func (s *still) LatestDeployment(string, string) *structs.Deployment { return nil }
func (s *still) NodePool(string) *structs.NodePool                   { return nil }
func (s *still) SchedulerConfig() *structs.SchedulerConfiguration    { return s.config }

var _ scheduler.State = (*still)(nil)

// lab is a fleet with one job after the other.
type lab struct {
	ids   *idgen.SeededSource
	fleet *fleet.Fleet
	state *still
}

func newLab(nodes int, j *structs.Job) *lab {
	ids := idgen.Seeded(1)
	return &lab{ids: ids, fleet: fleetOf(ids, nodes), state: &still{j, structs.DefaultSchedulerConfiguration()}}
}

// evaluate decides the job anew, as if it had nothing.
func (l *lab) evaluate() *scheduler.Outcome {
	j := l.state.job
	return scheduler.Evaluate(scheduler.Input{
		State: l.state, Fleet: l.fleet, Index: 10, Now: epoch, IDs: l.ids,
		Eval: &structs.Evaluation{
			ID: l.ids.NewID(), Namespace: j.Namespace, JobID: j.ID, Type: j.Type, Priority: j.Priority, Status: structs.EvalStatusPending,
		},
	})
}

func placements(out *scheduler.Outcome, each func(*structs.PlanGroup, *structs.Placement)) int {
	n := 0
	for _, p := range out.Plans {
		for _, g := range p.Place {
			for _, it := range g.Items {
				each(g, it)
				n++
			}
		}
	}
	return n
}
