package taskrunner

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/drivers"
	"berth/structs"
)

// Config is what a task needs from its allocation. All of it is fixed for the life of the Runner, except what Update
// replaces.
type Config struct {
	NodeID structs.ID
	Alloc  *structs.Allocation // with Job
	Task   *structs.Task
	Driver drivers.Driver
	Store  Store
	// Record is what an earlier life of the agent left; nil for a new task.
	Record *Record
	// Place tells where the task lives on the node. It is asked before every start.
	Place func() Place
	// Logs makes the collector of the task's output; nil when there is none to collect.
	Logs func(p Place) Logs
	// Changed is called after every change of State. It must not block.
	Changed func()
	// KillTimeoutMax bounds the task's kill_timeout; 0 does not.
	KillTimeoutMax time.Duration
	// CgroupParent is passed to the driver.
	CgroupParent string
	Logger       hclog.Logger
}

// Place is where a task lives: directories, network and environment.
type Place struct {
	Env Environment
	// TaskDir holds local/, secrets/ and tmp/; AllocDir is shared by the allocation's tasks. StdoutPath and StderrPath are
	// where the driver lets the output go.
	TaskDir, LocalDir, SecretsDir, AllocDir string
	StdoutPath, StderrPath                  string
	// NetNS is the allocation's network namespace; "" uses the host's. ResolvConf and Hosts are mounted if not "".
	NetNS, ResolvConf, Hosts, Hostname string
	// HostVolumes are the node's directories by name.
	HostVolumes map[string]*structs.HostVolumeConfig
	// Err tells that something of this is not there now: a start has to wait.
	Err error
}

// Environment fills in what a job leaves to run time.
type Environment interface {
	Map() map[string]string
	Replace(text string) string
	ReplaceConfig(config map[string]any) map[string]any
}

// Logs collects a task's output while Run runs. Flush returns when everything written before the call is collected.
type Logs interface {
	Run(ctx context.Context) error
	Flush(ctx context.Context) error
}

// Runner runs one task. Run is called once, and once more after each Revive; the other methods may be called from any goroutine at any time.
type Runner struct {
	cfg Config
	log hclog.Logger

	settled    chan struct{}
	settleOnce sync.Once

	mu        sync.Mutex // guards what follows
	state     *structs.TaskState
	alloc     *structs.Allocation
	task      *structs.Task
	want      desired
	why       killReason
	changes   uint64             // grows with every change of want
	interrupt context.CancelFunc // ends the action under way that such a change makes pointless
	attempt   string             // the id the driver knows the running attempt by
	begun     bool               // there was an attempt
	rewound   bool               // it is at its beginning, as was wanted, and nothing is left of an attempt
	dead      chan struct{}      // closed when the end is recorded
	phase     string             // of the start, when it was told last
	told      time.Time

	// The rest belongs to Run.
	rec      Record
	seen     uint64 // the value of changes that the current step looked at
	prepared bool
	adopted  bool
	exit     *drivers.ExitResult
	retryAt  time.Time // of actions that failed for no fault of the task
	retries  int
	logs     Logs
}

// killReason is why and how a task was asked to end.
type killReason struct {
	noDelay bool
	reason  string
}

// New makes a runner. It touches nothing.
func New(cfg Config) *Runner {
	r := &Runner{cfg: cfg, log: cfg.Logger, alloc: cfg.Alloc, task: cfg.Task, dead: make(chan struct{}), settled: make(chan struct{})}
	if r.log == nil {
		r.log = hclog.NewNullLogger()
	}
	if cfg.Record != nil {
		r.rec = *cfg.Record
		r.want.stop, r.want.restart, r.begun = r.rec.Stopped, r.rec.Restarted, r.rec.Attempt > 0
	}
	if r.rec.State == nil {
		r.rec.State = withEvent(&structs.TaskState{State: structs.TaskStatePending}, receivedEvent(), time.Now())
	}
	r.state = r.rec.State
	if r.state.State == structs.TaskStateDead {
		close(r.dead)
	}
	return r
}

// Name is the task's name.
func (r *Runner) Name() string { return r.cfg.Task.Name }

// State is the task as it is reported. The caller must not change it.
func (r *Runner) State() *structs.TaskState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// Dead is closed when the task has ended for good, and its output is collected.
func (r *Runner) Dead() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dead
}

// Begun reports that the task was started before, by this life of the agent or an earlier one.
func (r *Runner) Begun() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.begun
}

// Alive reports that this life of the agent has the task at hand: it was started or adopted and not destroyed since.
func (r *Runner) Alive() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.attempt != ""
}

// Allow says that the task's turn has come. It may be said again.
func (r *Runner) Allow() {
	r.change(func(d *desired) bool {
		was := d.run
		d.run, d.rewind, r.rewound = true, false, false
		return !was
	})
}

// Kill asks the task to end for good. The events say why; the first call decides. Without noDelay the task's
// shutdown_delay passes first.
func (r *Runner) Kill(reason string, noDelay bool, why ...*structs.TaskEvent) {
	r.change(func(d *desired) bool {
		if r.state.State == structs.TaskStateDead {
			return false
		}
		hurry := noDelay && !r.why.noDelay
		r.why.noDelay = r.why.noDelay || noDelay
		if d.stop {
			return hurry // ends the delay under way
		}
		d.stop = true
		r.why.reason = reason
		for _, e := range why {
			r.state = withEvent(r.state, e, time.Now())
			r.state.Failed = r.state.Failed || e.Details[ranTooLong] != ""
		}
		return true
	})
}

