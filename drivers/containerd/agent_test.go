package containerd_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/drivers"
	"berth/drivers/containerd"
	"berth/drivers/containerd/daemon"
	"berth/drivers/drivertest"
)

const agentEnv = "BERTH_TEST_AGENT"

// agentJob is what an agent in another process does.
type agentJob struct {
	DataDir string
	Address string // of another's containerd
	Start   []agentTask
}

// agentTask is a task's configuration without its function, which is no data.
type agentTask struct {
	*drivers.TaskConfig
	Progress *struct{} `json:",omitempty"`
}

// agentMain runs a daemon and starts tasks, until it is killed or its standard input ends.
func agentMain() error {
	var job agentJob
	if err := json.Unmarshal([]byte(os.Getenv(agentEnv)), &job); err != nil {
		return err
	}
	os.Unsetenv(agentEnv) // shims are not agents
	log := hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr, Name: "agent"})
	d := daemon.New(daemon.Config{DataDir: job.DataDir, Address: job.Address, Logger: log})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- d.Run(ctx) }()
	select {
	case <-d.Ready():
	case err := <-done:
		return err
	}
	fmt.Printf("ready %v\n", time.Since(began))
	driver := containerd.New(containerd.Config{Daemon: d, Logger: log, Owner: drivertest.Owner})
	for _, cfg := range job.Start {
		h, err := driver.Start(ctx, cfg.TaskConfig)
		if err != nil {
			return err
		}
		b, err := json.Marshal(h)
		if err != nil {
			return err
		}
		fmt.Println(string(b))
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	cancel()
	return <-done
}

// agent is such a process.
type agent struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
	stdin io.Closer
}

// startAgent needs the node's own daemon to be down: two cannot share a data directory.
func (n *node) startAgent(tasks ...*drivers.TaskConfig) *agent {
	n.t.Helper()
	job := agentJob{DataDir: n.dataDir, Address: n.address}
	for _, cfg := range tasks {
		job.Start = append(job.Start, agentTask{TaskConfig: cfg})
	}
	b, err := json.Marshal(job)
	if err != nil {
		n.t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		n.t.Fatal(err)
	}
	a := &agent{t: n.t, cmd: exec.Command(exe)}
	a.cmd.Env = append(os.Environ(), agentEnv+"="+string(b), "SECRET_OF_THE_AGENT=leaked")
	a.cmd.Stderr = os.Stderr
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if a.stdin, err = a.cmd.StdinPipe(); err != nil {
		n.t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(a.kill)
	a.lines = bufio.NewScanner(out)
	return a
}

func (a *agent) line() string {
	a.t.Helper()
	if !a.lines.Scan() {
		a.t.Fatalf("the agent ended: %v", a.lines.Err())
	}
	return a.lines.Text()
}

func (a *agent) handle() *drivers.Handle {
	a.t.Helper()
	h := &drivers.Handle{}
	if err := json.Unmarshal([]byte(a.line()), h); err != nil {
		a.t.Fatal(err)
	}
	return h
}

// kill is kill -9, and waits for the end.
func (a *agent) kill() {
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
}
