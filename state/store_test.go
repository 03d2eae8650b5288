package state

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"berth/structs"
)

func id(n byte) structs.ID { return structs.ID{15: n} }

func job(name string, version uint64) *structs.Job {
	return &structs.Job{Namespace: "default", ID: name, Version: version, Status: structs.JobStatusPending,
		TaskGroups: []*structs.TaskGroup{{Name: "web"}}}
}

func alloc(n byte, job string, node byte) *structs.Allocation {
	return &structs.Allocation{ID: id(n), Namespace: "default", JobID: job, TaskGroup: "web", NodeID: id(node), EvalID: id(100),
		DesiredStatus: "run", ClientStatus: "pending", AllocatedResources: &structs.AllocatedResources{
			Tasks: map[string]*structs.AllocatedTaskResources{"t": {Cpu: structs.AllocatedCPUResources{CpuShares: 10}}},
		}}
}

// write commits one transaction at the next index.
func write(s *Store, do func(*WriteTxn)) {
	t := s.Begin(s.Index() + 1)
	do(t)
	t.Commit()
}

func putJob(t *WriteTxn, j *structs.Job) {
	kept := *j
	t.PutJob(j)
	t.PutJobVersion(&kept)
}

func TestSnapshotsDoNotChange(t *testing.T) {
	s := New()
	write(s, func(t *WriteTxn) { putJob(t, job("a", 0)); t.PutAlloc(alloc(1, "a", 1)) })
	old := s.Snapshot()
	before := old.Hash()
	write(s, func(t *WriteTxn) {
		for i := range 200 {
			t.PutAlloc(alloc(byte(i), "a", 1))
		}
		t.DeleteJob(structs.JobKey{Namespace: "default", ID: "a"})
	})
	if old.Hash() != before || old.Index() != 1 || old.Job("default", "a") == nil || old.NodeUse(id(1)).Allocs != 1 {
		t.Error("a snapshot changed")
	}
	if now := s.Snapshot(); now.Job("default", "a") != nil || now.NodeUse(id(1)).Allocs != 200 || now.Index() != 2 {
		t.Error("the store did not change")
	}
}

