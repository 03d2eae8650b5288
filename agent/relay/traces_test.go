package relay

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/agent/config"
	"berth/agent/httpapi"
	"berth/internal/idgen"
	"berth/internal/tracing"
	"berth/internal/tracing/collector"
	"berth/server"
	"berth/server/heartbeat"
	"berth/structs"
)

// reached carries requests to one handler.
type reached struct{ http.Handler }

func (h reached) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

func tracer(t *testing.T, c *collector.Collector, name string) *tracing.Tracer {
	t.Helper()
	tr, err := tracing.Open(tracing.Config{Endpoint: c.URL, Ratio: 0}, tracing.Process{Name: name}, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// lead runs a server that leads, with a node.
func lead(t *testing.T, tr *tracing.Tracer) *server.Server {
	t.Helper()
	s, err := server.New(server.Config{Name: "leader", Logger: hclog.NewNullLogger(), IDs: idgen.Seeded(1), Tracer: tr,
		Heartbeat: heartbeat.Config{Grace: time.Hour}}) // its node sends none
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	<-s.Ready()
	n := &structs.Node{ID: s.NewID(), SecretID: s.NewID(), Name: "n1", Datacenter: "dc1", NodePool: structs.DefaultNodePool, Status: structs.NodeStatusReady,
		SchedulingEligibility: structs.NodeEligible, Attributes: map[string]string{"kernel.name": "linux", "driver.fake": "1"},
		Drivers: map[string]*structs.DriverInfo{"fake": {Detected: true, Healthy: true}},
		NodeResources: &structs.NodeResources{Cpu: structs.NodeCPUResources{CpuShares: 4000}, Memory: structs.NodeMemoryResources{MemoryMB: 8192},
			Disk: structs.NodeDiskResources{DiskMB: 100_000}, MinDynamicPort: 20000, MaxDynamicPort: 32000}}
	if _, err := s.Register(ctx, &structs.NodeRegisterRequest{Node: n}); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestOneTraceFromTheRequestToTheLog: an agent without a server forwards a registration, the leader writes and applies it, decides its
// evaluation and applies the plan; all of it is one trace, the caller's.
func TestOneTraceFromTheRequestToTheLog(t *testing.T) {
	col := collector.New(t)
	asked, led := tracer(t, col, "asked"), tracer(t, col, "leader")
	s := lead(t, led)
	cfg := config.Default()
	cfg.Server.Enabled = true
	api := httpapi.New(httpapi.Deps{Config: cfg, Server: s, Logger: hclog.NewNullLogger(), Name: "leader"})
	atLeader := New(Config{Local: api.Handler(), Server: s, Region: "global", Logger: hclog.NewNullLogger(), Tracer: led})
	front := New(Config{Local: http.NotFoundHandler(), Trip: reached{led.Handler(atLeader, false)}, Servers: func() []string { return []string{"10.0.0.1:4647"} },
		Region: "global", Logger: hclog.NewNullLogger(), Tracer: asked}).Public()
	const job = `{"Job":{"ID":"web","TaskGroups":[{"Name":"g","Tasks":[{"Name":"t","Driver":"fake"}]}]}}`
	send := func(parent string) {
		r := httptest.NewRequest("PUT", "/v1/jobs", strings.NewReader(job))
		r.Header.Set("traceparent", parent)
		w := httptest.NewRecorder()
		front.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	const trace, caller = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	send("00-" + trace + "-" + caller + "-01")
	for len(placed(s)) == 0 { // the plan is applied
		_, changed := s.State().Snapshot().AllocsByJobW("default", "web")
		if len(placed(s)) > 0 {
			break
		}
		<-changed
	}
	send("00-11111111111111111111111111111111-" + caller + "-00") // not traced: nothing more
	want := []struct{ name, below, of string }{
		{"PUT", "", "asked"},
		{"forward", "PUT", "asked"},
		{"PUT /v1/jobs", "forward", "leader"},
		{"propose JobRegister", "PUT /v1/jobs", "leader"},
		{"commit JobRegister", "propose JobRegister", "leader"},
		{"apply JobRegister", "propose JobRegister", "leader"},
		{"evaluate", "propose JobRegister", "leader"},
		{"propose PlanApply", "propose JobRegister", "leader"},
		{"commit PlanApply", "propose PlanApply", "leader"},
		{"apply PlanApply", "propose PlanApply", "leader"},
	}
	var got map[string]collector.Span
	for len(got) < len(want) { // the last ends after its effect is seen
		for _, tr := range []*tracing.Tracer{asked, led} {
			if err := tr.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		got = spansByName(t, col.Spans())
	}
	for _, w := range want {
		sp, ok := got[w.name]
		parent := caller
		if w.below != "" {
			parent = got[w.below].ID
		}
		if !ok || sp.Parent != parent || sp.Trace != trace || sp.Of != w.of || sp.End < sp.Start {
			t.Errorf("%s: %+v, below %s (%s)", w.name, sp, w.below, parent)
		}
	}
	if p, a, c := got["propose JobRegister"], got["apply JobRegister"], got["commit JobRegister"]; a.Start < p.Start || a.End > p.End || c.Start < p.Start || c.End != a.Start {
		t.Errorf("commit and apply are not within what they are part of: %+v, %+v, %+v", p, c, a)
	}
	if len(got) != len(want) {
		t.Errorf("%d spans, want %d: %+v", len(got), len(want), got)
	}
	for _, tr := range []*tracing.Tracer{asked, led} {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	}
}

func placed(s *server.Server) (out []*structs.Allocation) {
	for a := range s.State().Snapshot().AllocsByJob("default", "web") {
		out = append(out, a)
	}
	return out
}

// spansByName are spans by name, those about a command with its name.
func spansByName(t *testing.T, spans []collector.Span) map[string]collector.Span {
	t.Helper()
	command := map[string]string{}
	for _, s := range spans {
		command[s.ID] = s.Attributes["berth.command"]
	}
	out := map[string]collector.Span{}
	for _, s := range spans {
		switch s.Name {
		case "propose":
			s.Name += " " + command[s.ID]
		case "commit", "apply":
			s.Name += " " + command[s.Parent]
		}
		if had, twice := out[s.Name]; twice && had.ID != s.ID {
			t.Errorf("%s is there twice", s.Name)
		}
		out[s.Name] = s
	}
	return out
}
