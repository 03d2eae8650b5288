package allocrunner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/client/network"
	"berth/client/taskrunner"
	"berth/drivers"
	"berth/structs"
)

// Network makes and removes the network of an allocation; *network.Manager is one.
type Network interface {
	Setup(ctx context.Context, req network.Request) (*network.Result, error)
	Teardown(ctx context.Context, allocID string) error
}

// Files are the allocation's directories.
type Files interface {
	// Build makes them and mounts what lives in memory; Close takes the mounts down and leaves the files; Destroy leaves nothing.
	Build(ctx context.Context, tasks []string) error
	Close() error
	Destroy() error
}

// Config is what an allocation needs from its node.
type Config struct {
	NodeID structs.ID
	Alloc  *structs.Allocation // with Job
	// Drivers by name; a task of another driver fails.
	Drivers map[string]drivers.Driver
	Network Network
	// PortsTaken finds ports that processes of the machine listen on; nil looks at none.
	PortsTaken func([]network.Port) ([]network.TakenPort, error)
	Files      Files
	// Place tells where a task lives; net is nil until the network is there.
	Place func(alloc *structs.Allocation, task string, net *network.Result) taskrunner.Place
	// Logs makes a task's collector; nil collects nothing.
	Logs  func(task *structs.Task, p taskrunner.Place) taskrunner.Logs
	Store taskrunner.Store
	// Records are what an earlier life of the agent left, by task.
	Records map[string]*taskrunner.Record
	// Restored: the wish to run it is that of an earlier life of the agent. What runs goes on, but nothing new starts until
	// Confirm: the servers may have replaced it elsewhere meanwhile.
	Restored bool
	// Changed is called after every change of what Report tells. It must not block.
	Changed        func()
	KillTimeoutMax time.Duration
	CgroupParent   string
	Logger         hclog.Logger
}

// Runner runs one allocation. Run is called once; the other methods from any goroutine at any time.
type Runner struct {
	cfg   Config
	log   hclog.Logger
	tasks []*taskrunner.Runner
	wake  chan struct{} // holds one wish to look again

	mu       sync.Mutex // guards what follows
	alloc    *structs.Allocation
	net      *network.Result
	stop     bool
	destroy  bool
	released bool // nothing is left but files
	held     bool // nothing new may start yet
	again    bool // all tasks shall begin anew
	health   *structs.AllocDeploymentStatus
	began    time.Time
	first    time.Time // when a task first ran
	delayed  time.Time // the end of the group's shutdown delay
	version  uint64    // of what Report tells
}

// New makes a runner. It touches nothing.
func New(cfg Config) *Runner {
	r := &Runner{cfg: cfg, log: cfg.Logger, alloc: cfg.Alloc, wake: make(chan struct{}, 1), health: cfg.Alloc.DeploymentStatus}
	if r.log == nil {
		r.log = hclog.NewNullLogger()
	}
	for _, t := range cfg.Alloc.Group().Tasks {
		driver := cfg.Drivers[t.Driver]
		if driver == nil {
			driver = missing(t.Driver)
		}
		tc := taskrunner.Config{
			NodeID: cfg.NodeID, Alloc: cfg.Alloc, Task: t, Driver: driver, Store: cfg.Store, Record: cfg.Records[t.Name],
			Place: func() taskrunner.Place { return r.place(t.Name) }, Changed: r.changed,
			KillTimeoutMax: cfg.KillTimeoutMax, CgroupParent: cfg.CgroupParent, Logger: r.log.With("task", t.Name),
		}
		if cfg.Logs != nil {
			tc.Logs = func(p taskrunner.Place) taskrunner.Logs { return cfg.Logs(t, p) }
		}
		r.tasks = append(r.tasks, taskrunner.New(tc))
	}
	r.stop, r.held = cfg.Alloc.ServerTerminal(), cfg.Restored
	return r
}

func (r *Runner) place(task string) taskrunner.Place {
	r.mu.Lock()
	alloc, net := r.alloc, r.net
	r.mu.Unlock()
	p := r.cfg.Place(alloc, task, net)
	if net == nil {
		p.Err = errNoNetwork
	}
	return p
}

var errNoNetwork = errors.New("the allocation's network is not there")

// Alloc is the newest version the runner was given.
func (r *Runner) Alloc() *structs.Allocation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.alloc
}

// Update takes a new version of the allocation: the wish to stop it, or changes that need no new start.
func (r *Runner) Update(alloc *structs.Allocation) {
	r.mu.Lock()
	back := alloc.ClientStatus == structs.AllocClientUnknown &&
		(r.alloc.ClientStatus != alloc.ClientStatus || len(alloc.AllocStates) > len(r.alloc.AllocStates))
	if r.alloc.DeploymentID != alloc.DeploymentID {
		r.health, r.began = nil, time.Now() // a new deployment asks anew
	}
	// What a person said after the last answer here is not to be unsaid by the next report.
	if s := alloc.DeploymentStatus; s != nil && s.Healthy != nil && (r.health == nil || r.health.Healthy == nil || s.Timestamp.After(r.health.Timestamp)) {
		r.health = s
	}
	r.alloc = alloc
	r.stop = r.stop || alloc.ServerTerminal()
	r.mu.Unlock()
	for _, t := range r.tasks {
		t.Update(alloc)
		if back {
			t.Reconnected()
		}
	}
	r.look()
}

