package fleet_test

import (
	"math"
	"slices"
	"testing"

	"berth/scheduler/fleet"
	"berth/structs"
)

// Who comes next: first who borrows the least, then who holds the least, each the larger part of one kind by the weight.
func TestSharesOrderQueues(t *testing.T) {
	f := fleet.New()
	f.SetNode(&structs.Node{ID: structs.ID{1}, Name: "n", Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible,
		NodeResources: &structs.NodeResources{Cpu: structs.NodeCPUResources{CpuShares: 1000}, Memory: structs.NodeMemoryResources{MemoryMB: 10_000}, Disk: structs.NodeDiskResources{DiskMB: 1000}}})
	row, _ := f.Row(structs.ID{1})
	var queues []*structs.Queue
	for _, name := range []string{"cpu", "heavy", "lender", "memory", "nothing", "own"} {
		queues = append(queues, &structs.Queue{Name: name, Namespaces: []string{name}, Weight: 1})
	}
	queues[1].Weight = 4
	queues[5].Guarantee = structs.QueueAmount{CPU: 500}
	for i, u := range []struct {
		ns  string
		res structs.ComparableResources
	}{
		{"cpu", structs.ComparableResources{CPU: 100, MemoryMB: 100}}, {"memory", structs.ComparableResources{CPU: 1, MemoryMB: 2000}},
		{"heavy", structs.ComparableResources{CPU: 300, MemoryMB: 100}}, {"own", structs.ComparableResources{CPU: 400, MemoryMB: 0}},
	} {
		f.Add(&fleet.Use{AllocID: structs.ID{2, byte(i)}, Job: structs.JobKey{Namespace: u.ns, ID: "x"}, Queued: true, Res: u.res}, row)
	}
	// What is no queue's, and what has been told to stop, counts for nobody.
	f.Add(&fleet.Use{AllocID: structs.ID{3}, Job: structs.JobKey{Namespace: "lender", ID: "x"}, Res: structs.ComparableResources{CPU: 50}}, row)
	f.Add(&fleet.Use{AllocID: structs.ID{4}, Job: structs.JobKey{Namespace: "lender", ID: "x"}, Queued: true, Stopping: true, Res: structs.ComparableResources{CPU: 50}}, row)
	f.SetQueues(queues)
	want := map[string]fleet.Share{"cpu": {Borrowed: 0.1, Held: 0.1}, "memory": {Borrowed: 0.2, Held: 0.2}, "heavy": {Borrowed: 0.075, Held: 0.075}, "own": {Held: 0.4}}
	all := slices.Clone(f.Queues())
	for _, a := range all {
		got, want := f.Share(a), want[a.Queue.Name]
		if math.Abs(got.Borrowed-want.Borrowed) > 1e-9 || math.Abs(got.Held-want.Held) > 1e-9 {
			t.Errorf("%s has the share %+v, want %+v", a.Queue.Name, got, want)
		}
	}
	slices.SortStableFunc(all, func(a, b *fleet.Account) int { return f.Share(a).Compare(f.Share(b)) })
	for i, name := range []string{"lender", "nothing", "own", "heavy", "cpu", "memory"} {
		if all[i].Queue.Name != name {
			t.Errorf("the %d. is %s, want %s", i+1, all[i].Queue.Name, name)
		}
	}
}

// What part of all an amount is; where there is nothing, whoever holds something has all.
func TestPartOf(t *testing.T) {
	all := structs.QueueAmount{CPU: 100, MemoryMB: 1000}
	for x, want := range map[structs.QueueAmount][2]float64{
		{}:                        {0, 0},
		{CPU: 50, MemoryMB: 100}:  {0.5, 1},
		{CPU: 10, MemoryMB: 800}:  {0.8, 1},
		{CPU: -10, MemoryMB: -10}: {0, 0},
	} {
		if of, nothing := fleet.PartOf(x, all), fleet.PartOf(x, structs.QueueAmount{}); of != want[0] || nothing != want[1] {
			t.Errorf("%s is %v of %s and %v of nothing, want %v", x, of, all, nothing, want)
		}
	}
}
