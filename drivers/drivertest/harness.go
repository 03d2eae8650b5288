package drivertest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/drivers"
)

// Harness connects the suite to one driver.
type Harness struct {
	// New gives a working driver on a host without tasks. It is called once per case; what it makes is removed with
	// t.Cleanup.
	New func(t *testing.T) drivers.Driver
	// Restart ends the driver's life without touching its tasks, and gives the next life over the same host. While, when
	// not nil, runs between the two lives. Nil leaves the cases about recovery out.
	Restart func(t *testing.T, old drivers.Driver, while func()) drivers.Driver
	// Configure fills cfg.Config (and whatever else the driver needs, never ID, Owner or the output paths) so that the
	// task behaves as wanted.
	Configure func(t *testing.T, cfg *drivers.TaskConfig, b Behaviour)
	// Command gives the command line of an exec inside a task started with any Behaviour.
	Command func(t *testing.T, e Exec) []string
	// Wrap, when not nil, runs the body of each case, for example inside a synctest bubble.
	Wrap func(t *testing.T, body func(t *testing.T))
	// Patience is the longest a case waits for something to happen; 0 means 30 seconds.
	Patience time.Duration
}

// Behaviour is what a task does. The zero value ends at once with exit code 0 and no output.
type Behaviour struct {
	// Stdout and Stderr are written at the start, exactly.
	Stdout, Stderr string
	// Forever keeps the task running until a signal ends it; otherwise it ends with ExitCode after writing.
	Forever bool
	// EndWhen, when not empty, is a file name in cfg.AllocDir: the task ends with ExitCode once the file exists.
	EndWhen  string
	ExitCode int
	// IgnoreTerm makes the task ignore SIGTERM.
	IgnoreTerm bool
	// OnHUP is written to stdout every time SIGHUP arrives; the task goes on.
	OnHUP string
}

// Exec names a command the suite runs inside a task.
type Exec int

const (
	// ExecCat copies standard input to standard output until end of input, then exits 0.
	ExecCat Exec = iota
	// ExecExit7 writes "out" to stdout and "err" to stderr, then exits 7.
	ExecExit7
	// ExecIsTTY exits 0 when its standard input is a terminal, and 1 otherwise.
	ExecIsTTY
	// ExecForever runs until it is killed.
	ExecForever
	// ExecEnv writes the value of the environment variable CONFORMANCE, without a new line.
	ExecEnv
)

// Owner is the owner of every task of the suite unless a case is about owners.
const Owner = "conformance-node"

func (h Harness) patience() time.Duration {
	if h.Patience > 0 {
		return h.Patience
	}
	return 30 * time.Second
}

// env is one case at work.
type env struct {
	*testing.T
	h   Harness
	d   drivers.Driver
	ctx context.Context
	dir string
}

func newEnv(t *testing.T, h Harness) *env {
	t.Helper()
	// Why not t.Context: it ends before cleanups run, and clean-up destroys tasks.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 4*h.patience())
	t.Cleanup(cancel)
	dir := t.TempDir()
	return &env{T: t, h: h, d: h.New(t), ctx: ctx, dir: dir}
}

// config makes a task configuration whose output files exist.
func (e *env) config(id string, b Behaviour) *drivers.TaskConfig {
	e.Helper()
	dir := filepath.Join(e.dir, id)
	cfg := &drivers.TaskConfig{
		ID: id, AllocID: "a1b2c3d4-0000-4000-8000-000000000000", Namespace: "default", JobID: "conformance",
		Group: "group", Task: "task", Owner: Owner,
		Env:       map[string]string{"CONFORMANCE": "yes"},
		Resources: drivers.Resources{CPUShares: 100, MemoryMB: 64},
		Network:   "none",
		TaskDir:   filepath.Join(dir, "task"), AllocDir: filepath.Join(dir, "alloc"),
		StdoutPath: filepath.Join(dir, "out"), StderrPath: filepath.Join(dir, "err"),
	}
	for _, d := range []string{cfg.TaskDir, cfg.AllocDir} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			e.Fatal(err)
		}
	}
	for _, f := range []string{cfg.StdoutPath, cfg.StderrPath} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			e.Fatal(err)
		}
	}
	e.h.Configure(e.T, cfg, b)
	return cfg
}

// start starts a task, destroyed when the case ends.
func (e *env) start(id string, b Behaviour) (*drivers.Handle, *drivers.TaskConfig) {
	e.Helper()
	cfg := e.config(id, b)
	e.Cleanup(func() { e.destroy(id) })
	h, err := e.d.Start(e.ctx, cfg)
	if err != nil {
		e.Fatalf("start %s: %v", id, err)
	}
	if h == nil || h.TaskID != id || h.StartedAt.IsZero() {
		e.Fatalf("start %s: handle %+v", id, h)
	}
	return h, cfg
}

// destroy uses a context of its own: it must work when the case's is gone.
func (e *env) destroy(id string) {
	e.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), e.h.patience())
	defer cancel()
	if err := e.d.Destroy(ctx, id); err != nil {
		e.Errorf("destroy %s: %v", id, err)
	}
}

func (e *env) wait(id string) *drivers.ExitResult {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.ctx, e.h.patience())
	defer cancel()
	r, err := e.d.Wait(ctx, id)
	if err != nil {
		e.Fatalf("wait %s: %v", id, err)
	}
	if r == nil {
		e.Fatalf("wait %s: no result and no error", id)
	}
	return r
}

// eventually polls until ok or patience is over.
func (e *env) eventually(what string, ok func() bool) {
	e.Helper()
	deadline := time.Now().Add(e.h.patience())
	for !ok() {
		if time.Now().After(deadline) {
			e.Fatalf("never happened: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (e *env) output(path, want string) {
	e.Helper()
	e.eventually("output "+want+" in "+filepath.Base(path), func() bool {
		b, err := os.ReadFile(path)
		return err == nil && strings.Contains(string(b), want)
	})
}
