package client

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"berth/drivers"
	"berth/drivers/fake"
	"berth/structs"
)

// cluster is a control plane without a scheduler: what should run is what the test says.
type cluster struct {
	mu       sync.Mutex
	known    bool
	down     bool // every call fails
	deaf     bool // reports fail
	index    uint64
	allocs   map[structs.ID]*structs.Allocation
	changed  chan struct{}
	reports  map[structs.ID]*structs.AllocClientUpdate
	calls    map[string]int
	shut     []*structs.NodeShutdownRequest
	shutErr  error // what these are answered
	ttl      time.Duration
	callTime time.Duration
}

func newCluster() *cluster {
	return &cluster{index: 10, allocs: map[structs.ID]*structs.Allocation{}, changed: make(chan struct{}),
		reports: map[structs.ID]*structs.AllocClientUpdate{}, calls: map[string]int{}, ttl: 10 * time.Second}
}

func (s *cluster) call(name string) error {
	time.Sleep(s.callTime)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[name]++
	switch {
	case s.down:
		return errors.New("connection refused")
	case name != "register" && !s.known:
		return structs.NewError(structs.KindNotFound, "node is not registered")
	}
	return nil
}

func (s *cluster) Register(context.Context, *structs.NodeRegisterRequest) (*structs.NodeRegisterResponse, error) {
	if err := s.call("register"); err != nil {
		return nil, err
	}
	s.set(func() { s.known = true })
	return &structs.NodeRegisterResponse{HeartbeatTTL: s.ttl}, nil
}

func (s *cluster) Heartbeat(context.Context, *structs.NodeHeartbeatRequest) (*structs.NodeRegisterResponse, error) {
	if err := s.call("heartbeat"); err != nil {
		return nil, err
	}
	return &structs.NodeRegisterResponse{HeartbeatTTL: s.ttl}, nil
}

func (s *cluster) Allocs(ctx context.Context, req *structs.NodeAllocsRequest) (*structs.NodeAllocsResponse, error) {
	for {
		if err := s.call("allocs"); err != nil {
			return nil, err
		}
		s.mu.Lock()
		resp, same := &structs.NodeAllocsResponse{Index: s.index}, 0
		for id, a := range s.allocs {
			resp.IDs = append(resp.IDs, id)
			at, known := req.Known[id.String()]
			if known {
				same++
			}
			if !known || at < a.AllocModifyIndex {
				bare := *a
				bare.Job = nil
				resp.Allocs = append(resp.Allocs, &bare)
				resp.Jobs = append(resp.Jobs, a.Job)
			}
		}
		changed := s.changed
		s.mu.Unlock()
		if len(resp.Allocs) > 0 || same != len(req.Known) {
			return resp, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(req.MaxWait):
			return resp, nil
		}
	}
}

func (s *cluster) UpdateAllocs(_ context.Context, req *structs.NodeUpdateAllocsRequest) error {
	if err := s.call("update"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf {
		return errors.New("connection refused")
	}
	for _, u := range req.Updates {
		s.reports[u.ID] = u
	}
	return nil
}

func (s *cluster) NodeShutdown(_ context.Context, req *structs.NodeShutdownRequest) error {
	if err := s.call("shutdown"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = append(s.shut, req)
	return s.shutErr
}

func (s *cluster) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.index++
	close(s.changed)
	s.changed = make(chan struct{})
}

// place puts an allocation of one task on the node.
func (s *cluster) place(n byte, jobType string, config map[string]any, change ...func(*structs.TaskGroup)) structs.ID {
	id := structs.ID{0xa0, 15: n}
	g := &structs.TaskGroup{Name: "g", Tasks: []*structs.Task{{Name: "web", Driver: "fake", Config: config}}}
	for _, f := range change {
		f(g)
	}
	job := &structs.Job{ID: "job" + string('a'+rune(n)), Type: jobType, TaskGroups: []*structs.TaskGroup{g}}
	job.Canonicalize()
	s.set(func() {
		s.allocs[id] = &structs.Allocation{ID: id, Namespace: "default", JobID: job.ID, Job: job, TaskGroup: "g",
			DesiredStatus: "run", ClientStatus: "pending", AllocModifyIndex: s.index}
	})
	return id
}

// change changes what is wanted of an allocation.
func (s *cluster) change(id structs.ID, f func(*structs.Allocation)) {
	s.set(func() {
		a := *s.allocs[id]
		f(&a)
		a.AllocModifyIndex = s.index
		s.allocs[id] = &a
	})
}

func (s *cluster) stop(id structs.ID) {
	s.change(id, func(a *structs.Allocation) { a.DesiredStatus = structs.AllocDesiredStop })
}

func (s *cluster) reap(id structs.ID) { s.set(func() { delete(s.allocs, id) }) }

func (s *cluster) status(id structs.ID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.reports[id]; u != nil {
		return u.ClientStatus
	}
	return ""
}

func (s *cluster) count(call string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[call]
}

// life is one life of the agent over a machine and a cluster.
type life struct {
	*testing.T
	c      *Client
	cancel context.CancelFunc
	ended  chan error
}

func begin(t *testing.T, m *machine, s Servers, change ...func(*Config)) *life {
	cfg := Config{DataDir: "/nowhere", Drivers: []drivers.Driver{fake.New(m.world, fake.Config{})}, Network: m}
	for _, f := range change {
		f(&cfg)
	}
	c, err := newClient(cfg.withDefaults(), s, m)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	l := &life{T: t, c: c, cancel: cancel, ended: make(chan error, 1)}
	go func() { l.ended <- c.Run(ctx) }()
	synctest.Wait()
	return l
}

// end ends the agent as kill -9 would: nothing but what is on the machine goes on.
func (l *life) end() {
	l.Helper()
	l.cancel()
	if err := <-l.ended; err != nil {
		l.Error(err)
	}
}

func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
