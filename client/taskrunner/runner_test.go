package taskrunner

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"berth/drivers"
	"berth/drivers/fake"
	"berth/structs"
)

// disk is a Store that forgets nothing but what was never put.
type disk struct {
	mu      sync.Mutex
	records map[string][]byte
	fail    error
}

func (d *disk) PutTask(_ structs.ID, task string, r *Record) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail != nil {
		return d.fail
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	d.records[task] = b
	return nil
}

func (d *disk) record(t *testing.T, task string) *Record {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.records[task]
	if b == nil {
		return nil
	}
	var r Record
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// plain is an environment that fills in nothing.
type plain struct{}

func (plain) Map() map[string]string                        { return map[string]string{"A": "b"} }
func (plain) Replace(s string) string                       { return s }
func (plain) ReplaceConfig(c map[string]any) map[string]any { return c }

// bench runs one task over a world and a disk, through as many lives of the agent as wanted.
type bench struct {
	*testing.T
	world *fake.World
	disk  *disk
	alloc *structs.Allocation
	task  *structs.Task
	wrap  func(drivers.Driver) drivers.Driver
	store Store // instead of disk, if not nil

	r      *Runner
	cancel context.CancelFunc
	ended  chan error
}

func newBench(t *testing.T, jobType string, config map[string]any, change func(*structs.Task)) *bench {
	task := &structs.Task{Name: "web", Driver: "fake", Config: config}
	if change != nil {
		change(task)
	}
	job := &structs.Job{ID: "job", Type: jobType, TaskGroups: []*structs.TaskGroup{{Name: "g", Tasks: []*structs.Task{task}}}}
	job.Canonicalize()
	alloc := &structs.Allocation{ID: structs.MustID("a1b2c3d4-0000-4000-8000-000000000001"), JobID: "job", Job: job, TaskGroup: "g"}
	return &bench{T: t, world: fake.NewWorld(), disk: &disk{records: map[string][]byte{}}, alloc: alloc, task: task}
}

// life starts an agent's life.
func (b *bench) life() {
	b.Helper()
	b.lifeWith(b.Context())
}

// lifeWith starts one that ends with ctx.
func (b *bench) lifeWith(ctx context.Context) {
	b.Helper()
	var store Store = b.disk
	if b.store != nil {
		store = b.store
	}
	var driver drivers.Driver = fake.New(b.world, fake.Config{})
	if b.wrap != nil {
		driver = b.wrap(driver)
	}
	b.r = New(Config{
		Alloc: b.alloc, Task: b.task, Driver: driver, Store: store, Record: b.disk.record(b.T, "web"),
		Place: func() Place { return Place{Env: plain{}} },
	})
	ctx, cancel := context.WithCancel(ctx)
	b.cancel, b.ended = cancel, make(chan error, 1)
	ended, r := b.ended, b.r
	go func() { ended <- r.Run(ctx); close(ended) }()
	b.r.Allow()
	synctest.Wait()
}

// crash ends the life without touching the task.
func (b *bench) crash() {
	b.cancel()
	<-b.ended
}

func (b *bench) after(d time.Duration) *structs.TaskState {
	time.Sleep(d)
	synctest.Wait()
	return b.r.State()
}

// over ends what still runs.
func (b *bench) over() {
	b.r.Kill("", true)
	<-b.ended
	b.cancel()
	if n := b.world.Tasks(); n != 0 {
		b.Errorf("%d tasks are left", n)
	}
	if d := b.world.Doubles(); len(d) != 0 {
		b.Errorf("started twice at once: %v", d)
	}
}

func kinds(s *structs.TaskState) string {
	var out []string
	for _, e := range s.Events {
		out = append(out, e.Type)
	}
	return strings.Join(out, ", ")
}

func last(s *structs.TaskState, kind string) *structs.TaskEvent {
	for _, e := range slices.Backward(s.Events) {
		if e.Type == kind {
			return e
		}
	}
	return &structs.TaskEvent{}
}

func policyOfTask(attempts int, interval, delay time.Duration, mode string) func(*structs.Task) {
	return func(t *structs.Task) {
		t.RestartPolicy = &structs.RestartPolicy{Attempts: &attempts, Interval: &interval, Delay: &delay, Mode: &mode}
	}
}

func TestServiceRunsAndIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", map[string]any{fake.KeyStopTakes: "2s", fake.KeyPull: "Downloading image"}, nil)
		b.life()
		if s := b.r.State(); s.State != "running" || s.StartedAt.IsZero() {
			t.Fatalf("state %+v", s)
		}
		b.r.Kill("user asked", false)
		if err := <-b.ended; err != nil {
			t.Fatal(err)
		}
		s := b.r.State()
		want := "Received, Task Setup, Driver, Started, Killing, Terminated, Killed"
		if got := kinds(s); got != want || s.State != "dead" || s.Failed || s.FinishedAt.IsZero() {
			t.Errorf("events %s\nwant   %s\nstate %+v", got, want, s)
		}
		if e := last(s, structs.TaskTerminated); e.DisplayMessage != "Exit Code: 143, Signal: 15" {
			t.Errorf("terminated: %q", e.DisplayMessage)
		}
		b.over()
	})
}

func TestBatchCompletesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "batch", map[string]any{fake.KeyRunFor: "1m"}, nil)
		b.life()
		if err := <-b.ended; err != nil {
			t.Fatal(err)
		}
		if s := b.r.State(); !s.Successful() || last(s, structs.TaskNotRestarting).DisplayMessage != reasonSuccess {
			t.Errorf("state %+v, events %s", s, kinds(s))
		}
		b.crash()
		b.life() // and it is not run again
		b.over()
		if n := b.world.Starts(b.alloc.ID.String(), "web"); n != 1 {
			t.Errorf("%d starts", n)
		}
	})
}

func TestRestartPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", map[string]any{fake.KeyRunFor: "1s", fake.KeyExitCode: 1},
			policyOfTask(2, time.Hour, 10*time.Second, structs.RestartModeFail))
		b.life()
		if s := b.after(2 * time.Second); s.State != "pending" || s.Restarts != 1 {
			t.Errorf("while it waits: %+v", s)
		}
		if err := <-b.ended; err != nil {
			t.Fatal(err)
		}
		s := b.r.State()
		if s.State != "dead" || !s.Failed || s.Restarts != 2 || b.world.Starts(b.alloc.ID.String(), "web") != 3 {
			t.Errorf("state %+v", s)
		}
		if got := last(s, structs.TaskNotRestarting).DisplayMessage; got != `Exceeded allowed attempts 2 in interval 1h0m0s and mode is "fail"` {
			t.Errorf("reason %q", got)
		}
		if len(s.Events) != structs.MaxTaskEvents {
			t.Errorf("%d events", len(s.Events))
		}
		b.over()
	})
}

func TestModeDelayWaitsForTheIntervalsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", map[string]any{fake.KeyRunFor: "1s", fake.KeyExitCode: 1},
			policyOfTask(1, time.Hour, 10*time.Second, structs.RestartModeDelay))
		b.life()
		b.after(50 * time.Minute)
		if n := b.world.Starts(b.alloc.ID.String(), "web"); n != 2 {
			t.Errorf("%d starts in the interval", n)
		}
		b.after(15 * time.Minute)
		if n := b.world.Starts(b.alloc.ID.String(), "web"); n < 3 {
			t.Errorf("%d starts after it", n)
		}
		b.over()
	})
}

func TestStartErrors(t *testing.T) {
	for name, c := range map[string]struct {
		recoverable bool
		starts      uint64
		reason      string
	}{
		"hopeless":    {false, 0, reasonHopeless},
		"recoverable": {true, 2, `Exceeded allowed attempts 2 in interval 30m0s and mode is "fail"`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, "service", map[string]any{fake.KeyStartError: "no such image", fake.KeyStartRecoverable: c.recoverable}, nil)
				b.life()
				<-b.ended
				s := b.r.State()
				if !s.Failed || s.Restarts != c.starts || last(s, structs.TaskNotRestarting).DisplayMessage != c.reason {
					t.Errorf("state %+v, %s", s, kinds(s))
				}
				if e := last(s, structs.TaskDriverFailure); e.DisplayMessage != "no such image" {
					t.Errorf("driver failure: %+v", e)
				}
				b.over()
			})
		})
	}
}

func TestStopInterruptsALongStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", map[string]any{fake.KeyStartDelay: "10m"}, nil)
		b.life()
		began := time.Now()
		b.r.Kill("", false)
		<-b.ended
		if took := time.Since(began); took != 0 || b.r.State().Failed {
			t.Errorf("took %v, %+v", took, b.r.State())
		}
		b.over()
	})
}

func TestRestartByUserIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", nil, policyOfTask(0, time.Hour, time.Minute, structs.RestartModeFail))
		b.life()
		for range 3 {
			if err := b.r.Restart(RestartRequested("User requested task to restart")); err != nil {
				t.Fatal(err)
			}
			if s := b.after(0); s.State != "running" {
				t.Fatalf("state %+v %s", s, kinds(s))
			}
		}
		if s := b.r.State(); s.Restarts != 3 || b.world.Starts(b.alloc.ID.String(), "web") != 4 {
			t.Errorf("state %+v", s)
		}
		b.over()
		if err := b.r.Restart(RestartRequested("x")); err == nil {
			t.Error("a dead task was restarted")
		}
	})
}

func TestShutdownDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", nil, func(t *structs.Task) { t.ShutdownDelay = time.Minute })
		b.life()
		began := time.Now()
		b.r.Kill("", false)
		if s := b.after(30 * time.Second); s.State != "running" || last(s, structs.TaskWaitShutdownDelay).Type == "" {
			t.Fatalf("state %+v %s", s, kinds(s))
		}
		b.r.Kill("", true)
		<-b.ended
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("took %v", took)
		}
		b.over()
	})
}

func TestAdoptedAfterTheAgentDied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", map[string]any{fake.KeyRunFor: "1h", fake.KeyExitCode: 4}, nil)
		b.life()
		for range 3 {
			b.crash()
			b.life()
			if s := b.r.State(); s.State != "running" || s.Restarts != 0 {
				t.Fatalf("state %+v %s", s, kinds(s))
			}
		}
		if err := b.r.Signal(t.Context(), "SIGUSR1"); err != nil {
			t.Error(err)
		}
		b.crash()
		time.Sleep(2 * time.Hour) // it ends while nobody looks
		b.life()
		s := b.after(time.Second)
		if e := last(s, structs.TaskTerminated); s.State != "pending" || !strings.HasPrefix(e.DisplayMessage, "Exit Code: 138") {
			t.Errorf("state %+v %q", s, e.DisplayMessage)
		}
		if n := b.world.Starts(b.alloc.ID.String(), "web"); n != 1 {
			t.Errorf("%d starts", n)
		}
		b.over()
	})
}

func TestGoneAfterPowerLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", nil, nil)
		b.life()
		b.crash()
		b.world.PowerLoss()
		b.life()
		if s := b.after(0); s.State != "pending" || !strings.HasPrefix(last(s, structs.TaskTerminated).DisplayMessage, "Exit Code: unknown") {
			t.Errorf("state %+v %s", s, kinds(s))
		}
		if s := b.after(time.Minute); s.State != "running" {
			t.Errorf("state %+v", s)
		}
		b.over()
	})
}

func TestRefusesWhatItCannotDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", nil, func(t *structs.Task) {
			t.Artifacts = []*structs.TaskArtifact{{GetterSource: new("http://127.0.0.1/x")}}
		})
		b.life()
		<-b.ended
		if s := b.r.State(); !s.Failed || last(s, structs.TaskArtifactFailed).Type == "" || b.world.Tasks() != 0 {
			t.Errorf("state %+v %s", s, kinds(s))
		}
		b.over()
	})
}

func TestNothingStartsUnrecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", nil, nil)
		b.disk.fail = context.DeadlineExceeded
		b.life()
		b.after(time.Minute)
		if n := b.world.Starts(b.alloc.ID.String(), "web"); n != 0 {
			t.Errorf("%d starts without a record", n)
		}
		b.disk.mu.Lock()
		b.disk.fail = nil
		b.disk.mu.Unlock()
		if s := b.after(time.Minute); s.State != "running" {
			t.Errorf("state %+v", s)
		}
		b.over()
	})
}

// broken is a driver that cannot do some things for a while.
type broken struct {
	drivers.Driver
	mu    sync.Mutex
	err   error
	calls int
}

func (b *broken) fail() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	return b.err
}

func (b *broken) Wait(ctx context.Context, id string) (*drivers.ExitResult, error) {
	if err := b.fail(); err != nil {
		return nil, err
	}
	return b.Driver.Wait(ctx, id)
}

func (b *broken) Stop(ctx context.Context, id, signal string, timeout time.Duration) error {
	if err := b.fail(); err != nil {
		return err
	}
	return b.Driver.Stop(ctx, id, signal, timeout)
}

func TestABrokenDriverIsAskedAgainWithPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service", nil, nil)
		d := &broken{Driver: fake.New(b.world, fake.Config{}), err: errors.New("connection refused")}
		b.wrap = func(drivers.Driver) drivers.Driver { return d }
		b.life()
		b.after(time.Hour)
		b.r.Kill("", false)
		b.after(time.Hour)
		if d.calls > 400 {
			t.Errorf("%d calls in two hours", d.calls)
		}
		d.mu.Lock()
		d.err = nil
		d.mu.Unlock()
		b.over()
	})
}