// Confirm says that the servers still want what the runner was given.
func (r *Runner) Confirm() {
	r.mu.Lock()
	was := r.held
	r.held = false
	r.mu.Unlock()
	if was {
		r.look()
	}
}

// Stop ends the allocation though the servers did not say so (yet).
func (r *Runner) Stop() {
	r.mu.Lock()
	r.stop = true
	r.mu.Unlock()
	r.look()
}

// End ends the allocation at once, without delays and without anything that would run at its end.
func (r *Runner) End() {
	r.mu.Lock()
	r.stop, r.destroy = true, true
	r.mu.Unlock()
	r.look()
}

// look wakes Run.
func (r *Runner) look() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *Runner) changed() {
	r.look()
	r.tell()
}

// tell makes what Report tells newer.
func (r *Runner) tell() {
	r.mu.Lock()
	r.version++
	r.mu.Unlock()
	if r.cfg.Changed != nil {
		r.cfg.Changed()
	}
}

// Run runs the allocation until it has ended and nothing but its files is left, or until ctx is done: then everything
// stays as it is for the next life of the agent.
func (r *Runner) Run(ctx context.Context) error {
	r.mu.Lock()
	r.began = time.Now()
	r.mu.Unlock()
	runCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	if r.needsSetUp() {
		err := r.setUp(ctx)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case anyBegun(r.taskViews()): // what runs goes on; a new start waits
			r.log.Error("allocation cannot be set up again", "error", err)
			wg.Go(func() { r.repair(runCtx) })
		default:
			r.log.Error("allocation cannot be set up", "error", err)
			r.fail(taskrunner.SetupFailed(err))
		}
	}
	tasks := r.newCrew(runCtx)
	err := r.steer(ctx, tasks)
	tasks.Wait() // either all are dead, or ctx is done
	cancel()
	wg.Wait()
	if err != nil {
		return err
	}
	r.answerHealth(r.taskViews(), time.Now()) // the last end may be the answer
	return r.release(ctx)
}

// needsSetUp is false when nothing will run any more.
func (r *Runner) needsSetUp() bool {
	r.mu.Lock()
	stop := r.stop
	r.mu.Unlock()
	return r.anyAlive() && (!stop || anyBegun(r.taskViews()))
}

// repair sets up again what an earlier life of the agent had, until it succeeds.
func (r *Runner) repair(ctx context.Context) {
	pause := setUpPause
	for sleep(ctx, pause) == nil {
		if err := r.setUp(ctx); err == nil {
			return
		}
		pause = min(2*pause, releaseMax)
	}
}

func (r *Runner) anyAlive() bool {
	for _, t := range r.tasks {
		if t.State().State != structs.TaskStateDead {
			return true
		}
	}
	return false
}

// steer looks at the tasks whenever something changed, and says who may start and who must end, until all are dead.
func (r *Runner) steer(ctx context.Context, tasks *crew) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		v, again := r.view(time.Now())
		if !again.IsZero() {
			timer.Reset(time.Until(again))
		}
		e := step(v)
		r.perform(e, v)
		if e.anew {
			tasks.revive(e.revive)
			r.begunAgain()
			continue
		}
		if !r.anyAlive() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.wake:
		case <-timer.C:
		}
	}
}

func (r *Runner) perform(e effects, v view) {
	r.mu.Lock()
	held := r.held && !r.stop
	r.mu.Unlock()
	for _, t := range r.tasks {
		if slices.Contains(e.rewind, t.Name()) {
			t.Rewind(begunAnew())
		}
		if held && !t.Alive() {
			continue
		}
		for _, name := range e.allow {
			if name == t.Name() {
				t.Allow()
			}
		}
		for _, name := range e.kill {
			if name != t.Name() {
				continue
			}
			var why []*structs.TaskEvent
			if e.why != nil {
				why = e.why()
			}
			t.Kill(r.reason(), v.destroy || r.skipDelay(), why...)
		}
	}
}

// reason is what the servers said about stopping.
func (r *Runner) reason() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.alloc.ServerTerminal() {
		return r.alloc.DesiredDescription
	}
	return ""
}

func (r *Runner) skipDelay() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	skip := r.alloc.DesiredTransition.NoShutdownDelay
	return skip != nil && *skip
}

