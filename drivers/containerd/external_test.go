package containerd_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/drivers/containerd/daemon"
	"berth/internal/testimage"
)

// hostsContainerd is a containerd in a process of its own, as a host would run one: it knows nothing of the node that uses it.
type hostsContainerd struct {
	*node
	process *agent
}

func newHostsContainerd(t *testing.T) *hostsContainerd {
	t.Helper()
	needRoot(t)
	dir, err := os.MkdirTemp("", "berth-ctd-")
	if err != nil {
		t.Fatal(err)
	}
	h := &hostsContainerd{node: &node{t: t, dataDir: dir, cgroup: "/berth-test-" + filepath.Base(dir)}}
	h.daemon = daemon.New(daemon.Config{DataDir: dir})
	t.Cleanup(h.remove)
	t.Cleanup(func() { h.process.kill() })
	h.begin()
	return h
}

func (h *hostsContainerd) begin() {
	h.t.Helper()
	h.process = h.startAgent()
	if line := h.process.line(); !strings.HasPrefix(line, "ready") {
		h.t.Fatal(line)
	}
}

// newNodeOn is a node that uses it.
func newNodeOn(t *testing.T, h *hostsContainerd) *node {
	t.Helper()
	dir, err := os.MkdirTemp("", "berth-ctd-")
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, dataDir: dir, cgroup: "/berth-test-" + filepath.Base(dir), address: h.daemon.Address()}
	t.Cleanup(n.remove)
	n.up()
	n.load(imageName, testimage.Options{})
	return n
}

func TestAHostsContainerdRunsTasks(t *testing.T) {
	h := newHostsContainerd(t)
	n := newNodeOn(t, h)
	ctx := context.Background()
	if fp := n.driver.Fingerprint(ctx); !fp.Healthy || fp.Attributes["driver.containerd.embedded"] != "false" {
		t.Errorf("%+v", fp)
	}
	cfg := n.config("plain", "id -un; cat /v/file; exit 5")
	cfg.User = "web"
	if err := os.WriteFile(filepath.Join(mkdir(t, cfg.TaskDir, "local"), "file"), []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg.Config["volumes"] = []any{"local:/v"}
	if r, out := n.run(cfg); r.ExitCode != 5 || out != "web\nmine\n" {
		t.Errorf("%+v %q", r, out)
	}
	n.refused(with(n.config("never", "true"), values{"image": "berth.local/none:1", "image_pull_policy": "never"}), "is not on this node")
	if _, err := os.Stat(filepath.Join(n.dataDir, "root")); err == nil {
		t.Error("a containerd of our own was started all the same")
	}
}

func TestTasksOnAHostsContainerdSurviveTheAgentAndThatContainerd(t *testing.T) {
	h := newHostsContainerd(t)
	n := newNodeOn(t, h)
	n.down()
	cfg := n.allocMount(n.config("survivor", "while [ ! -e /alloc/end ]; do echo line; sleep 0.01; done; exit 17"))
	a := n.startAgent(cfg)
	a.line()
	handle := a.handle()
	a.kill()
	n.up()
	ctx := context.Background()
	adopted := func() {
		t.Helper()
		n.eventually("the task is adopted", func() bool { return n.driver.Recover(ctx, handle) == nil })
		st, err := n.driver.Inspect(ctx, handle.TaskID)
		if err != nil || !st.Running || st.Handle.Pid != handle.Pid {
			t.Fatalf("%+v, %v; was %+v", st, err, handle)
		}
		lines := countLines(cfg.StdoutPath)
		n.eventually("it goes on", func() bool { return countLines(cfg.StdoutPath) > lines+5 })
	}
	adopted()

	h.process.kill() // the containerd of the host, while our agent lives
	lines := countLines(cfg.StdoutPath)
	n.eventually("it goes on without any containerd", func() bool { return countLines(cfg.StdoutPath) > lines+5 })
	h.begin()
	n.eventually("the containerd is found again", func() bool {
		st, err := n.driver.Inspect(ctx, handle.TaskID)
		return err == nil && st.Running
	})
	adopted()

	h.process.kill() // and the task ends while it is away
	touch(t, cfg, "end")
	n.eventually("the exit is recorded", func() bool {
		_, err := os.Stat(filepath.Join(n.dataDir, "tasks", handle.TaskID, "exit.json"))
		return err == nil
	})
	h.begin()
	if r := n.wait(handle.TaskID); r.ExitCode != 17 || r.Unknown {
		t.Errorf("%+v", r)
	}
	if err := n.driver.Destroy(ctx, handle.TaskID); err != nil {
		t.Fatal(err)
	}
}
