package fsm

import (
	"fmt"
	"testing"

	"github.com/hashicorp/raft"
	"github.com/tinylib/msgp/msgp"

	"berth/state"
	"berth/structs"
)

// world is a state machine and the log it was given.
type world struct {
	store *state.Store
	fsm   *FSM
	log   [][]byte
	now   int64
}

func newWorld() *world {
	w := &world{store: state.New(), now: 1e18}
	w.fsm = New(w.store)
	return w
}

func (w *world) snap() *state.Snapshot { return w.store.Snapshot() }

// command encodes one command at the world's time, a second later than the one before.
func (w *world) command(kind structs.CommandKind, body msgp.Marshaler) structs.Command {
	w.now += 1e9
	cmd, err := structs.NewCommand(kind, w.now, body)
	if err != nil {
		panic(err)
	}
	return cmd
}

// entry applies commands as one log entry, through their encoding.
func (w *world) entry(cmds ...structs.Command) []Result {
	entry := structs.LogEntry{Commands: cmds}
	data, err := entry.MarshalMsg(nil)
	if err != nil {
		panic(err)
	}
	w.log = append(w.log, data)
	return applyTo(w.fsm, len(w.log), data)
}

func applyTo(f *FSM, index int, data []byte) []Result {
	return f.Apply(&raft.Log{Index: uint64(index), Type: raft.LogCommand, Data: data}).([]Result)
}

func (w *world) try(kind structs.CommandKind, body msgp.Marshaler) Result {
	return w.entry(w.command(kind, body))[0]
}

// do applies a command that must be accepted.
func (w *world) do(t testing.TB, kind structs.CommandKind, body msgp.Marshaler) any {
	t.Helper()
	r := w.try(kind, body)
	if r.Err != nil {
		t.Fatalf("%s: %v", opOf(kind), r.Err)
	}
	return r.Value
}

// refuse applies a command that must be refused with a kind, and must change nothing.
func (w *world) refuse(t testing.TB, want structs.ErrorKind, kind structs.CommandKind, body msgp.Marshaler) error {
	t.Helper()
	before := w.snap()
	r := w.try(kind, body)
	if r.Err == nil || structs.KindOf(r.Err) != want || r.Value != nil {
		t.Fatalf("%s answered %v, %v; want the error kind %q", opOf(kind), r.Value, r.Err, want)
	}
	for table := range state.TableCount {
		if before.TableIndex(state.Table(table)) != w.snap().TableIndex(state.Table(table)) {
			t.Fatalf("%s was refused and changed the %s", opOf(kind), state.Table(table))
		}
	}
	return r.Err
}

func (w *world) index() uint64 { return uint64(len(w.log)) }

// id is the nth id of a kind.
func id(kind byte, n int) structs.ID { return structs.ID{0: kind, 14: byte(n >> 8), 15: byte(n)} }

func nodeID(n int) structs.ID  { return id('n', n) }
func allocID(n int) structs.ID { return id('a', n) }
func evalID(n int) structs.ID  { return id('e', n) }
func deplID(n int) structs.ID  { return id('d', n) }

// node is a ready node of 4000 MHz, 8192 MB, 100 GB and 4 cores.
func node(n int) *structs.Node {
	return &structs.Node{
		ID: nodeID(n), SecretID: id('s', n), Name: fmt.Sprintf("node-%d", n), Datacenter: "dc1", Status: structs.NodeStatusReady,
		NodeResources: &structs.NodeResources{
			Cpu:    structs.NodeCPUResources{CpuShares: 4000, TotalCpuCores: 4, ReservableCpuCores: []uint16{0, 1, 2, 3}},
			Memory: structs.NodeMemoryResources{MemoryMB: 8192}, Disk: structs.NodeDiskResources{DiskMB: 100_000},
		},
	}
}

// job is a job of one group "web" with one task "app".
func job(name string, count int) *structs.Job {
	return &structs.Job{
		Region: "global", Namespace: "default", ID: name, Name: name, Type: structs.JobTypeService, Priority: 50, NodePool: "default",
		Datacenters: []string{"dc1"},
		TaskGroups: []*structs.TaskGroup{{Name: "web", Count: new(count), Tasks: []*structs.Task{{
			Name: "app", Driver: "containerd", Config: map[string]any{"image": "web:1", "n": int64(3)},
			Resources: &structs.Resources{CPU: new(100), MemoryMB: new(128)},
		}}}},
	}
}

func eval(n int, job string) *structs.Evaluation {
	return &structs.Evaluation{
		ID: evalID(n), Namespace: "default", JobID: job, Type: structs.JobTypeService, Priority: 50,
		TriggeredBy: structs.EvalTriggerJobRegister, Status: structs.EvalStatusPending,
	}
}

func resources(cpu, memory int64) *structs.AllocatedResources {
	return &structs.AllocatedResources{
		Tasks: map[string]*structs.AllocatedTaskResources{"app": {
			Cpu: structs.AllocatedCPUResources{CpuShares: cpu}, Memory: structs.AllocatedMemoryResources{MemoryMB: memory},
		}},
		Shared: structs.AllocatedSharedResources{DiskMB: 300},
	}
}

// group places allocations of a job, one on each node named.
func group(job string, version uint64, r *structs.AllocatedResources, from int, nodes ...int) *structs.PlanGroup {
	g := &structs.PlanGroup{Namespace: "default", JobID: job, JobVersion: version, TaskGroup: "web", EvalID: evalID(1), Resources: r,
		Metrics: &structs.AllocMetric{NodesEvaluated: len(nodes)}}
	for i, n := range nodes {
		g.Items = append(g.Items, &structs.Placement{AllocID: allocID(from + i), Index: uint32(i), NodeID: nodeID(n)})
	}
	return g
}

func planOf(groups ...*structs.PlanGroup) *structs.Plan {
	return &structs.Plan{EvalID: evalID(1), Place: groups}
}

// apply applies one plan and gives its result.
func (w *world) apply(t testing.TB, p *structs.Plan, evals ...*structs.Evaluation) *structs.PlanResult {
	t.Helper()
	return w.do(t, structs.CmdPlanApply, &structs.PlanApplyCommand{Plans: []*structs.Plan{p}, Evals: evals}).([]*structs.PlanResult)[0]
}

// cluster is a world with nodes 1 to n and a registered job "web".
func cluster(t testing.TB, n int) *world {
	w := newWorld()
	for i := range n {
		w.do(t, structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: node(i + 1)})
	}
	w.do(t, structs.CmdJobRegister, &structs.JobRegisterCommand{Job: job("web", 2), Eval: eval(1, "web")})
	return w
}

// report is a client's word on an allocation.
func report(alloc, node int, status string) *structs.AllocClientUpdateCommand {
	return &structs.AllocClientUpdateCommand{Updates: []*structs.AllocClientUpdate{
		{ID: allocID(alloc), NodeID: nodeID(node), ClientStatus: status},
	}}
}
