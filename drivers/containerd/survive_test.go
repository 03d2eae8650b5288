package containerd_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"berth/drivers"
	"berth/drivers/containerd/shim"
)

func (n *node) eventually(what string, ok func() bool) {
	n.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			n.t.Fatalf("never happened: %s", what)
		}
	}
}

func countLines(path string) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	return strings.Count(string(b), "\n")
}

func (n *node) allocMount(cfg *drivers.TaskConfig) *drivers.TaskConfig {
	cfg.Mounts = append(cfg.Mounts, drivers.Mount{HostPath: cfg.AllocDir, TaskPath: "/alloc"})
	return cfg
}

func touch(t *testing.T, cfg *drivers.TaskConfig, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(cfg.AllocDir, name), nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTaskSurvivesTheAgentsDeathAndLosesNoOutput(t *testing.T) {
	n := newNode(t)
	n.down()
	cfg := n.allocMount(n.config("survivor", "i=0; while [ ! -e /alloc/end ]; do echo line $i; i=$((i+1)); done; exit 17"))
	a := n.startAgent(cfg)
	a.line()
	h := a.handle()
	n.eventually("output", func() bool { return countLines(cfg.StdoutPath) > 100 })
	a.kill()
	before := countLines(cfg.StdoutPath)
	n.eventually("output without an agent", func() bool { return countLines(cfg.StdoutPath) > before+1000 })

	n.up()
	if err := n.driver.Recover(context.Background(), h); err != nil {
		t.Fatal(err)
	}
	st, err := n.driver.Inspect(context.Background(), h.TaskID)
	if err != nil || !st.Running || st.Handle.Pid != h.Pid {
		t.Fatalf("%+v, %v; was %+v", st, err, h)
	}
	touch(t, cfg, "end")
	if r := n.wait(h.TaskID); r.ExitCode != 17 || r.Unknown {
		t.Errorf("%+v", r)
	}
	if err := n.driver.Destroy(context.Background(), h.TaskID); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(cfg.StdoutPath)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for line := range strings.Lines(string(b)) {
		if line != fmt.Sprintf("line %d\n", i) {
			t.Fatalf("line %d is %q", i, line)
		}
		i++
	}
	t.Logf("%d lines, none lost", i)
}

func TestExitWithoutAnAgentIsSeen(t *testing.T) {
	n := newNode(t)
	n.down()
	plain := n.allocMount(n.config("away", "while [ ! -e /alloc/end ]; do sleep 0.02; done; exit 23"))
	oom := n.allocMount(n.config("away-oom", "while [ ! -e /alloc/end ]; do sleep 0.02; done; tail /dev/zero"))
	oom.Resources.MemoryMB = 32
	a := n.startAgent(plain, oom)
	a.line()
	hp, ho := a.handle(), a.handle()
	a.kill()
	for _, cfg := range []*drivers.TaskConfig{plain, oom} {
		touch(t, cfg, "end")
		record := filepath.Join(n.dataDir, "tasks", cfg.ID, "exit.json")
		n.eventually("record of "+cfg.ID, func() bool { _, err := shim.ReadRecord(record); return err == nil })
	}
	n.up()
	for _, h := range []*drivers.Handle{hp, ho} {
		if err := n.driver.Recover(context.Background(), h); err != nil {
			t.Fatal(err)
		}
	}
	if r := n.wait("away"); r.ExitCode != 23 || r.Unknown || r.OOMKilled {
		t.Errorf("away: %+v", r)
	}
	if r := n.wait("away-oom"); r.ExitCode == 0 || !r.OOMKilled || r.Unknown {
		t.Errorf("away-oom: %+v", r)
	}
}

func TestOutOfMemoryIsReported(t *testing.T) {
	n := newNode(t)
	cfg := n.config("oom", "exec tail /dev/zero")
	cfg.Resources.MemoryMB = 32
	n.start(cfg)
	if r := n.wait("oom"); r.ExitCode != 137 || r.Signal != 9 || !r.OOMKilled {
		t.Errorf("%+v", r)
	}
	// The record says the same, for the agent that comes later.
	n.eventually("record", func() bool {
		r, err := shim.ReadRecord(filepath.Join(n.dataDir, "tasks", "oom", "exit.json"))
		return err == nil && r.OOMKilled && r.Status == 137
	})
	survived := n.config("survived", "tail /dev/zero; exit 0")
	survived.Resources.MemoryMB = 32
	n.start(survived)
	if r := n.wait("survived"); !r.Successful() {
		t.Errorf("a child was killed and the task ended well all the same: %+v", r)
	}
}

// shimOf finds the shim of a task by its command line.
func shimOf(t *testing.T, id string) int {
	t.Helper()
	for _, p := range processesWith("-id\x00" + id + "\x00") {
		pid, err := strconv.Atoi(strings.Split(p, "/")[2])
		if err == nil {
			return pid
		}
	}
	t.Fatalf("no shim of %s", id)
	return 0
}

func TestDeathOfTheShimIsAnUnknownExit(t *testing.T) {
	n := newNode(t)
	h := n.start(n.config("orphan", "while :; do sleep 1; done"))
	if err := unix.Kill(shimOf(t, "orphan"), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if r := n.wait("orphan"); !r.Unknown || r.Successful() {
		t.Errorf("%+v", r)
	}
	if err := n.driver.Destroy(context.Background(), "orphan"); err != nil {
		t.Fatal(err)
	}
	n.eventually("end of the process", func() bool { return unix.Kill(h.Pid, 0) != nil })
}

func TestDeathOfTheShimWithoutAnAgent(t *testing.T) {
	n := newNode(t)
	n.down()
	a := n.startAgent(n.config("orphan", "while :; do sleep 1; done"))
	a.line()
	h := a.handle()
	a.kill()
	if err := unix.Kill(shimOf(t, "orphan"), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	n.up()
	if err := n.driver.Recover(context.Background(), h); err != nil {
		t.Fatal(err)
	}
	if r := n.wait("orphan"); !r.Unknown {
		t.Errorf("%+v", r)
	}
	if err := n.driver.Destroy(context.Background(), "orphan"); err != nil {
		t.Fatal(err)
	}
	n.eventually("end of the process", func() bool { return unix.Kill(h.Pid, 0) != nil }) // whoever inherited it has to take note
}

func TestLostStateOfContainerdLeavesNoProcessAfterDestroy(t *testing.T) {
	n := newNode(t)
	n.down()
	a := n.startAgent(n.config("lost", "while :; do sleep 1; done"))
	a.line()
	h := a.handle()
	a.kill()
	if err := os.RemoveAll(filepath.Join(n.daemon.RunDir(), "state")); err != nil && !errors.Is(err, unix.EBUSY) {
		t.Fatal(err)
	}
	n.up()
	if err := n.driver.Recover(context.Background(), h); err != nil {
		t.Fatal(err)
	}
	if r := n.wait("lost"); !r.Unknown {
		t.Errorf("%+v", r)
	}
	if err := n.driver.Destroy(context.Background(), "lost"); err != nil {
		t.Fatal(err)
	}
	n.eventually("end of the process", func() bool { return unix.Kill(h.Pid, 0) != nil })
}

func TestAgentKilledAtAnyPointOfAStart(t *testing.T) {
	n := newNode(t)
	n.down()
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	for i := range 8 {
		cfg := n.config(fmt.Sprintf("cut-%d", i), "while :; do sleep 1; done")
		a := n.startAgent(cfg)
		a.line()
		time.Sleep(time.Duration(rng.Int64N(int64(400 * time.Millisecond)))) // the cut is what is tested
		a.kill()
		n.up()
		list, err := n.driver.List(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range list {
			if err := n.driver.Destroy(context.Background(), h.TaskID); err != nil {
				t.Errorf("cut %d: destroy: %v", i, err)
			}
		}
		n.down()
		n.leftovers(n.daemon.RunDir())
	}
}