// ErrNotRunning: the task is not running now.
var ErrNotRunning = errors.New("task is not running")

// Restart replaces the running attempt. The restart policy is not asked, and does not count it.
func (r *Runner) Restart(why *structs.TaskEvent) error {
	err := ErrNotRunning
	r.change(func(d *desired) bool {
		if r.state.State != structs.TaskStateRunning || d.stop {
			return false
		}
		err = nil
		if d.restart {
			return false
		}
		d.restart = true
		r.state = withEvent(r.state, why, time.Now())
		return true
	})
	return err
}

// Update takes a new version of the allocation that needs no new start.
func (r *Runner) Update(alloc *structs.Allocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.alloc = alloc
	if t := alloc.Group().LookupTask(r.cfg.Task.Name); t != nil {
		r.task = t
	}
}

// change changes what is desired and, if f says that it did, wakes Run and whoever watches the state.
func (r *Runner) change(f func(*desired) bool) {
	r.mu.Lock()
	changed := f(&r.want)
	if changed {
		r.changes++
		if r.interrupt != nil {
			r.interrupt()
		}
	}
	r.mu.Unlock()
	if changed {
		r.notify()
	}
}

func (r *Runner) notify() {
	if r.cfg.Changed != nil {
		r.cfg.Changed()
	}
}

// interruptible gives a context that ends when something else is desired than what the current step looked at.
func (r *Runner) interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changes != r.seen {
		cancel()
	}
	r.interrupt = cancel
	return ctx, func() {
		r.mu.Lock()
		r.interrupt = nil
		r.mu.Unlock()
		cancel()
	}
}

// observe looks at the task and at what is desired of it.
func (r *Runner) observe() (observed, desired) {
	told := false
	defer func() {
		if told {
			r.notify()
		}
	}()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = r.changes
	o := observed{
		dead: r.state.State == structs.TaskStateDead, begun: r.rec.Begun != "", handle: r.rec.Handle != nil,
		adopted: r.adopted, exited: r.exit != nil, leftover: r.rec.Leftover != "", over: r.rec.Over, prepared: r.prepared,
		notBefore: r.rec.NotBefore, retryAt: r.retryAt,
	}
	if r.want.rewind && !r.rewound && !o.dead && !o.begun && !o.handle && !o.leftover {
		r.rewound, told = true, true
	}
	return o, r.want
}

// Run keeps the task as it should be until it is dead and nothing is left of it, or until ctx is done: then the task is
// left as it is, for the next life of the agent.
func (r *Runner) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	logCtx, stopLogs := context.WithCancel(ctx)
	defer wg.Wait()
	defer stopLogs()
	if r.cfg.Logs != nil && r.State().State != structs.TaskStateDead {
		r.logs = r.cfg.Logs(r.cfg.Place())
		if r.logs != nil {
			wg.Go(func() {
				if err := r.logs.Run(logCtx); err != nil && logCtx.Err() == nil {
					r.log.Error("task output is not collected", "error", err)
				}
			})
		}
	}
	defer r.settle()
	for ctx.Err() == nil {
		o, d := r.observe()
		a := step(o, d, time.Now())
		if a != actRecover && a != actLook {
			r.settle()
		}
		if a == actDone {
			return nil
		}
		switch err := r.perform(ctx, a, o); {
		case err != nil:
			r.fault(a, err)
		case a != actPause:
			r.retryAt, r.retries = time.Time{}, 0
		}
	}
	return ctx.Err()
}

// settle says that what an earlier life left is known.
func (r *Runner) settle() { r.settleOnce.Do(func() { close(r.settled) }) }

// Settled is closed when the task of an earlier life of the agent was adopted, or is known to be gone; at once for a new one.
func (r *Runner) Settled() <-chan struct{} { return r.settled }

// The delay after an action that failed for no fault of the task.
const (
	retryMin = 200 * time.Millisecond
	retryMax = 30 * time.Second
)

// fault notes that an action has to be tried again later.
func (r *Runner) fault(a action, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	r.log.Warn("task action is tried again", "action", string(a), "error", err)
	if r.retries++; r.retries == 1 && a != actRecover {
		r.emit(retryEvent(a, err), nil)
	}
	delay := min(retryMin<<min(r.retries-1, 10), retryMax)
	r.retryAt = time.Now().Add(delay + rand.N(delay/4))
}

// emit adds an event, and changes the state with it if f is given.
func (r *Runner) emit(e *structs.TaskEvent, f func(*structs.TaskState)) {
	r.mu.Lock()
	s := r.state
	if e != nil {
		s = withEvent(s, e, time.Now())
	} else {
		s = new(*s)
	}
	if f != nil {
		f(s)
	}
	r.state = s
	r.mu.Unlock()
	r.notify()
}

// save records what is known. f changes the record before; when it cannot be stored, the change is undone.
func (r *Runner) save(f func(*Record)) error {
	next := r.rec
	f(&next)
	next.State = r.State()
	if err := r.cfg.Store.PutTask(r.cfg.Alloc.ID, r.cfg.Task.Name, &next); err != nil {
		return err
	}
	r.rec = next
	return nil
}

// Fail ends the task before it starts: what it needs cannot be made. It must be called before Run.
func (r *Runner) Fail(why *structs.TaskEvent) {
	r.change(func(d *desired) bool {
		if r.state.State == structs.TaskStateDead {
			return false
		}
		d.stop, r.why.noDelay = true, true
		r.state = withEvent(r.state, why, time.Now())
		r.state.Failed = true
		return true
	})
}
