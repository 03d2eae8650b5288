package harness

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// StartTimeout bounds the wait for an agent's API and node.
const StartTimeout = 2 * time.Minute

// Options say how an agent is run. The zero value is `berth agent -dev` in a Host of its own.
type Options struct {
	Binary string
	// Dir holds everything of the agent; it must exist and be empty at the first start.
	Dir  string
	Host *Host
	// Persistent runs a server and client that keep their state, instead of -dev.
	Persistent bool
	// Config is the configuration besides data_dir and log_level: the roles and addresses of an agent among others. With it
	// Persistent and Extra say nothing.
	Config string
	// Extra is HCL added to the configuration file.
	Extra string
	// Data is the agent's data directory; "" is one in Dir.
	Data string
	// Env is added to the agent's environment.
	Env []string
}

// Agent is one running agent.
type Agent struct {
	Options
	Bridge, Cgroup string
	API            *API
	cmd            *exec.Cmd
	exited         chan struct{} // closed when the process is gone
	exit           error
	starts         int
}

// number tells agents of one process apart in names the whole machine shares.
type number struct{ n atomic.Int64 }

func (c *number) next() string { return fmt.Sprintf("%d-%d", os.Getpid(), c.n.Add(1)) }

// Fleet makes agents whose names do not clash. The zero value is ready.
type Fleet struct{ numbers number }

// New prepares an agent without starting it.
func (f *Fleet) New(o Options) *Agent {
	id := f.numbers.next()
	a := &Agent{Options: o, Bridge: "b" + strings.ReplaceAll(id, "-", "x"), Cgroup: "berth-" + id + ".slice"}
	a.API = NewAPI(o.Host)
	return a
}

// Start starts the process and waits until its node is ready.
func (a *Agent) Start(ctx context.Context) error {
	if err := a.Launch(); err != nil {
		return err
	}
	return a.Ready(ctx)
}

// Launch starts the process and returns at once.
func (a *Agent) Launch() error {
	if _, err := a.Configure(); err != nil {
		return err
	}
	args := []string{"agent", "-config", a.configFile()}
	if !a.Persistent && a.Config == "" {
		args = []string{"agent", "-dev", "-config", a.configFile()}
	}
	a.starts++
	log, err := os.OpenFile(a.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	fmt.Fprintf(log, "--- start %d\n", a.starts)
	a.cmd = exec.Command(a.Binary, args...)
	a.cmd.Stdout, a.cmd.Stderr = log, log
	a.cmd.Env = append(os.Environ(), a.Env...)
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if a.Host != nil {
		err = a.Host.Start(a.cmd)
	} else {
		err = a.cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("start agent: %w", err)
	}
	exited := make(chan struct{})
	a.exited = exited
	go func() {
		a.exit = a.cmd.Wait()
		close(exited)
	}()
	return nil
}

func (a *Agent) configFile() string { return filepath.Join(a.Dir, "agent.hcl") }

// LogFile is where the agent's output of all its lives goes.
func (a *Agent) LogFile() string { return filepath.Join(a.Dir, "agent.log") }

// DataDir is the agent's data directory.
func (a *Agent) DataDir() string {
	if a.Data != "" {
		return a.Data
	}
	return filepath.Join(a.Dir, "data")
}

// Configure writes the agent's configuration and gives the file's name, for who starts the process by other means.
func (a *Agent) Configure() (string, error) {
	if a.Config != "" {
		text := fmt.Sprintf("data_dir = %q\nlog_level = \"DEBUG\"\n%s", a.DataDir(), a.Config)
		return a.configFile(), os.WriteFile(a.configFile(), []byte(text), 0o644)
	}
	text := fmt.Sprintf(`data_dir = %q
log_level = "DEBUG"
client {
  enabled = true
  bridge_network_name = %q
  cgroup_parent = %q
}
`, a.DataDir(), a.Bridge, a.Cgroup)
	if a.Persistent {
		text += "bind_addr = \"127.0.0.1\"\nserver {\n  enabled = true\n  bootstrap_expect = 1\n}\n"
	}
	return a.configFile(), os.WriteFile(a.configFile(), []byte(text+a.Extra), 0o644)
}

// Ready waits until the API answers and the node is ready.
func (a *Agent) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, StartTimeout)
	defer cancel()
	for {
		if err := a.API.nodeReady(ctx); err == nil {
			return nil
		} else if ctx.Err() != nil {
			return fmt.Errorf("agent is not ready: %w", err)
		}
		select {
		case <-a.exited:
			return fmt.Errorf("agent ended before it was ready: %w", a.ended())
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond): // nothing listens yet: there is no event to wait for
		}
	}
}

// Pid is the agent's process id.
func (a *Agent) Pid() int { return a.cmd.Process.Pid }

// Running reports whether the process is there.
func (a *Agent) Running() bool {
	if a.exited == nil {
		return false
	}
	select {
	case <-a.exited:
		return false
	default:
		return true
	}
}

// Signal sends a signal and waits until the process is gone.
func (a *Agent) Signal(ctx context.Context, sig os.Signal) error {
	if !a.Running() {
		return nil
	}
	if err := a.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return a.Wait(ctx)
}

// Wait waits until the process is gone; its exit status is in Exit.
func (a *Agent) Wait(ctx context.Context) error {
	select {
	case <-a.exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("agent still runs: %w", ctx.Err())
	}
}

// ended is how the process ended, never nil.
func (a *Agent) ended() error {
	if a.exit == nil {
		return errors.New("exit status 0")
	}
	return a.exit
}

// Exit is how the last process ended, nil for status 0.
func (a *Agent) Exit() error { return a.exit }

// Log is the agent's output so far.
func (a *Agent) Log() string {
	text, _ := os.ReadFile(a.LogFile())
	return string(text)
}

// Scope is what the agent may have put into the kernel.
func (a *Agent) Scope() Scope {
	return Scope{Host: a.Host, Dir: a.Dir, Cgroup: a.Cgroup, Bridge: a.Bridge}
}

// Close kills the agent and whatever its folder and cgroups name, unmounts, and removes the cgroups: for the end of a test that
// failed. A clean agent left nothing to do.
func (a *Agent) Close() error {
	a.API.Close()
	if a.Running() {
		if err := a.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		<-a.exited
	}
	return Sweep(a.Scope())
}

// Client is an HTTP client that dials from the agent's machine.
func (a *Agent) Client() *http.Client { return a.API.http }
