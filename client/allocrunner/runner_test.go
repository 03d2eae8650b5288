package allocrunner

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"berth/client/network"
	"berth/client/taskrunner"
	"berth/drivers"
	"berth/drivers/fake"
	"berth/structs"
)

// host is a node without a kernel: it remembers what was made.
type host struct {
	mu       sync.Mutex
	networks map[string]network.Request
	files    map[string]bool
	records  map[string][]byte
	netFails int
}

func newHost() *host {
	return &host{networks: map[string]network.Request{}, files: map[string]bool{}, records: map[string][]byte{}}
}

func (h *host) Setup(_ context.Context, req network.Request) (*network.Result, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.netFails > 0 {
		h.netFails--
		return nil, errors.New("no bridge")
	}
	h.networks[req.AllocID] = req
	return &network.Result{NetNS: "/run/ns/" + req.AllocID, Interface: "eth0", IP: "172.26.64.2"}, nil
}

func (h *host) Teardown(_ context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.networks, id)
	return nil
}

func (h *host) PutTask(_ structs.ID, task string, r *taskrunner.Record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records[task] = b
	return nil
}

func (h *host) restore(t *testing.T) map[string]*taskrunner.Record {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := map[string]*taskrunner.Record{}
	for task, b := range h.records {
		out[task] = &taskrunner.Record{}
		if err := json.Unmarshal(b, out[task]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

type files struct {
	h  *host
	id string
}

func (f files) Build(context.Context, []string) error {
	f.h.mu.Lock()
	defer f.h.mu.Unlock()
	f.h.files[f.id] = true
	return nil
}

func (f files) Close() error { return nil }

func (f files) Destroy() error {
	f.h.mu.Lock()
	defer f.h.mu.Unlock()
	delete(f.h.files, f.id)
	return nil
}

type plain struct{}

func (plain) Map() map[string]string                        { return nil }
func (plain) Replace(s string) string                       { return s }
func (plain) ReplaceConfig(c map[string]any) map[string]any { return c }

// bench runs one allocation.
type bench struct {
	*testing.T
	host   *host
	world  *fake.World
	alloc  *structs.Allocation
	r      *Runner
	cancel context.CancelFunc
	ended  chan error
	runs   int
}

func task(name string, config map[string]any, change ...func(*structs.Task)) *structs.Task {
	t := &structs.Task{Name: name, Driver: "fake", Config: config, RestartPolicy: &structs.RestartPolicy{Attempts: new(0)}}
	for _, f := range change {
		f(t)
	}
	return t
}

func hook(name string, sidecar bool) func(*structs.Task) {
	return func(t *structs.Task) { t.Lifecycle = &structs.TaskLifecycle{Hook: name, Sidecar: sidecar} }
}

func leader(t *structs.Task) { t.Leader = true }

func newBench(t *testing.T, jobType string, tasks ...*structs.Task) *bench {
	job := &structs.Job{ID: "job", Type: jobType, TaskGroups: []*structs.TaskGroup{{Name: "g", Tasks: tasks,
		Networks: []*structs.NetworkResource{{Mode: "bridge", Hostname: "web"}}}}}
	job.Canonicalize()
	alloc := &structs.Allocation{ID: structs.MustID("a1b2c3d4-0000-4000-8000-000000000001"), JobID: "job", Job: job, TaskGroup: "g",
		DesiredStatus: structs.AllocDesiredRun,
		AllocatedResources: &structs.AllocatedResources{Shared: structs.AllocatedSharedResources{
			Ports: []structs.AllocatedPortMapping{{Label: "http", Value: 20001, To: 80}}}}}
	return &bench{T: t, host: newHost(), world: fake.NewWorld(), alloc: alloc}
}

func (b *bench) life() {
	b.r = New(Config{
		Alloc: b.alloc, Drivers: map[string]drivers.Driver{"fake": fake.New(b.world, fake.Config{})}, Network: b.host,
		Files: files{b.host, b.alloc.ID.String()}, Store: b.host, Records: b.host.restore(b.T),
		Place: func(*structs.Allocation, string, *network.Result) taskrunner.Place {
			return taskrunner.Place{Env: plain{}}
		},
	})
	ctx, cancel := context.WithCancel(b.Context())
	b.cancel, b.ended = cancel, make(chan error, 1)
	ended, r := b.ended, b.r
	go func() { ended <- r.Run(ctx); close(ended) }()
	synctest.Wait()
}

func (b *bench) crash() { b.cancel(); <-b.ended }

func (b *bench) update(change func(*structs.Allocation)) {
	a := *b.alloc
	change(&a)
	b.alloc = &a
	b.r.Update(b.alloc)
	synctest.Wait()
}

func stopped(a *structs.Allocation) {
	a.DesiredStatus, a.DesiredDescription = structs.AllocDesiredStop, structs.AllocNotNeeded
}

func (b *bench) after(d time.Duration) *structs.AllocClientUpdate {
	time.Sleep(d)
	synctest.Wait()
	u, _ := b.r.Report()
	return u
}

// status is "client status: task=state …".
func status(u *structs.AllocClientUpdate) string {
	out := u.ClientStatus + ":"
	for _, name := range slices.Sorted(maps.Keys(u.TaskStates)) {
		out += " " + name + "=" + u.TaskStates[name].State
	}
	return out
}

func (b *bench) expect(d time.Duration, want string) {
	b.Helper()
	if got := status(b.after(d)); got != want {
		b.Errorf("after %v: %s, want %s", d, got, want)
	}
}

// over waits for the end and looks at what is left.
func (b *bench) over(want string) {
	b.Helper()
	if err := <-b.ended; err != nil {
		b.Error(err)
	}
	b.cancel()
	b.expect(0, want)
	if err := b.r.Destroy(); err != nil {
		b.Error(err)
	}
	if len(b.host.networks) != 0 || len(b.host.files) != 0 || b.world.Tasks() != 0 || len(b.world.Doubles()) != 0 {
		b.Errorf("left: networks %v, files %v, tasks %d, doubles %v", b.host.networks, b.host.files, b.world.Tasks(), b.world.Doubles())
	}
}

func (b *bench) has(task, kind string) bool {
	u, _ := b.r.Report()
	for _, e := range u.TaskStates[task].Events {
		if e.Type == kind {
			return true
		}
	}
	return false
}

func TestRunAndStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", task("web", map[string]any{fake.KeyStopTakes: "2s"}))
		b.life()
		b.expect(0, "running: web=running")
		u, _ := b.r.Report()
		if u.NetworkStatus == nil || u.NetworkStatus.Address != "172.26.64.2" {
			t.Errorf("network status %+v", u.NetworkStatus)
		}
		if req := b.host.networks[b.alloc.ID.String()]; req.Mode != "bridge" || req.Hostname != "web" || len(req.Ports) != 1 || req.Ports[0].To != 80 {
			t.Errorf("network %+v", req)
		}
		b.update(stopped)
		b.expect(time.Second, "running: web=running")
		b.over("complete: web=dead")
	})
}

