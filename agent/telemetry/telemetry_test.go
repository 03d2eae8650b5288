package telemetry

import (
	"context"
	"encoding/json"
	"maps"
	"net"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-metrics"
	"go.uber.org/goleak"

	"berth/agent/config"
	"berth/client"
	"berth/client/hoststats"
	"berth/drivers"
	"berth/internal/idgen"
	"berth/server"
	"berth/server/backup"
	"berth/server/replicate"
	"berth/structs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open has every figure published.
func open(t *testing.T, change func(*config.Telemetry)) *Telemetry {
	t.Helper()
	cfg := config.Default().Telemetry
	cfg.Prometheus, cfg.AllocMetrics, cfg.NodeMetrics = true, true, true
	if change != nil {
		change(&cfg)
	}
	tm, err := Open(cfg, "m1.example")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tm.Close)
	return tm
}

// agent has a certificate that ends in an hour.
type agent struct{}

func (agent) Connections() (int, uint64) { return 3, 2 }
func (agent) Requests() Requests         { return Requests{9, 5, 1, 4, 2, 1} }
func (agent) Certificates() (own, root time.Time, ok bool) {
	return time.Now().Add(time.Hour), time.Now().Add(2 * time.Hour), true
}

// one is a node with one allocation.
type one struct {
	node  *structs.Node
	looks *int
}

func (o one) Node() *structs.Node { return o.node }

func (o one) Figures() client.Figures {
	*o.looks++
	return client.Figures{Seen: seenAt(*o.looks), AllocsRunning: 1, TasksRunning: 1, Running: []*structs.Allocation{{ID: o.node.ID, Namespace: "default", JobID: "web", TaskGroup: "g",
		AllocatedResources: &structs.AllocatedResources{Tasks: map[string]*structs.AllocatedTaskResources{"t": {}}}}}}
}

// seenAt are the node's allocations at a look: at the first a has run and b has failed; then a was restarted and ended, and c, d and e came.
func seenAt(look int) []client.AllocFigures {
	at := func(n byte, status string, restarts uint64) client.AllocFigures {
		return client.AllocFigures{Alloc: &structs.Allocation{ID: structs.ID{15: n}, Namespace: "default", JobID: "web", TaskGroup: "g"}, Status: status, Restarts: restarts}
	}
	if look == 1 {
		return []client.AllocFigures{at(1, structs.AllocClientRunning, 1), at(2, structs.AllocClientFailed, 3)}
	}
	killed := at(1, structs.AllocClientComplete, 3)
	killed.OOMKills = []int64{7, 9}
	return []client.AllocFigures{killed, at(2, structs.AllocClientFailed, 3), at(3, structs.AllocClientRunning, 0),
		at(4, structs.AllocClientFailed, 0), at(5, structs.AllocClientComplete, 1)}
}

// TestWhatHappenedToAllocationsIsCountedOnce: not what had happened before the agent started, nor twice.
func TestWhatHappenedToAllocationsIsCountedOnce(t *testing.T) {
	tm := open(t, nil)
	c := tm.Collect(nil, nil, nil)
	for look := range 4 {
		c.countAllocs(seenAt(min(look+1, 2)))
	}
	got, _ := tm.values()
	want := map[string]int{"nomad.client.allocs.running": 1, "nomad.client.allocs.complete": 2, "nomad.client.allocs.failed": 1, "nomad.client.allocs.restart": 3, "nomad.client.allocs.oom_killed": 2}
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s: %d, want %d", name, got[name], n)
		}
	}
}

func (one) HostStats() (*hoststats.Stats, error) {
	return &hoststats.Stats{CPU: []hoststats.CPU{{CPU: "cpu0"}}, DiskStats: []hoststats.Disk{{Device: "/dev/x"}}}, nil
}

func (one) AllocStats(context.Context, structs.ID, string) (map[string]*drivers.Usage, error) {
	return map[string]*drivers.Usage{"t": {}}, nil
}

func fakeNode(s *server.Server) *structs.Node {
	return &structs.Node{ID: s.NewID(), SecretID: s.NewID(), Name: "n1", Datacenter: "dc1", NodePool: structs.DefaultNodePool, Status: structs.NodeStatusReady,
		SchedulingEligibility: structs.NodeEligible, Attributes: map[string]string{"kernel.name": "linux"},
		NodeResources: &structs.NodeResources{Cpu: structs.NodeCPUResources{CpuShares: 4000}, Memory: structs.NodeMemoryResources{MemoryMB: 8192}}}
}

// cut is a region that cannot be reached.
type cut struct{}

func (cut) Do(context.Context, string, string, int64) ([]byte, uint64, error) {
	return nil, 0, structs.NewError(structs.KindUnavailable, "no server of it answers")
}