// view collects what the core looks at, answers the health question, and says when to look again though nothing changes.
func (r *Runner) view(now time.Time) (view, time.Time) {
	tasks := r.taskViews()
	again := r.answerHealth(tasks, now)
	r.mu.Lock()
	defer r.mu.Unlock()
	v := view{tasks: tasks, stop: r.stop, destroy: r.destroy, again: r.again}
	if end := r.lastsUntil(tasks); !end.IsZero() {
		v.expired, v.limit = !now.Before(end), *r.alloc.Group().MaxRunDuration
		if !v.expired {
			again = earlier(again, end)
		}
	}
	if r.stop && !r.destroy {
		if delay := r.alloc.Group().ShutdownDelay; delay != nil && *delay > 0 && anyRunning(tasks) {
			skip := r.alloc.DesiredTransition.NoShutdownDelay
			if r.delayed.IsZero() {
				r.delayed = now.Add(*delay)
			}
			if (skip == nil || !*skip) && now.Before(r.delayed) {
				v.stop = false
				again = earlier(again, r.delayed)
			}
		}
	}
	return v, again
}

func anyRunning(tasks []taskView) bool {
	for _, t := range tasks {
		if t.running() {
			return true
		}
	}
	return false
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func (r *Runner) taskViews() []taskView {
	out := make([]taskView, 0, len(r.tasks))
	for i, t := range r.cfg.Alloc.Group().Tasks {
		tr := r.tasks[i]
		out = append(out, taskView{name: t.Name, part: partOf(t), leader: t.Leader, begun: tr.Begun(), again: tr.Rewound(), state: tr.State()})
	}
	return out
}

// answerHealth answers the deployment's question once, or that what was not healthy is so now, and says when to look again.
func (r *Runner) answerHealth(tasks []taskView, now time.Time) (again time.Time) {
	r.mu.Lock()
	said := r.health
	known := said != nil && said.Healthy != nil
	q, asked := questionOf(r.alloc, r.began)
	if r.stop || !asked || known && *said.Healthy {
		r.mu.Unlock()
		return time.Time{}
	}
	var healthy, decided bool
	if known {
		healthy, again = healthAgain(q, tasks, standsUntil(r.alloc, said), now)
		decided = healthy
	} else {
		healthy, decided, again = healthOf(q, tasks, now)
	}
	if decided {
		canary := said != nil && said.Canary
		r.health = &structs.AllocDeploymentStatus{Healthy: &healthy, Timestamp: now, Canary: canary}
	}
	r.mu.Unlock()
	if decided {
		r.tell()
	}
	return again
}

// fail ends every task before it began, with the reason.
func (r *Runner) fail(why *structs.TaskEvent) {
	for _, t := range r.tasks {
		t.Fail(new(*why))
	}
}

// The pauses between attempts to set up or remove what an allocation needs.
const (
	setUpAttempts = 3
	setUpPause    = time.Second
	releaseMax    = 30 * time.Second
)

// setUp makes directories and network. Making them again is adopting them.
func (r *Runner) setUp(ctx context.Context) error {
	var names []string
	for _, t := range r.tasks {
		names = append(names, t.Name())
	}
	if err := r.cfg.Files.Build(ctx, names); err != nil {
		return fmt.Errorf("build directories: %w", err)
	}
	req := r.Request()
	for attempt := 1; ; attempt++ {
		err := r.portsFree(req)
		var net *network.Result
		if err == nil {
			net, err = r.cfg.Network.Setup(ctx, req)
		}
		if err == nil {
			r.mu.Lock()
			r.net = net
			r.mu.Unlock()
			r.tell()
			return nil
		}
		if attempt == setUpAttempts {
			return fmt.Errorf("set up network: %w", err)
		}
		r.log.Warn("network of allocation is set up again", "error", err)
		if err := sleep(ctx, setUpPause); err != nil {
			return err
		}
	}
}

// portsFree refuses to publish a port a process of the machine listens on: it would be hidden from whoever calls it there. An
// allocation that runs already keeps its ports.
func (r *Runner) portsFree(req network.Request) error {
	if r.cfg.PortsTaken == nil || r.cfg.Restored || req.Mode != network.ModeBridge {
		return nil
	}
	taken, err := r.cfg.PortsTaken(req.Ports)
	if err != nil {
		return fmt.Errorf("look whether ports are free: %w", err)
	}
	var errs []error
	for _, t := range taken {
		errs = append(errs, errors.New(t.String()))
	}
	return errors.Join(errs...)
}

// release removes what is left but files when all tasks are dead, however long it takes: until then the ports count as used.
func (r *Runner) release(ctx context.Context) error {
	pause := setUpPause
	for {
		err := errors.Join(r.cfg.Network.Teardown(ctx, r.cfg.Alloc.ID.String()), r.cfg.Files.Close())
		if err == nil {
			break
		}
		r.log.Error("network and mounts of allocation cannot be removed", "error", err)
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, releaseMax)
	}
	r.mu.Lock()
	r.released = true
	r.mu.Unlock()
	r.tell()
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// Destroy removes the files of an allocation whose Run has ended.
func (r *Runner) Destroy() error {
	if err := r.cfg.Files.Destroy(); err != nil {
		return fmt.Errorf("remove files of allocation %s: %w", r.cfg.Alloc.ID, err)
	}
	return nil
}

// ErrNoTask: the allocation has no task of that name.
var ErrNoTask = errors.New("no such task in the allocation")