func TestWhatIsRolledBackNeverWas(t *testing.T) {
	s := New()
	write(s, func(t *WriteTxn) { putJob(t, job("a", 0)); t.PutAlloc(alloc(1, "a", 1)) })
	snap := s.Snapshot()
	_, ch := snap.AllocsByNodeW(id(1))
	txn := s.Begin(2)
	txn.PutAlloc(alloc(2, "a", 2))
	save := txn.Savepoint()
	txn.PutAlloc(alloc(3, "a", 1))
	ended := alloc(1, "a", 1)
	ended.ClientStatus = "complete"
	txn.PutAlloc(ended)
	txn.PutNode(&structs.Node{ID: id(1)})
	txn.PutEval(&structs.Evaluation{ID: id(1), Namespace: "default", JobID: "a", QueuedAllocations: map[string]int{"web": 4}})
	if txn.NodeUse(id(1)).Allocs != 1 || txn.Alloc(id(3)) == nil {
		t.Error("a transaction must see what it wrote")
	}
	txn.Rollback(save)
	txn.Commit()
	now := s.Snapshot()
	if now.Alloc(id(3)) != nil || now.Alloc(id(1)).ClientStatus != "pending" || now.Alloc(id(2)) == nil || now.NodeUse(id(1)).Allocs != 1 ||
		now.TableIndex(TableNodes) != 0 || now.JobCounts("default", "a").Allocs != 2 {
		t.Error("something of what was rolled back is there")
	}
	if line := now.JobSummary("default", "a").Summary["web"]; line.Starting != 2 || line.Queued != 0 || line.Complete != 0 {
		t.Errorf("summary %+v", line)
	}
	if isClosed(ch) {
		t.Error("a watch fired for what was rolled back")
	}
	txn = s.Begin(3)
	txn.PutNode(&structs.Node{ID: id(9)})
	txn.Abort()
	if s.Index() != 2 || s.Snapshot().Node(id(9)) != nil {
		t.Error("an aborted transaction left something")
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func TestWritingWhileReadingTheTransaction(t *testing.T) {
	s := New()
	write(s, func(t *WriteTxn) {
		for i := range 250 {
			t.PutAlloc(alloc(byte(i), "a", 1))
		}
	})
	write(s, func(txn *WriteTxn) {
		n := 0
		for a := range txn.AllocsByNode(id(1)) {
			n++
			txn.DeleteAlloc(a.ID)
			txn.PutAlloc(alloc(a.ID[15], "b", 2))
		}
		if n != 250 {
			t.Errorf("saw %d of 250", n)
		}
	})
	if snap := s.Snapshot(); snap.NodeUse(id(1)) != nil || snap.NodeUse(id(2)).Allocs != 250 {
		t.Error("not all were moved")
	}
}

func TestAWatchOfAnOldSnapshotFiresIfItsAnswerChangedSince(t *testing.T) {
	s := New()
	write(s, func(t *WriteTxn) {
		putJob(t, job("a", 0))
		putJob(t, job("b", 0))
		t.PutAlloc(alloc(1, "a", 1))
		t.PutAlloc(alloc(2, "b", 2))
	})
	old := s.Snapshot()
	write(s, func(t *WriteTxn) {
		t.PutAlloc(alloc(3, "b", 2))
		changed := job("b", 1)
		putJob(t, changed)
	})
	for name, c := range map[string]struct {
		watch func() <-chan struct{}
		want  bool
	}{
		"job a":         {func() <-chan struct{} { _, ch := old.JobW("default", "a"); return ch }, false},
		"job b":         {func() <-chan struct{} { _, ch := old.JobW("default", "b"); return ch }, true},
		"no job":        {func() <-chan struct{} { _, ch := old.JobW("default", "x"); return ch }, false},
		"versions of b": {func() <-chan struct{} { _, ch := old.JobVersionsW("default", "b"); return ch }, true},
		"node 1":        {func() <-chan struct{} { _, ch := old.AllocsByNodeW(id(1)); return ch }, false},
		"node 2":        {func() <-chan struct{} { _, ch := old.AllocsByNodeW(id(2)); return ch }, true},
		"allocs of a":   {func() <-chan struct{} { _, ch := old.AllocsByJobW("default", "a"); return ch }, false},
		"alloc 3":       {func() <-chan struct{} { _, ch := old.AllocW(id(3)); return ch }, true},
		"nodes":         {func() <-chan struct{} { _, ch := old.NodesW(); return ch }, false},
		"jobs":          {func() <-chan struct{} { _, ch := old.JobsW(); return ch }, true},
	} {
		if got := isClosed(c.watch()); got != c.want {
			t.Errorf("%s: fired %v, want %v", name, got, c.want)
		}
	}
}

func TestTooManyWatchesAreAllWoken(t *testing.T) {
	s := New()
	snap := s.Snapshot()
	_, first := snap.JobW("default", "0")
	for i := range watchesMax {
		snap.AllocW(structs.ID{0: 1, 12: byte(i >> 16), 13: byte(i >> 8), 14: byte(i)})
	}
	if !isClosed(first) || len(s.watches) > watchesMax {
		t.Errorf("%d watches are kept", len(s.watches))
	}
}

func TestWaitIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		ctx, cancel := context.WithCancel(t.Context())
		reached, given := make(chan error, 1), make(chan error, 1)
		go func() { reached <- s.WaitIndex(ctx, 2) }()
		go func() { given <- s.WaitIndex(ctx, 9) }()
		write(s, func(*WriteTxn) {})
		synctest.Wait()
		if len(reached) != 0 {
			t.Fatal("returned too early")
		}
		write(s, func(*WriteTxn) {})
		if err := <-reached; err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := <-given; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if err := s.WaitIndex(ctx, 1); err != nil {
			t.Fatal("what is reached needs no waiting")
		}
	})
}

func TestAFollowerSeesItsTablesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		write(s, func(t *WriteTxn) { t.PutNode(&structs.Node{ID: id(2)}); t.PutNode(&structs.Node{ID: id(1)}) })
		f := s.Follow(TableNodes)
		defer f.Close()
		first, err := f.Next(t.Context())
		if err != nil || len(first.Nodes) != 2 || first.Nodes[0].Object.ID != id(1) || first.Index != 1 {
			t.Fatalf("%+v, %v", first, err)
		}
		if _, more := f.Poll(); more {
			t.Fatal("there is nothing more")
		}
		wait := f.Wait()
		write(s, func(t *WriteTxn) { putJob(t, job("a", 0)) })
		if isClosed(wait) {
			t.Error("woken for another table")
		}
		next := make(chan Changes, 1)
		go func() {
			c, err := f.Next(t.Context())
			if err != nil {
				t.Error(err)
			}
			next <- c
		}()
		synctest.Wait()
		write(s, func(t *WriteTxn) { t.DeleteNode(id(1)); t.PutNode(&structs.Node{ID: id(3)}) })
		c := <-next
		if len(c.Nodes) != 2 || !c.Nodes[0].Deleted || c.Nodes[0].Object.ID != id(1) || c.Nodes[1].Deleted || c.Index != 3 || !isClosed(wait) {
			t.Errorf("%+v", c)
		}
		write(s, func(t *WriteTxn) { t.PutNode(&structs.Node{ID: id(4)}) })
		if !isClosed(f.Wait()) {
			t.Error("what is there already must not be waited for")
		}
		f.Poll()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.Next(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		f.Close()
		if len(s.followers) != 0 {
			t.Error("a closed follower is kept")
		}
	})
}

