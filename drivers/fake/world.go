package fake

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"berth/drivers"
)

// pollEvery is how often a task looks for the file that ends it.
const pollEvery = 2 * time.Millisecond

// World is the machine on which fake tasks live. It survives the drivers that use it.
type World struct {
	mu      sync.Mutex // guards everything below, and the tasks
	tasks   map[string]*task
	starts  map[string]int // by allocation/task
	doubles []string
	pid     int
	healthy bool
}

// NewWorld makes an empty machine.
func NewWorld() *World {
	return &World{tasks: map[string]*task{}, starts: map[string]int{}, pid: 1000, healthy: true}
}

// task is one started script.
type task struct {
	handle   drivers.Handle
	owner    string
	script   script
	cfg      drivers.TaskConfig
	exit     *drivers.ExitResult // nil while it runs
	done     chan struct{}       // closed when exit is set
	timers   []*time.Timer
	stopping bool
}

func taskKey(allocID, name string) string { return allocID + "/" + name }

// Starts tells how often a task of an allocation was started in this world.
func (w *World) Starts(allocID, name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.starts[taskKey(allocID, name)]
}

// Running tells how many tasks run now.
func (w *World) Running() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, t := range w.tasks {
		if t.exit == nil {
			n++
		}
	}
	return n
}

// Tasks tells how many tasks exist, ended ones that nobody destroyed included.
func (w *World) Tasks() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.tasks)
}

// Doubles names the tasks (allocation/task) that were started while an earlier start of the same still ran. A correct
// node has none.
func (w *World) Doubles() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.doubles...)
}

// SetHealthy changes what the drivers of this world say of themselves.
func (w *World) SetHealthy(healthy bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.healthy = healthy
}

// End ends the running tasks of an allocation's task as if by themselves.
func (w *World) End(allocID, name string, exit drivers.ExitResult) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.tasks {
		if t.handle.AllocID == allocID && t.handle.Task == name {
			t.end(exit)
		}
	}
}

// PowerLoss ends everything and forgets it, as a machine that lost its power does.
func (w *World) PowerLoss() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, t := range w.tasks {
		t.end(drivers.ExitResult{Unknown: true})
		delete(w.tasks, id)
	}
}

var errInUse = errors.New("a task with this id exists")

// add starts the script of a configuration.
func (w *World) add(cfg *drivers.TaskConfig, s script, driver string) (*task, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, taken := w.tasks[cfg.ID]; taken {
		return nil, errInUse
	}
	key := taskKey(cfg.AllocID, cfg.Task)
	for _, other := range w.tasks {
		if other.exit == nil && taskKey(other.handle.AllocID, other.handle.Task) == key && cfg.AllocID != "" {
			w.doubles = append(w.doubles, key)
		}
	}
	w.pid++
	w.starts[key]++
	t := &task{
		handle: drivers.Handle{
			Driver: driver, TaskID: cfg.ID, AllocID: cfg.AllocID, Task: cfg.Task, Pid: w.pid, StartedAt: time.Now().Round(0),
		},
		owner: cfg.Owner, script: s, cfg: *cfg, done: make(chan struct{}),
	}
	w.tasks[cfg.ID] = t
	write(cfg.StdoutPath, s.stdout)
	write(cfg.StderrPath, s.stderr)
	switch {
	case s.endWhen != "":
		w.lookFor(t)
	case !s.forever && s.runFor <= 0:
		t.end(s.exit)
	case !s.forever:
		w.after(t, s.runFor, func() { t.end(s.exit) })
	}
	return t, nil
}

// lookFor ends the task once its file is there.
func (w *World) lookFor(t *task) {
	if _, err := os.Stat(filepath.Join(t.cfg.AllocDir, t.script.endWhen)); err == nil {
		t.end(t.script.exit)
		return
	}
	w.after(t, pollEvery, func() { w.lookFor(t) })
}

// after runs f with the world locked, unless the task ended before. The world must be locked.
func (w *World) after(t *task, d time.Duration, f func()) {
	t.timers = append(t.timers[:0:0], time.AfterFunc(d, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if t.exit == nil {
			f()
		}
	}))
}

// signal is what the script does when a signal arrives. The world must be locked.
func (w *World) signal(t *task, sig syscall.Signal) {
	switch {
	case t.exit != nil:
	case sig == syscall.SIGKILL:
		t.end(drivers.ExitResult{ExitCode: 137, Signal: 9})
	case sig == syscall.SIGTERM && t.script.ignoreTerm:
	case sig == syscall.SIGHUP && t.script.onHUP != "":
		write(t.cfg.StdoutPath, t.script.onHUP)
	default:
		exit := drivers.ExitResult{ExitCode: 128 + int(sig), Signal: int(sig)}
		if t.script.stopCode >= 0 {
			exit = drivers.ExitResult{ExitCode: t.script.stopCode}
		}
		if t.script.stopTakes <= 0 {
			t.end(exit)
			return
		}
		if !t.stopping {
			t.stopping = true
			w.after(t, t.script.stopTakes, func() { t.end(exit) })
		}
	}
}

// end ends the task, once. The world must be locked.
func (t *task) end(exit drivers.ExitResult) {
	if t.exit != nil {
		return
	}
	exit.At = time.Now().Round(0)
	t.exit = &exit
	for _, timer := range t.timers {
		timer.Stop()
	}
	close(t.done)
}

// write appends to a task's output. A fake task whose output cannot be written goes on, like a real one.
func write(path, text string) {
	if path == "" || text == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	_, _ = f.WriteString(text)
	_ = f.Close()
}