func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secs := func(s string) map[string]any { return map[string]any{fake.KeyRunFor: s} }
		b := newBench(t, "batch",
			task("after", secs("5s"), hook("poststop", false)),
			task("begun", secs("1s"), hook("poststart", false)),
			task("init", secs("10s"), hook("prestart", false)),
			task("main", secs("30s")),
			task("proxy", nil, hook("prestart", true)),
		)
		b.life()
		b.expect(0, "running: after=pending begun=pending init=running main=pending proxy=running")
		b.expect(10500*time.Millisecond, "running: after=pending begun=running init=dead main=running proxy=running")
		b.expect(10*time.Second, "running: after=pending begun=dead init=dead main=running proxy=running")
		b.expect(20*time.Second, "running: after=running begun=dead init=dead main=dead proxy=dead")
		if !b.has("proxy", structs.TaskMainDead) {
			t.Error("the sidecar does not know why it ended")
		}
		b.over("complete: after=dead begun=dead init=dead main=dead proxy=dead")
	})
}

func TestFailureEndsSiblings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", task("bad", map[string]any{fake.KeyRunFor: "5s", fake.KeyExitCode: 1}),
			task("good", map[string]any{fake.KeyStopTakes: "2s"}))
		b.life()
		b.expect(6*time.Second, "running: bad=dead good=running") // not failed before nothing is left
		b.over("failed: bad=dead good=dead")
		if !b.has("good", structs.TaskSiblingFailed) {
			t.Error("the sibling does not know why it ended")
		}
	})
}