func TestOrders(t *testing.T) {
	s := New()
	for i := range 3 {
		write(s, func(t *WriteTxn) {
			putJob(t, job("a", uint64(i)))
			putJob(t, job("ab", uint64(i)))
			t.PutEval(&structs.Evaluation{ID: id(byte(9 - i)), Namespace: "default", JobID: "a"})
			t.PutDeployment(&structs.Deployment{ID: id(byte(9 - i)), Namespace: "default", JobID: "a"})
		})
	}
	snap := s.Snapshot()
	var versions []uint64
	for v := range snap.JobVersions("default", "a") {
		versions = append(versions, v.Version)
	}
	var evals, deployments []structs.ID
	for e := range snap.EvalsByJob("default", "a") {
		evals = append(evals, e.ID)
	}
	for d := range snap.DeploymentsByJob("default", "a") {
		deployments = append(deployments, d.ID)
	}
	if !slices.Equal(versions, []uint64{2, 1, 0}) || !slices.Equal(evals, []structs.ID{id(9), id(8), id(7)}) ||
		!slices.Equal(deployments, []structs.ID{id(7), id(8), id(9)}) || snap.LatestDeployment("default", "a").ID != id(7) {
		t.Errorf("versions %v, evaluations %v, deployments %v", versions, evals, deployments)
	}
	if snap.LatestDeployment("default", "ab") != nil {
		t.Error("a job without deployments has one")
	}
}

func TestDigestIsOfWhatIsSaid(t *testing.T) {
	a := &structs.Job{ID: "a", Datacenters: nil, TaskGroups: []*structs.TaskGroup{{Tasks: []*structs.Task{{
		Config: map[string]any{"n": int64(1), "list": []any{"x"}, "none": nil}}}}}}
	b := &structs.Job{ID: "a", Datacenters: []string{}, Meta: map[string]string{}, TaskGroups: []*structs.TaskGroup{{Tasks: []*structs.Task{{
		Config: map[string]any{"list": []any{"x"}, "n": uint64(1), "none": nil}}}}}}
	if Digest(a) != Digest(b) {
		t.Error("the same said in two ways differs")
	}
	b.TaskGroups[0].Tasks[0].Config["n"] = "1"
	if Digest(a) == Digest(b) {
		t.Error("a text and a number are the same")
	}
	var none *structs.Job
	if Digest(none) == Digest(&structs.Job{}) {
		t.Error("nothing and an empty job are the same")
	}
}

func TestTablesHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for i := range TableCount + 1 {
		name := Table(i).String()
		if name == "" || seen[name] {
			t.Errorf("table %d is called %q", i, name)
		}
		seen[name] = true
	}
}

func BenchmarkSnapshotGet(b *testing.B) {
	s := New()
	write(s, func(t *WriteTxn) {
		for i := range 100000 {
			a := alloc(0, "a", 1)
			a.ID = structs.ID{0: byte(i * 7), 1: byte(i >> 8), 2: byte(i >> 16), 3: byte(i)}
			t.PutAlloc(a)
		}
	})
	for i := 0; b.Loop(); i++ {
		s.Snapshot().Alloc(structs.ID{0: byte(i % 100000 * 7), 1: byte(i % 100000 >> 8), 2: byte(i % 100000 >> 16), 3: byte(i % 100000)})
	}
}

func TestReadingATransactionGivesUpNoRightToChange(t *testing.T) {
	s := New()
	write(s, func(txn *WriteTxn) {
		txn.PutAlloc(alloc(1, "a", 1))
		before := txn.pen()
		for range txn.AllocsByNode(id(1)) {
			if txn.looking != 1 {
				t.Errorf("%d sequences run", txn.looking)
			}
		}
		if txn.pen() != before {
			t.Error("a sequence that is over has all nodes copied again")
		}
		for range txn.AllocsByNode(id(1)) {
			held := txn.pen()
			if held == before {
				t.Error("nodes of a running sequence may be changed")
			}
			if txn.pen() != held {
				t.Error("each write copies the nodes of a running sequence again")
			}
			for range txn.AllocsByNode(id(1)) {
				if txn.pen() == held {
					t.Error("nodes of an inner sequence may be changed")
				}
			}
			break
		}
		if txn.looking != 0 {
			t.Errorf("%d sequences run, none does", txn.looking)
		}
	})
}
