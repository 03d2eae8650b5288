package sim

import (
	"strings"
	"testing"
	"time"

	"berth/structs"
)

// plantedJob is a job of one group, and an allocation of it on a node: the checkers find nothing wrong with them.
func plantedJob() (*structs.Job, *structs.Node, *structs.Allocation) {
	w := newWorld(1, nil)
	n := machine(w.ids("node").NewID(), structs.ID{}, 0, w.rng("machine"))
	n.Status = structs.NodeStatusReady
	j := newWorkload(w).invent("a")
	j.Constraints, j.Version, j.Type = nil, 1, structs.JobTypeService
	j.TaskGroups[0].Count, j.TaskGroups[0].Update = new(1), nil
	a := planted(j, n, 1)
	return j, n, a
}

func planted(j *structs.Job, n *structs.Node, id byte) *structs.Allocation {
	return &structs.Allocation{
		ID: structs.ID{id}, Namespace: j.Namespace, JobID: j.ID, Job: j, JobVersion: j.Version, TaskGroup: "g", NodeID: n.ID,
		DesiredStatus: structs.AllocDesiredRun, ClientStatus: structs.AllocClientRunning,
		AllocatedResources: &structs.AllocatedResources{
			Tasks:  map[string]*structs.AllocatedTaskResources{"main": {Cpu: structs.AllocatedCPUResources{CpuShares: 100}, Memory: structs.AllocatedMemoryResources{MemoryMB: 64}}},
			Shared: structs.AllocatedSharedResources{DiskMB: 10, Ports: []structs.AllocatedPortMapping{{Label: "http", Value: 8000}}},
		},
	}
}

func TestCheckersFindPlantedFaults(t *testing.T) {
	expect := func(name, want string, found []string) {
		t.Helper()
		text := strings.Join(found, "; ")
		if want == "" && text != "" || !strings.Contains(text, want) {
			t.Errorf("%s: want %q, found %q", name, want, text)
		}
	}
	j, n, a := plantedJob()
	expect("a sound node", "", checkNode(n, []*structs.Allocation{a}))
	expect("a sound job", "", checkJob(j, []*structs.Allocation{a}, time.Unix(9, 0)))
	expect("a sound placement", "", checkStep(nil, a, n))
	expect("a sound end", "", checkQuiet(view{jobs: []*structs.Job{j}, allocs: []*structs.Allocation{a}}))
	expect("sound references", "", checkReferences(view{jobs: []*structs.Job{j}, nodes: []*structs.Node{n}, allocs: []*structs.Allocation{a}}))

	b := planted(j, n, 2)
	expect("a port given twice", "I10", checkNode(n, []*structs.Allocation{a, b}))
	expect("a name given twice", "I12", checkJob(j, []*structs.Allocation{a, b}, time.Unix(9, 0)))
	b.Index = 1
	expect("one too many", "I11", checkJob(j, []*structs.Allocation{a, b}, time.Unix(9, 0)))
	b.AllocatedResources.Tasks["main"].Memory.MemoryMB = n.NodeResources.Memory.MemoryMB
	expect("too much memory", "I9", checkNode(n, []*structs.Allocation{a, b}))

	down := *n
	down.Status = structs.NodeStatusDown
	expect("a place on a dead node", "I15", checkStep(nil, a, &down))
	expect("a place on a node that died before", "I15", checkEntry(nil, a, &down, &down))
	expect("a place on a node that died in the same entry", "", checkEntry(nil, a, n, &down))
	expect("a place on no node, as before", "I15", checkEntry(nil, a, nil, nil))
	expect("a place on no node", "I15", checkStep(nil, a, nil))
	picky := *j
	picky.Constraints = []*structs.Constraint{{LTarget: "${meta.rack}", RTarget: "nowhere", Operand: "="}}
	wrong := *a
	wrong.Job = &picky
	expect("a place against a constraint", "I15", checkStep(nil, &wrong, n))

	ended := *a
	ended.ClientStatus = structs.AllocClientFailed
	expect("a return from the dead", "I24", checkStep(&ended, a, n))
	moved := *a
	moved.NodeID = structs.ID{9}
	expect("another node", "moved", checkStep(a, &moved, n))

	expect("a job forgotten", "I28", checkReferences(view{nodes: []*structs.Node{n}, allocs: []*structs.Allocation{a}}))
	expect("nothing runs", "I13", checkQuiet(view{jobs: []*structs.Job{j}}))
	expect("nothing runs, but it waits", "", checkQuiet(view{jobs: []*structs.Job{j},
		evals: []*structs.Evaluation{{Namespace: j.Namespace, JobID: j.ID, Status: structs.EvalStatusBlocked}}}))
	expect("an evaluation lost", "I14", checkQuiet(view{evals: []*structs.Evaluation{{JobID: "a", Status: structs.EvalStatusPending}}}))
	expect("a reschedule to come", "", checkQuiet(view{evals: []*structs.Evaluation{{JobID: "a", Status: structs.EvalStatusPending, WaitUntil: time.Unix(1, 0)}}}))
	stopping := *a
	stopping.DesiredStatus = structs.AllocDesiredStop
	expect("never stopped", "I20", checkQuiet(view{allocs: []*structs.Allocation{&stopping}}))
	away := *a
	away.ClientStatus = structs.AllocClientUnknown
	waits := *j
	waits.TaskGroups = []*structs.TaskGroup{{Name: "g", Disconnect: &structs.DisconnectStrategy{LostAfter: new(time.Minute)}}}
	if p := checkUnknown(&away, &waits, n, time.Time{}.Add(time.Minute)); p != "" {
		t.Errorf("unknown for its time: %s", p)
	}
	expect("unknown for ever", "I25", []string{checkUnknown(&away, &waits, n, time.Unix(3600, 0))})
	stopped := *j
	stopped.Stop = true
	expect("a stopped job runs", "I34", checkQuiet(view{jobs: []*structs.Job{&stopped}, allocs: []*structs.Allocation{a}}))
}

func TestEventsRunInOrderOfTimeAndArrival(t *testing.T) {
	w := newWorld(1, nil)
	var got []int
	for i, d := range []time.Duration{3, 1, 1, 2, 0} {
		w.after(d, func() { got = append(got, i) })
	}
	w.runUntil(epoch + 2)
	w.runUntil(epoch + 9)
	want := []int{4, 1, 2, 3, 0}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("order %v, want %v", got, want)
		}
	}
	if w.now != epoch+9 {
		t.Errorf("the clock stands at %d", w.now-epoch)
	}
}

func TestGeneratorsFollowFromSeedAndNameOnly(t *testing.T) {
	a, b, other := newWorld(1, nil), newWorld(1, nil), newWorld(2, nil)
	a.rng("x").Uint64() // a draw elsewhere shifts nothing
	if x, y := a.rng("y").Uint64(), b.rng("y").Uint64(); x != y {
		t.Error("the same seed and name give another number")
	}
	if x, y := b.rng("y").Uint64(), other.rng("y").Uint64(); x == y {
		t.Error("another seed gives the same number")
	}
}