func TestLeader(t *testing.T) {
	t.Run("its death ends the others", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, "batch", task("lead", map[string]any{fake.KeyRunFor: "5s"}, leader), task("log", nil))
			b.life()
			b.over("complete: lead=dead log=dead")
			if !b.has("log", structs.TaskLeaderDead) {
				t.Error("no Leader Task Dead")
			}
		})
	})
	t.Run("it is stopped first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, "service", task("lead", map[string]any{fake.KeyStopTakes: "2s"}, leader), task("log", nil))
			b.life()
			b.update(stopped)
			b.expect(time.Second, "running: lead=running log=running")
			b.over("complete: lead=dead log=dead")
		})
	})
}

func TestPrestartFailureStartsNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", task("init", map[string]any{fake.KeyRunFor: "1s", fake.KeyExitCode: 1}, hook("prestart", false)), task("main", nil))
		b.life()
		b.over("failed: init=dead main=dead")
		if n := b.world.Starts(b.alloc.ID.String(), "main"); n != 0 {
			t.Errorf("%d starts", n)
		}
	})
}

func TestAgentRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", task("web", nil), task("proxy", nil, hook("prestart", true)))
		b.life()
		for range 3 {
			b.crash()
			b.life()
			b.expect(0, "running: proxy=running web=running")
		}
		b.crash()
		stopped(b.alloc) // decided while the agent was away
		b.life()
		b.over("complete: proxy=dead web=dead")
		if n := b.world.Starts(b.alloc.ID.String(), "web"); n != 1 {
			t.Errorf("%d starts", n)
		}
		b.life() // of an allocation that has ended
		b.over("complete: proxy=dead web=dead")
	})
}