// live runs a server that has a node and a job, has lost the node, and has stopped leading.
func live(t *testing.T, c func(*server.Server) *Collector, then func()) {
	t.Helper()
	s, err := server.New(server.Config{Name: "s1", Logger: hclog.NewNullLogger(), IDs: idgen.Random(),
		Replicate: &replicate.Plan{From: "other", Source: cut{}},
		Backup:    &backup.Plan{Every: time.Hour, Target: backup.Directory{Path: t.TempDir()}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	<-s.Ready()
	n := fakeNode(s)
	if _, err := s.Register(ctx, &structs.NodeRegisterRequest{Node: n}); err != nil {
		t.Fatal(err)
	}
	rest := &structs.Queue{Name: "rest", Namespaces: []string{structs.QueueRest}, Weight: 1, Lending: structs.LendReclaim}
	if _, err := s.Propose(ctx, structs.CmdQueue, &structs.QueueCommand{Queue: rest}); err != nil {
		t.Fatal(err)
	}
	types := []string{structs.JobTypeService, structs.JobTypeBatch, structs.JobTypeSystem, structs.JobTypeSysBatch}
	for _, kind := range types {
		registerJob(t, s, kind)
	}
	for at := s.State().Index(); s.PlacerStats().Evaluations < uint64(len(types)); at = s.State().Index() {
		ctx, stop := context.WithTimeout(ctx, 100*time.Millisecond) // the last count may come after the last change
		_ = s.State().WaitIndex(ctx, at+1)
		stop()
	}
	if err := s.NodeMissed(ctx, n.ID); err != nil {
		t.Fatal(err)
	}
	for kind := structs.CmdNone + 1; kind <= structs.CmdLast; kind++ { // each is applied, or refused
		_, _ = s.Propose(ctx, kind, &structs.NameDeleteCommand{})
	}
	runtime.GC()
	col := c(s)
	col.Once(ctx, time.Now())
	col.Once(ctx, time.Now()) // what happened since
	then()
}

// registerJob registers a job whose driver no node has: its name is its type.
func registerJob(t *testing.T, s *server.Server, kind string) {
	t.Helper()
	count := 1
	j := &structs.Job{ID: kind, Name: kind, Type: kind, TaskGroups: []*structs.TaskGroup{{Name: "g", Count: &count, Tasks: []*structs.Task{{Name: "t", Driver: "fake"}}}}}
	j.Canonicalize()
	e := &structs.Evaluation{ID: s.NewID(), Namespace: j.Namespace, JobID: j.ID, Type: j.Type, Priority: j.Priority,
		TriggeredBy: structs.EvalTriggerJobRegister, Status: structs.EvalStatusPending}
	if _, err := s.Propose(t.Context(), structs.CmdJobRegister, &structs.JobRegisterCommand{Job: j, Eval: e}); err != nil {
		t.Fatal(err)
	}
}

type seen struct {
	kind   Kind
	labels []string
}

// written are the names in memory, with the kinds and labels of each.
func written(sinks ...*metrics.InmemSink) map[string]seen {
	out := map[string]seen{}
	note := func(kind Kind, name string, labels []metrics.Label) {
		var names []string
		for _, l := range labels {
			names = append(names, l.Name)
		}
		out[name] = seen{kind, names}
	}
	var all []*metrics.IntervalMetrics
	for _, s := range sinks {
		all = append(all, s.Data()...)
	}
	for _, i := range all {
		i.RLock()
		for _, g := range i.Gauges {
			note(Gauge, g.Name, g.Labels)
		}
		for _, c := range i.Counters {
			note(Counter, c.Name, c.Labels)
		}
		for _, s := range i.Samples {
			note(Sample, s.Name, s.Labels)
		}
		i.RUnlock()
	}
	return out
}

// What is written at the end of a minute and after it is read together: a summary lost the figures of jobs, at full minutes.
func TestFiguresOfAMomentAreTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := moment()
		time.Sleep(time.Minute - time.Nanosecond)
		m.SetGauge([]string{"before"}, 1)
		time.Sleep(time.Nanosecond)
		m.SetGauge([]string{"after"}, 1)
		v, err := m.DisplayMetrics(nil, nil)
		if err != nil || len(v.(metrics.MetricsSummary).Gauges) != 2 {
			t.Errorf("%+v, %v", v, err)
		}
	})
}

