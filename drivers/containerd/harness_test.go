package containerd_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"berth/drivers"
	"berth/drivers/containerd"
	"berth/drivers/containerd/daemon"
	"berth/drivers/drivertest"
	"berth/internal/testimage"
)

const imageName = "berth.local/busybox:1"

// node is one agent's part of a machine.
type node struct {
	t       *testing.T
	dataDir string
	cgroup  string
	cfg     containerd.Config

	layerMax int64  // of the daemon
	address  string // of a containerd that is not ours

	daemon *daemon.Daemon
	driver *containerd.Driver
	cancel context.CancelFunc
	done   chan error
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	if _, err := exec.LookPath("runc"); err != nil {
		t.Skip("needs runc")
	}
}

// newNode gives a running daemon with the busybox image, all of it gone when the test ends.
func newNode(t *testing.T) *node {
	t.Helper()
	needRoot(t)
	dir, err := os.MkdirTemp("", "berth-ctd-")
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, dataDir: dir, cgroup: "/berth-test-" + filepath.Base(dir)}
	t.Cleanup(n.remove)
	n.up()
	n.load(imageName, testimage.Options{})
	return n
}

func logger(t *testing.T) hclog.Logger {
	level := hclog.Warn
	if testing.Verbose() {
		level = hclog.Debug
	}
	return hclog.New(&hclog.LoggerOptions{Level: level, Output: os.Stderr, Name: t.Name()})
}

func (n *node) up() {
	n.t.Helper()
	n.daemon = daemon.New(daemon.Config{DataDir: n.dataDir, Logger: logger(n.t), LayerBytesMax: n.layerMax, Address: n.address})
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel, n.done = cancel, make(chan error, 1)
	d := n.daemon
	done := n.done
	go func() { done <- d.Run(ctx) }()
	select {
	case <-d.Ready():
	case err := <-done:
		n.t.Fatalf("daemon: %v", err)
	case <-time.After(3 * time.Minute):
		n.t.Fatal("the daemon does not get ready")
	}
	cfg := n.cfg
	cfg.Daemon, cfg.Logger, cfg.Owner = d, logger(n.t), drivertest.Owner
	n.driver = containerd.New(cfg)
}

func (n *node) down() {
	n.t.Helper()
	if n.cancel == nil {
		return
	}
	n.cancel()
	if err := <-n.done; err != nil {
		n.t.Errorf("daemon: %v", err)
	}
	n.cancel = nil
}

// load imports an image made by testimage.
func (n *node) load(name string, o testimage.Options) {
	n.t.Helper()
	n.loadInto(name, o)
}

// archives are made once per test run: they are all alike.
var archives sync.Map

func (n *node) loadInto(name string, o testimage.Options) {
	n.t.Helper()
	key := fmt.Sprintf("%s %+v", name, o)
	b, ok := archives.Load(key)
	if !ok {
		img, err := testimage.New(o)
		if err != nil {
			n.t.Fatal(err)
		}
		var buf bytes.Buffer
		if err := testimage.WriteOCIArchive(&buf, name, img); err != nil {
			n.t.Fatal(err)
		}
		b = buf.Bytes()
		archives.Store(key, b)
	}
	names, err := n.driver.ImportArchive(context.Background(), bytes.NewReader(b.([]byte)))
	if err != nil || len(names) != 1 || names[0] != name {
		n.t.Fatalf("import: %v, %v", names, err)
	}
}

// remove destroys every task, ends the daemon, and checks that nothing is left.
func (n *node) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if n.cancel == nil {
		n.up()
	}
	list, err := n.driver.List(ctx)
	if err != nil {
		n.t.Error(err)
	}
	for _, h := range list {
		if err := n.driver.Destroy(ctx, h.TaskID); err != nil {
			n.t.Errorf("destroy %s: %v", h.TaskID, err)
		}
	}
	run := n.daemon.RunDir()
	n.down()
	n.leftovers(run)
	if err := os.RemoveAll(run); err != nil {
		n.t.Error(err)
	}
	_ = os.Remove(filepath.Dir(run))
	if err := os.RemoveAll(n.dataDir); err != nil {
		n.t.Error(err)
	}
	for _, h := range []string{"", "cpu,cpuacct", "cpuset", "memory", "pids", "devices", "freezer", "blkio"} {
		_ = os.Remove(filepath.Join("/sys/fs/cgroup", h, n.cgroup))
	}
}