// All tasks begin anew in their order, also those that had ended; a restart of what runs leaves those alone.
func TestAllTasksBeginAnew(t *testing.T) {
	secs := func(s string) map[string]any { return map[string]any{fake.KeyRunFor: s} }
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", task("after", secs("5s"), hook("poststop", false)), task("begun", secs("1s"), hook("poststart", false)),
			task("init", secs("10s"), hook("prestart", false)), task("main", map[string]any{fake.KeyStopTakes: "2s"}), task("proxy", nil, hook("prestart", true)))
		b.life()
		if err := b.r.RestartAll(); err != nil { // in the middle of its beginning
			t.Error(err)
		}
		b.expect(9*time.Second, "running: after=pending begun=pending init=running main=pending proxy=running")
		b.expect(10*time.Second, "running: after=pending begun=dead init=dead main=running proxy=running")
		follow := b.r.tasks[2].Dead()
		if err := b.r.Restart(""); err != nil {
			t.Error(err)
		}
		b.expect(3*time.Second, "running: after=pending begun=dead init=dead main=running proxy=running")
		for range 2 { // asked for twice at a time is once
			if err := b.r.RestartAll(); err != nil {
				t.Error(err)
			}
		}
		b.expect(time.Second, "running: after=pending begun=dead init=dead main=running proxy=running") // the sidecar serves until the main task has ended
		b.expect(2*time.Second, "running: after=pending begun=pending init=running main=pending proxy=running")
		b.expect(9500*time.Millisecond, "running: after=pending begun=running init=dead main=running proxy=running")
		for name, want := range map[string]int{"after": 0, "begun": 2, "init": 3, "main": 3, "proxy": 4} {
			if n := b.world.Starts(b.alloc.ID.String(), name); n != want {
				t.Errorf("%d starts of %s, want %d", n, name, want)
			}
		}
		u, _ := b.r.Report()
		if s := u.TaskStates["init"]; s.Restarts != 2 || s.Failed || !b.has("init", structs.TaskRestartSignal) {
			t.Errorf("state %+v", s)
		}
		<-follow // who followed the first end is told of it
		b.crash()
		b.life()
		b.expect(time.Second, "running: after=pending begun=dead init=dead main=running proxy=running")
		if err := b.r.RestartAll(); err != nil { // of tasks that an earlier life saw end
			t.Error(err)
		}
		b.expect(20*time.Second, "running: after=pending begun=dead init=dead main=running proxy=running")
		if n := b.world.Starts(b.alloc.ID.String(), "init"); n != 4 {
			t.Errorf("%d starts of init", n)
		}
		if err := b.r.RestartAll(); err != nil {
			t.Error(err)
		}
		b.update(stopped) // a stop wins
		b.over("complete: after=dead begun=dead init=dead main=dead proxy=dead")
		if err := b.r.RestartAll(); !errors.Is(err, taskrunner.ErrNotRunning) {
			t.Errorf("of what has ended: %v", err)
		}
	})
}

// Wherever the agent ends while all tasks are brought back to their beginning, the allocation runs afterwards, and nothing twice.
func TestAgentEndsWhileAllTasksBeginAnew(t *testing.T) {
	for at := range 16 {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, "service", task("init", map[string]any{fake.KeyRunFor: "2s"}, hook("prestart", false)),
				task("main", map[string]any{fake.KeyStopTakes: "1s"}), task("proxy", map[string]any{fake.KeyStopTakes: "1s"}, hook("prestart", true)))
			b.life()
			b.expect(5*time.Second, "running: init=dead main=running proxy=running")
			if err := b.r.RestartAll(); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Duration(at) * 300 * time.Millisecond)
			b.crash()
			b.life()
			b.expect(10*time.Second, "running: init=dead main=running proxy=running")
			b.update(stopped)
			b.over("complete: init=dead main=dead proxy=dead")
		})
	}
}

func TestNetworkFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", task("web", nil))
		b.host.netFails = 2
		b.life()
		b.expect(3*time.Second, "running: web=running")
		b.crash()
		b.host.netFails = 10 // what runs goes on
		b.life()
		b.expect(5*time.Second, "running: web=running")
		b.expect(time.Hour, "running: web=running")
		b.update(stopped)
		b.over("complete: web=dead")

		b = newBench(t, "service", task("web", nil))
		b.host.netFails = 3
		b.life()
		b.over("failed: web=dead")
		if !b.has("web", structs.TaskSetupFailure) {
			t.Error("no reason")
		}
	})
}

func TestUnknownDriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", task("web", nil, func(t *structs.Task) { t.Driver = "qemu" }))
		b.life()
		b.over("failed: web=dead")
		u, _ := b.r.Report()
		if e := u.TaskStates["web"].Events; !strings.Contains(e[len(e)-2].DisplayMessage+e[len(e)-3].DisplayMessage, `driver "qemu" is not on this node`) {
			t.Errorf("events %+v", e[len(e)-2])
		}
	})
}

