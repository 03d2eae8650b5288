package server

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"berth/internal/idgen"
	"berth/server/heartbeat"
	"berth/structs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a server until the test ends.
func start(t *testing.T, dir string) (s *Server, stop func()) {
	t.Helper()
	s, err := New(Config{Name: "s1", DataDir: dir, Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Warn}), IDs: idgen.Random(),
		Heartbeat: heartbeat.Config{Grace: time.Hour}}) // nodes of tests send none, and a slow machine may take long
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	select {
	case <-s.Ready():
	case err := <-done:
		stopped = true
		cancel()
		t.Fatal(err)
	}
	return s, stop
}

func node(s *Server) *structs.Node {
	return &structs.Node{
		ID: s.NewID(), SecretID: s.NewID(), Name: "n1", Datacenter: "dc1", Status: structs.NodeStatusReady,
		SchedulingEligibility: structs.NodeEligible, Attributes: map[string]string{"kernel.name": "linux", "driver.fake": "1"},
		Drivers: map[string]*structs.DriverInfo{"fake": {Detected: true, Healthy: true}},
		NodeResources: &structs.NodeResources{
			Cpu: structs.NodeCPUResources{CpuShares: 4000, TotalCpuCores: 4}, Memory: structs.NodeMemoryResources{MemoryMB: 8192},
			Disk: structs.NodeDiskResources{DiskMB: 100_000}, MinDynamicPort: 20000, MaxDynamicPort: 32000,
		},
	}
}

func job(count int) *structs.Job {
	j := &structs.Job{ID: "web", Name: "web", TaskGroups: []*structs.TaskGroup{{Name: "g", Count: &count,
		Tasks: []*structs.Task{{Name: "t", Driver: "fake"}}}}}
	j.Canonicalize()
	return j
}

func register(t *testing.T, s *Server, j *structs.Job) *structs.Evaluation {
	t.Helper()
	now := time.Now().UnixNano()
	e := &structs.Evaluation{ID: s.NewID(), Namespace: j.Namespace, JobID: j.ID, Type: j.Type, Priority: j.Priority,
		TriggeredBy: structs.EvalTriggerJobRegister, Status: structs.EvalStatusPending, CreateTime: now, ModifyTime: now}
	if _, err := s.Propose(t.Context(), structs.CmdJobRegister, &structs.JobRegisterCommand{Job: j, Eval: e}); err != nil {
		t.Fatal(err)
	}
	return e
}

// until waits until the state is as asked.
func until(t *testing.T, s *Server, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		index := s.State().Index()
		if ok() {
			return
		}
		if err := s.State().WaitIndex(ctx, index+1); err != nil {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestAJobGoesFromRegistrationToItsNode(t *testing.T) {
	s, _ := start(t, "")
	n := node(s)
	if _, err := s.Register(t.Context(), &structs.NodeRegisterRequest{Node: n}); err != nil {
		t.Fatal(err)
	}
	register(t, s, job(2))
	call := &structs.NodeAllocsRequest{NodeID: n.ID, SecretID: n.SecretID, MaxWait: 10 * time.Second}
	for {
		resp, err := s.Allocs(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		if len(resp.Allocs) == 2 {
			update(t, s, n, resp.Allocs)
			break
		}
		call.Known = map[string]uint64{}
		for _, a := range resp.Allocs {
			call.Known[a.ID.String()] = a.AllocModifyIndex
		}
	}
	until(t, s, "job runs", func() bool {
		j := s.State().Snapshot().Job("default", "web")
		return j.Status == structs.JobStatusRunning
	})
	sum := s.State().Snapshot().JobSummary("default", "web").Summary["g"]
	if sum.Running != 2 {
		t.Errorf("%+v", sum)
	}
}

func update(t *testing.T, s *Server, n *structs.Node, allocs []*structs.Allocation) {
	t.Helper()
	req := &structs.NodeUpdateAllocsRequest{NodeID: n.ID, SecretID: n.SecretID}
	for _, a := range allocs {
		req.Updates = append(req.Updates, &structs.AllocClientUpdate{ID: a.ID, ClientStatus: structs.AllocClientRunning})
	}
	if err := s.UpdateAllocs(t.Context(), req); err != nil {
		t.Fatal(err)
	}
}

func TestABlockedJobIsPlacedWhenANodeComes(t *testing.T) {
	s, _ := start(t, "")
	e := register(t, s, job(1))
	until(t, s, "evaluation is done", func() bool { return s.State().Snapshot().Eval(e.ID).Terminal() })
	if b := s.State().Snapshot().Eval(e.ID).BlockedEval; b.IsZero() {
		t.Fatal("nothing waits for room")
	}
	if _, err := s.Register(t.Context(), &structs.NodeRegisterRequest{Node: node(s)}); err != nil {
		t.Fatal(err)
	}
	until(t, s, "allocation is placed", func() bool {
		for range s.State().Snapshot().AllocsByJob("default", "web") {
			return true
		}
		return false
	})
}

func TestWhatWasAcknowledgedIsThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s, stop := start(t, dir)
	n := node(s)
	if _, err := s.Register(t.Context(), &structs.NodeRegisterRequest{Node: n}); err != nil {
		t.Fatal(err)
	}
	e := register(t, s, job(3))
	until(t, s, "evaluation is done", func() bool { return s.State().Snapshot().Eval(e.ID).Terminal() })
	id, hash := s.ID(), s.State().Snapshot().Hash()
	stop()
	s, _ = start(t, dir)
	if s.ID() != id {
		t.Errorf("the server came back as %v, was %v", s.ID(), id)
	}
	if got := s.State().Snapshot().Hash(); got != hash {
		t.Errorf("the state has the hash %x, had %x", got, hash)
	}
}

func TestTwoServersCannotShareADirectory(t *testing.T) {
	dir := t.TempDir()
	start(t, dir)
	second, err := New(Config{DataDir: dir, Logger: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	err = second.Run(t.Context())
	if structs.KindOf(err) != structs.KindConflict {
		t.Errorf("got %v", err)
	}
}

func TestOnlyTheNodeItselfIsAnswered(t *testing.T) {
	s, _ := start(t, "")
	n := node(s)
	if _, err := s.Register(t.Context(), &structs.NodeRegisterRequest{Node: n}); err != nil {
		t.Fatal(err)
	}
	stranger := *n
	stranger.SecretID = s.NewID()
	if _, err := s.Register(t.Context(), &structs.NodeRegisterRequest{Node: &stranger}); structs.KindOf(err) != structs.KindUnauthorised {
		t.Errorf("register: %v", err)
	}
	if _, err := s.Heartbeat(t.Context(), &structs.NodeHeartbeatRequest{NodeID: n.ID, SecretID: stranger.SecretID}); structs.KindOf(err) != structs.KindUnauthorised {
		t.Errorf("heartbeat: %v", err)
	}
	if _, err := s.Allocs(t.Context(), &structs.NodeAllocsRequest{NodeID: n.ID, SecretID: stranger.SecretID}); structs.KindOf(err) != structs.KindUnauthorised {
		t.Errorf("allocs: %v", err)
	}
	if _, err := s.Heartbeat(t.Context(), &structs.NodeHeartbeatRequest{NodeID: s.NewID(), SecretID: n.SecretID}); structs.KindOf(err) != structs.KindNotFound {
		t.Errorf("unknown node: %v", err)
	}
}