func TestARunningServerWritesWhatTheCatalogueSays(t *testing.T) {
	tm := open(t, nil)
	read := moment() // what is made for its reader
	w := httptest.NewRecorder()
	show := func() { tm.Prometheus().ServeHTTP(w, httptest.NewRequest("GET", "/", nil)) }
	live(t, func(s *server.Server) *Collector { return tm.Collect(s, one{fakeNode(s), new(int)}, agent{}) }, func() {
		if err := tm.jobs(read); err != nil {
			t.Fatal(err)
		}
		show()
	})
	show() // what its end wrote
	prom := "\n" + w.Body.String()
	got := written(tm.keep, read)
	listed := map[string]bool{}
	for _, f := range Catalogue {
		if listed[f.Name] {
			t.Errorf("%s is listed twice", f.Name)
		}
		listed[f.Name] = true
		w, there := got[f.Name]
		in := "\n" + strings.NewReplacer(".", "_", "-", "_").Replace(f.Name)
		if there && (!strings.Contains(prom, in+" ") && !strings.Contains(prom, in+"{") && !strings.Contains(prom, in+"_count ")) {
			t.Errorf("%s is not shown to Prometheus", f.Name)
		}
		switch {
		case f.Where == several && !there: // needs other servers
		case !there:
			t.Errorf("%s is listed and was not written", f.Name)
		case w.kind != f.Kind || !slices.Equal(w.labels, f.Labels):
			t.Errorf("%s is a %s by %v and listed as a %s by %v", f.Name, w.kind, w.labels, f.Kind, f.Labels)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		library := slices.ContainsFunc(Libraries, func(l struct{ Prefix, Help string }) bool { return strings.HasPrefix(name, l.Prefix) })
		if !listed[name] && !library {
			t.Errorf("%s was written and is not listed", name)
		}
	}
	if _, there := got["nomad.raft.apply"]; !there {
		t.Error("raft's figures do not arrive")
	}
}

func TestTheFormsOfTheFigures(t *testing.T) {
	tm := open(t, func(c *config.Telemetry) { c.Block = []string{"nomad.raft"} })
	var text []byte
	w := httptest.NewRecorder()
	live(t, func(s *server.Server) *Collector { return tm.Collect(s, nil, nil) }, func() {
		v, err := tm.Summary()
		if err != nil {
			t.Fatal(err)
		}
		if text, err = json.Marshal(v); err != nil {
			t.Fatal(err)
		}
		tm.Prometheus().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	})
	var form map[string]json.RawMessage
	if err := json.Unmarshal(text, &form); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"Timestamp", "Gauges", "Points", "Counters", "Samples"} {
		if s := string(form[k]); s == "" || s == "null" {
			t.Errorf("%s is %q", k, s)
		}
	}
	if want := `{"Name":"nomad.nomad.job_summary.queued","Value":1,"Labels":{"job":"service","namespace":"default","task_group":"g"}}`; !strings.Contains(string(text), want) {
		t.Errorf("%s is missing in the summary", want)
	}
	body := w.Body.String()
	for _, want := range []string{"nomad_nomad_broker_total_ready 0", `nomad_nomad_job_summary_queued{job="service",namespace="default",task_group="g"} 1`,
		"nomad_nomad_plan_submit_count", "go_goroutines"} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(body, "nomad_raft") {
		t.Error("what the filter drops is shown")
	}
}

// TestFiguresOfJobsAreWrittenForThoseWhoReadThem: nothing is kept of them in between, and other machines are sent them.
func TestFiguresOfJobsAreWrittenForThoseWhoReadThem(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, c := range []struct {
		what, statsd string
	}{{"nobody is sent any", ""}, {"statsd is", conn.LocalAddr().String()}} {
		t.Run(c.what, func(t *testing.T) {
			tm := open(t, func(k *config.Telemetry) { k.Statsd, k.Prometheus = c.statsd, false })
			live(t, func(s *server.Server) *Collector { return tm.Collect(s, nil, nil) }, func() {})
			for _, i := range tm.keep.Data() {
				for name := range i.Gauges {
					if strings.Contains(name, "job_s") {
						t.Errorf("%s is kept", name)
					}
				}
			}
		})
	}
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	buf := make([]byte, 64<<10)
	for {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			t.Fatal("statsd is sent none: ", err)
		}
		if strings.Contains(string(buf[:n]), "job_summary.queued.default.service.g:1.000000|g") {
			return
		}
	}
}

func TestFiguresAreSentToACollector(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, c := range []struct {
		what, want string
		set        func(*config.Telemetry)
	}{
		{"statsd", "nomad.m1_example.nomad.server.leader:", func(c *config.Telemetry) { c.Statsd = conn.LocalAddr().String() }},
		{"statsd without a host", "nomad.nomad.server.leader:", func(c *config.Telemetry) { c.Statsd, c.DisableHostname = conn.LocalAddr().String(), true }},
		{"dogstatsd", "nomad.m1_example.nomad.server.leader:", func(c *config.Telemetry) {
			c.Datadog, c.DatadogTags = conn.LocalAddr().String(), []string{"env:test"}
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			tm := open(t, c.set)
			tm.global.SetGauge([]string{"nomad", "server", "leader"}, 1)
			_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
			buf := make([]byte, 64<<10)
			n, _, err := conn.ReadFrom(buf)
			if got := string(buf[:n]); err != nil || !strings.HasPrefix(got, c.want) {
				t.Errorf("%q %v", got, err)
			}
		})
	}
	// What is written just before the end may be lost: statsd is best effort.
	cfg := config.Default().Telemetry
	cfg.Datadog = "no port"
	if _, err := Open(cfg, "h"); err == nil || !strings.Contains(err.Error(), "datadog_address") {
		t.Errorf("a bad address: %v", err)
	}
}

func TestTheProcessWritesNowhereAfterTheEnd(t *testing.T) {
	tm := open(t, nil)
	tm.Close()
	metrics.IncrCounter([]string{"late"}, 1)
	if got := written(tm.keep); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