func TestHealth(t *testing.T) {
	deploy := func(a *structs.Allocation) { a.DeploymentID = structs.MustID("d0000000-0000-4000-8000-000000000001") }
	t.Run("yes after min_healthy_time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, "service", task("web", nil))
			deploy(b.alloc)
			b.life()
			if u := b.after(9 * time.Second); u.DeploymentStatus != nil {
				t.Errorf("too early: %+v", u.DeploymentStatus)
			}
			if u := b.after(2 * time.Second); u.DeploymentStatus == nil || !*u.DeploymentStatus.Healthy {
				t.Errorf("status %+v", u.DeploymentStatus)
			}
			b.update(stopped)
			b.over("complete: web=dead")
		})
	})
	t.Run("no at the deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, "service", task("web", map[string]any{fake.KeyStartDelay: "1h"}))
			deploy(b.alloc)
			b.life()
			if u := b.after(5*time.Minute + time.Second); u.DeploymentStatus == nil || *u.DeploymentStatus.Healthy {
				t.Errorf("status %+v", u.DeploymentStatus)
			}
			b.update(stopped)
			b.over("complete: web=dead")
		})
	})
	t.Run("no when a task fails", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, "service", task("web", map[string]any{fake.KeyRunFor: "1s", fake.KeyExitCode: 1}))
			deploy(b.alloc)
			b.life()
			b.over("failed: web=dead")
			if u, _ := b.r.Report(); u.DeploymentStatus == nil || *u.DeploymentStatus.Healthy {
				t.Errorf("status %+v", u.DeploymentStatus)
			}
		})
	})
}

// Whoever waits for an allocation to serve, a budget, a drain or a job that depends on it, waits until it does, and not for ever.
func TestWhatWasNotHealthyComesToBeSo(t *testing.T) {
	said := func(t *testing.T, u *structs.AllocClientUpdate, want string) {
		t.Helper()
		got := "nothing"
		if u.DeploymentStatus != nil && u.DeploymentStatus.Healthy != nil {
			got = strconv.FormatBool(*u.DeploymentStatus.Healthy)
		}
		if got != want {
			t.Errorf("health is %s, want %s", got, want)
		}
	}
	slow := map[string]any{fake.KeyStartDelay: "6m"}
	t.Run("outside of a deployment, as soon as it runs well", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, "service", task("web", slow))
			b.life()
			said(t, b.after(5*time.Minute+time.Second), "false")
			said(t, b.after(time.Minute), "false")
			said(t, b.after(10*time.Second), "true")
			b.update(stopped)
			b.over("complete: web=dead")
		})
	})
	t.Run("in a deployment, when that is over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, "service", task("web", slow))
			b.alloc.DeploymentID = structs.MustID("d0000000-0000-4000-8000-000000000001")
			b.life()
			said(t, b.after(5*time.Minute+time.Second), "false")
			said(t, b.after(9*time.Minute+50*time.Second), "false") // progress_deadline is 10 minutes
			said(t, b.after(10*time.Second), "true")
			b.update(stopped)
			b.over("complete: web=dead")
		})
	})
	t.Run("a person's word outlasts the next report", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, "service", task("web", nil))
			b.alloc.DeploymentID = structs.MustID("d0000000-0000-4000-8000-000000000001")
			b.life()
			said(t, b.after(11*time.Second), "true")
			b.update(func(a *structs.Allocation) {
				a.DeploymentStatus = &structs.AllocDeploymentStatus{Healthy: new(false), Timestamp: time.Now()}
			})
			said(t, b.after(time.Second), "false")
			b.update(func(a *structs.Allocation) {
				a.DeploymentStatus = &structs.AllocDeploymentStatus{Healthy: new(true), Timestamp: time.Now()}
			})
			said(t, b.after(time.Second), "true")
			b.update(stopped)
			b.over("complete: web=dead")
		})
	})
}

func TestGroupShutdownDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", task("web", nil))
		b.alloc.Group().ShutdownDelay = new(time.Minute)
		b.life()
		b.update(stopped)
		b.expect(30*time.Second, "running: web=running")
		b.update(func(a *structs.Allocation) { a.DesiredTransition.NoShutdownDelay = new(true) })
		b.over("complete: web=dead")
	})
}
