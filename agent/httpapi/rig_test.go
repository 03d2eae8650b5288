package httpapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"berth/agent/config"
	"berth/agent/telemetry"
	"berth/internal/idgen"
	"berth/server"
	heartbeats "berth/server/heartbeat"
	"berth/structs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is the API before a real server that keeps its state in memory, with one node that runs nothing.
type rig struct {
	*testing.T
	api    *API
	server *server.Server
	url    string
	http   *http.Client
	node   *structs.Node
}

func newRig(t *testing.T) *rig {
	t.Helper()
	log := hclog.NewNullLogger()
	s, err := server.New(server.Config{Name: "s1", Version: "0.0.0", Addr: "127.0.0.1:4647", Logger: log, IDs: idgen.Seeded(1),
		Heartbeat: heartbeats.Config{Grace: time.Hour}}) // its node sends none, and a slow machine may take long
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	cfg := config.Default()
	cfg.HTTPAddr, cfg.Server.Enabled = "127.0.0.1:4646", true
	a := New(Deps{Config: cfg, Server: s, Logger: log, Name: "s1", Logs: noLog, Metrics: openMetrics(t), Reload: func() error { return nil }})
	web := httptest.NewServer(a.Handler())
	r := &rig{T: t, api: a, server: s, url: web.URL, http: &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableCompression: true}}}
	t.Cleanup(func() {
		r.http.CloseIdleConnections()
		web.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-s.Ready():
	case err := <-ended:
		t.Fatal(err)
	}
	r.node = fakeNode(s)
	if _, err := s.Register(ctx, &structs.NodeRegisterRequest{Node: r.node}); err != nil {
		t.Fatal(err)
	}
	return r
}

func openMetrics(t *testing.T) *telemetry.Telemetry {
	t.Helper()
	m, err := telemetry.Open(config.Default().Telemetry, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func noLog(LogOptions) (<-chan []byte, func()) {
	lines := make(chan []byte, 1)
	lines <- []byte("a line\n")
	close(lines)
	return lines, func() {}
}

func fakeNode(s *server.Server) *structs.Node {
	return &structs.Node{
		ID: s.NewID(), SecretID: s.NewID(), Name: "n1", Datacenter: "dc1", NodePool: structs.DefaultNodePool, Status: structs.NodeStatusReady,
		SchedulingEligibility: structs.NodeEligible, Attributes: map[string]string{"kernel.name": "linux", "driver.fake": "1"},
		Drivers: map[string]*structs.DriverInfo{"fake": {Detected: true, Healthy: true}},
		NodeResources: &structs.NodeResources{
			Cpu: structs.NodeCPUResources{CpuShares: 4000, TotalCpuCores: 4}, Memory: structs.NodeMemoryResources{MemoryMB: 8192},
			Disk: structs.NodeDiskResources{DiskMB: 100_000}, MinDynamicPort: 20000, MaxDynamicPort: 32000,
		},
	}
}

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request; body may be a text or anything that becomes JSON.
func (r *rig) do(method, path string, body any) reply {
	r.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			r.Fatal(err)
		}
		in = strings.NewReader(string(raw))
	}
	req, err := http.NewRequestWithContext(r.Context(), method, r.url+path, in)
	if err != nil {
		r.Fatal(err)
	}
	resp, err := r.http.Do(req)
	if err != nil {
		r.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

// get reads JSON into v.
func (r *rig) get(path string, v any) reply {
	r.Helper()
	out := r.do(http.MethodGet, path, nil)
	if out.status != http.StatusOK {
		r.Fatalf("GET %s: %d %s", path, out.status, out.body)
	}
	if err := json.Unmarshal([]byte(out.body), v); err != nil {
		r.Fatalf("GET %s: %v in %s", path, err, out.body)
	}
	return out
}

// job is a service of one group that the node takes.
func job(id string, count int) *structs.Job {
	return &structs.Job{ID: id, Name: id, Type: structs.JobTypeService, Datacenters: []string{"*"}, TaskGroups: []*structs.TaskGroup{{Name: "g", Count: &count,
		Tasks: []*structs.Task{{Name: "t", Driver: "fake"}}}}}
}

// register registers a job and waits until it is placed.
func (r *rig) register(j *structs.Job) (eval string) {
	r.Helper()
	out := r.do(http.MethodPut, "/v1/jobs", &structs.JobRegisterRequest{Job: j})
	var resp structs.JobRegisterResponse
	if err := json.Unmarshal([]byte(out.body), &resp); err != nil || out.status != http.StatusOK {
		r.Fatalf("register: %d %s", out.status, out.body)
	}
	for index := "0"; ; {
		var e structs.Evaluation
		got := r.get("/v1/evaluation/"+resp.EvalID.String()+"?index="+index, &e)
		if e.Status == structs.EvalStatusComplete {
			return resp.EvalID.String()
		}
		index = got.header.Get("X-Nomad-Index")
	}
}

// runAll reports the node's allocations as running, as a client does.
func (r *rig) runAll() {
	r.Helper()
	var updates []*structs.AllocClientUpdate
	for a := range r.server.State().Snapshot().AllocsByNode(r.node.ID) {
		updates = append(updates, &structs.AllocClientUpdate{ID: a.ID, NodeID: r.node.ID, ClientStatus: structs.AllocClientRunning,
			TaskStates: map[string]*structs.TaskState{"t": {State: structs.TaskStateRunning, StartedAt: time.Now()}}})
	}
	if err := r.server.UpdateAllocs(r.Context(), &structs.NodeUpdateAllocsRequest{NodeID: r.node.ID, SecretID: r.node.SecretID, Updates: updates}); err != nil {
		r.Fatal(err)
	}
}