// leftovers looks for what a test must not leave on the machine.
func (n *node) leftovers(run string) {
	n.t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		n.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, n.dataDir) || strings.Contains(line, run) {
			n.t.Errorf("mount is left: %s", line)
			f := strings.Fields(line)
			_ = unix.Unmount(f[4], unix.MNT_DETACH)
		}
	}
	_ = filepath.WalkDir("/sys/fs/cgroup", func(p string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.Contains(p, n.cgroup+"/") {
			n.t.Errorf("cgroup is left: %s", p)
		}
		return nil
	})
	if left, _ := filepath.Glob(filepath.Join(n.dataDir, "root", "io.containerd.snapshotter.v1.overlayfs", "snapshots", "*", "work")); len(left) > 1 {
		n.t.Logf("snapshots: %v", left)
	}
	for _, dir := range []string{"state/io.containerd.runtime.v2.task/berth", "s", "f", "runc/berth"} {
		if entries, err := os.ReadDir(filepath.Join(run, dir)); err == nil && len(entries) > 0 {
			n.t.Errorf("left in %s: %v", dir, entries)
		}
	}
	// What a daemon that just ended had started may need a moment more.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		left := processesWith(run)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			n.t.Errorf("processes are left: %q", left)
			return
		}
	}
}

func processesWith(text string) (out []string) {
	procs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range procs {
		if b, err := os.ReadFile(p); err == nil && strings.Contains(string(b), text) {
			out = append(out, p+" "+string(b))
		}
	}
	return out
}

// config is a task that runs a shell script.
func (n *node) config(id, script string) *drivers.TaskConfig {
	n.t.Helper()
	dir := filepath.Join(n.t.TempDir(), id)
	cfg := &drivers.TaskConfig{
		ID: id, AllocID: "a1b2c3d4-0000-4000-8000-000000000000", Namespace: "default", JobID: "job", Group: "group", Task: "task",
		Owner: drivertest.Owner, Network: "none", CgroupParent: n.cgroup,
		Resources: drivers.Resources{CPUShares: 100, MemoryMB: 64},
		TaskDir:   filepath.Join(dir, "task"), AllocDir: filepath.Join(dir, "alloc"),
		StdoutPath: filepath.Join(dir, "out"), StderrPath: filepath.Join(dir, "err"),
		Config: map[string]any{"image": imageName, "command": "/bin/sh", "args": []any{"-c", script}},
	}
	for _, d := range []string{cfg.TaskDir, cfg.AllocDir} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			n.t.Fatal(err)
		}
	}
	for _, f := range []string{cfg.StdoutPath, cfg.StderrPath} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			n.t.Fatal(err)
		}
	}
	return cfg
}

func (n *node) start(cfg *drivers.TaskConfig) *drivers.Handle {
	n.t.Helper()
	h, err := n.driver.Start(context.Background(), cfg)
	if err != nil {
		n.t.Fatalf("start %s: %v", cfg.ID, err)
	}
	return h
}

func (n *node) wait(id string) *drivers.ExitResult {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	r, err := n.driver.Wait(ctx, id)
	if err != nil {
		n.t.Fatalf("wait %s: %v", id, err)
	}
	return r
}

// run starts, waits and gives the output.
func (n *node) run(cfg *drivers.TaskConfig) (*drivers.ExitResult, string) {
	n.t.Helper()
	n.start(cfg)
	r := n.wait(cfg.ID)
	// The shim writes the last output just after the exit; destroying the task waits for it.
	if err := n.driver.Destroy(context.Background(), cfg.ID); err != nil {
		n.t.Fatal(err)
	}
	out, err := os.ReadFile(cfg.StdoutPath)
	if err != nil {
		n.t.Fatal(err)
	}
	errOut, err := os.ReadFile(cfg.StderrPath)
	if err != nil {
		n.t.Fatal(err)
	}
	return r, string(out) + string(errOut)
}

// script is a Behaviour as a shell script.
func script(cfg *drivers.TaskConfig, b drivertest.Behaviour) string {
	var s strings.Builder
	if b.IgnoreTerm {
		s.WriteString("trap '' TERM; trap 'exit 3' QUIT\n")
	} else {
		s.WriteString("trap 'exit 0' TERM\n")
	}
	if b.OnHUP != "" {
		fmt.Fprintf(&s, "trap 'printf \"%s\"' HUP\n", strings.ReplaceAll(b.OnHUP, "\n", `\n`))
	}
	fmt.Fprintf(&s, "printf %%s '%s'\nprintf %%s '%s' >&2\n", b.Stdout, b.Stderr)
	switch {
	case b.Forever:
		s.WriteString("while :; do sleep 0.05; done\n")
	case b.EndWhen != "":
		fmt.Fprintf(&s, "while [ ! -e /alloc/%s ]; do sleep 0.05; done\n", b.EndWhen)
	}
	fmt.Fprintf(&s, "exit %d\n", b.ExitCode)
	cfg.Mounts = append(cfg.Mounts, drivers.Mount{HostPath: cfg.AllocDir, TaskPath: "/alloc"})
	return s.String()
}

func execCommand(_ *testing.T, e drivertest.Exec) []string {
	return map[drivertest.Exec][]string{
		drivertest.ExecCat:     {"cat"},
		drivertest.ExecExit7:   {"sh", "-c", "echo out; echo err >&2; exit 7"},
		drivertest.ExecIsTTY:   {"sh", "-c", "test -t 0"},
		drivertest.ExecForever: {"sleep", "1000"},
		drivertest.ExecEnv:     {"sh", "-c", "printf %s \"$CONFORMANCE\""},
	}[e]
}
