package offline

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"berth/api"
	"berth/scheduler/fleet"
	"berth/server/fsm"
	"berth/state"
	"berth/structs"
)

// snapshot writes a cluster of two nodes, one of them with an allocation, to a file.
func snapshot(t *testing.T) string {
	store := state.New()
	txn := store.Begin(7)
	for i, name := range []string{"a", "b"} {
		n := &structs.Node{
			ID: structs.ID{byte(i + 1)}, Name: name, Datacenter: "dc1", NodePool: structs.DefaultNodePool, NodeClass: "big",
			Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible,
			Drivers: map[string]*structs.DriverInfo{"docker": {Detected: true, Healthy: true}},
			NodeResources: &structs.NodeResources{
				Cpu: structs.NodeCPUResources{CpuShares: 1000}, Memory: structs.NodeMemoryResources{MemoryMB: 1000}, Disk: structs.NodeDiskResources{DiskMB: 1000},
			},
		}
		n.ComputedClass = fleet.ComputedClass(n)
		txn.PutNode(n)
	}
	j := &structs.Job{ID: "web", Name: "web", TaskGroups: []*structs.TaskGroup{{Name: "g", Tasks: []*structs.Task{{Name: "t", Driver: "docker"}}}}}
	j.Canonicalize()
	txn.PutJob(j)
	txn.PutJobVersion(j)
	txn.PutAlloc(&structs.Allocation{ID: structs.ID{9}, Namespace: j.Namespace, JobID: "web", TaskGroup: "g", NodeID: structs.ID{1}, NodeName: "a",
		DesiredStatus: structs.AllocDesiredRun, ClientStatus: structs.AllocClientRunning})
	txn.Commit()
	path := filepath.Join(t.TempDir(), "state.bin")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := fsm.WriteSnapshot(file, store.Snapshot()); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhatIfOfASnapshot(t *testing.T) {
	path, now := snapshot(t), time.Unix(1_767_225_600, 0)
	got, err := WhatIf(path, "", api.WhatIfQuestion{Lose: []string{"a"}, Add: []api.WhatIfAdd{{Count: 1, Class: "big"}}}, now)
	if err != nil {
		t.Fatal(err)
	}
	if got.Index != 7 || len(got.Lost) != 1 || got.Added != 1 || len(got.Jobs) != 1 || got.Jobs[0].Lost != 1 || len(got.Jobs[0].Placements) != 1 || len(got.Jobs[0].Unplaced) != 0 {
		t.Errorf("%+v", got)
	}
	again, err := WhatIf(path, "", api.WhatIfQuestion{Lose: []string{"a"}, Add: []api.WhatIfAdd{{Count: 1, Class: "big"}}}, now)
	if err != nil || !reflect.DeepEqual(got, again) {
		t.Errorf("the second answer differs: %+v, %v", again, err)
	}
	got, err = WhatIf(path, "", api.WhatIfQuestion{Lose: []string{"dc1"}}, now)
	if err != nil || got.Jobs[0].Unplaced["g"] != 1 || got.Jobs[0].Explanations["g"] == nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatIsNoSnapshotIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("no snapshot"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, path + "-gone"} {
		if _, err := WhatIf(p, "", api.WhatIfQuestion{}, time.Unix(0, 0)); err == nil {
			t.Errorf("%s was read", p)
		}
	}
}
