package containerd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/containerd/containerd/api/types/runc/options"
	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/oci"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"berth/drivers"
	"berth/drivers/containerd/taskconfig"
)

// Start prepares the image, makes the container and starts its process.
func (d *Driver) Start(ctx context.Context, cfg *drivers.TaskConfig) (_ *drivers.Handle, err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start task %s: %w", cfg.ID, err)
	}
	tc, err := taskconfig.Decode(cfg.Config)
	if err != nil {
		return nil, &drivers.StartError{Reason: "the task's config is not valid", Err: err}
	}
	runc, err := d.runcPath()
	if err != nil {
		return nil, &drivers.StartError{Reason: "no container can be started", Err: err, Recoverable: true}
	}
	c, ctx, err := d.connect(ctx)
	if err != nil {
		return nil, &drivers.StartError{Reason: "no container can be started", Err: err, Recoverable: true}
	}
	m := &meta{
		TaskID: cfg.ID, ContainerID: containerID(cfg.ID), AllocID: cfg.AllocID, Namespace: cfg.Namespace, JobID: cfg.JobID,
		Group: cfg.Group, Task: cfg.Task, Owner: cfg.Owner, Driver: d.Name(), Image: tc.Image,
		Cgroup: cgroupPath(cfg), CgroupParent: cfg.CgroupParent,
	}
	if err := d.claim(m); err != nil {
		if noSpace(err) {
			d.undo(ctx, cfg.ID)
			return nil, full("the task's record", err)
		}
		return nil, &drivers.StartError{Reason: err.Error(), Hint: "destroy it first"}
	}
	defer func() {
		if err != nil {
			d.undo(ctx, cfg.ID)
		}
	}()
	img, err := d.ensureImage(ctx, c, cfg, tc)
	if err != nil {
		if noSpace(err) {
			err = full("image "+tc.Image, err)
		}
		return nil, err
	}
	m.ImageDigest = img.Target().Digest.String()
	if cfg.Progress != nil {
		cfg.Progress(drivers.Progress{Phase: "creating", Message: "creating the container"})
	}
	if err := d.run(ctx, c, m, cfg, tc, img, runc); err != nil {
		return nil, startError(m, err)
	}
	h := m.handle()
	return &h, nil
}

// undo removes a task whose start failed, also when ctx is done.
func (d *Driver) undo(ctx context.Context, taskID string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), opTimeout)
	defer cancel()
	if err := d.Destroy(ctx, taskID); err != nil {
		d.log.Error("a failed start left something behind", "task_id", taskID, "error", err)
	}
}

// run makes the container from a present image, and starts it.
func (d *Driver) run(ctx context.Context, c *client.Client, m *meta, cfg *drivers.TaskConfig, tc *taskconfig.Config, img client.Image, runc string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*opTimeout)
	defer cancel()
	image, err := imageConfig(ctx, img)
	if err != nil {
		return err
	}
	if _, err := drivers.ParseSignal(image.StopSignal); err != nil {
		image.StopSignal = "" // of another system, or none: the task must end all the same
	}
	m.StopSignal = firstSet(cfg.KillSignal, image.StopSignal, "SIGTERM")
	// The lease keeps what is made here from the garbage collector until the container refers to it.
	ctx, release, err := c.WithLease(ctx)
	if err != nil {
		return fmt.Errorf("lease: %w", err)
	}
	defer func() { _ = release(context.WithoutCancel(ctx)) }() // it ends by itself after a day

	in := &specInput{cfg: cfg, tc: tc, image: image, policy: d, record: d.recordPath(cfg.ID), dir: d.taskDir(cfg.ID), stage: stageIn(d.taskDir(cfg.ID))}
	var spec *specs.Spec
	cont, err := c.NewContainer(ctx, m.ContainerID,
		client.WithImage(img),
		client.WithSnapshotter(snapshotter),
		client.WithNewSnapshot(m.ContainerID, img),
		client.WithRuntime(d.cfg.Daemon.ShimPath(), nil),
		client.WithContainerLabels(labels(m, tc)),
		client.WithNewSpec(
			func(_ context.Context, _ oci.Client, _ *containers.Container, s *oci.Spec) error {
				spec = s
				return in.apply(s)
			},
			withUser(c, firstSet(cfg.User, image.User), tc.GroupAdd),
		),
	)
	if err != nil {
		return fmt.Errorf("create container: %w", err)
	}
	stdio, err := d.stdio(cfg, tc)
	if err != nil {
		return err
	}
	task, err := cont.NewTask(ctx, stdio, func(_ context.Context, _ *client.Client, info *client.TaskInfo) error {
		// Pipes belong to the task's user, so that it can open /dev/stdout.
		info.Options = &options.Options{BinaryName: runc, Root: filepath.Join(d.cfg.Daemon.RunDir(), "runc"),
			IoUid: spec.Process.User.UID, IoGid: spec.Process.User.GID}
		return nil
	})
	if err != nil {
		return fmt.Errorf("create task: %w", err)
	}
	if err := in.stage.clear(); err != nil {
		return err
	}
	m.Pid, m.StartedAt = int(task.Pid()), time.Now().Round(0)
	if err := d.save(m); err != nil {
		return err
	}
	if err := task.Start(ctx); err != nil {
		return fmt.Errorf("start task: %w", err)
	}
	return nil
}

// startError tells faults of the job from faults of the node.
func startError(m *meta, err error) error {
	var known *drivers.StartError
	if errors.As(err, &known) {
		return known
	}
	text := err.Error()
	switch {
	case noSpace(err): // before everything else: it may have cut off whatever follows
		return full("the container", err)
	case strings.Contains(text, "executable file not found"), strings.Contains(text, "no such file or directory") && strings.Contains(text, "exec"):
		return &drivers.StartError{Reason: fmt.Sprintf("the command is not in image %s", m.Image), Err: lastLine(err),
			Hint: "check command and entrypoint in the task's config"}
	case strings.Contains(text, "exec format error"):
		return &drivers.StartError{Reason: fmt.Sprintf("the command in image %s is for another machine architecture", m.Image), Err: lastLine(err)}
	case strings.Contains(text, "permission denied") && strings.Contains(text, "exec"):
		return &drivers.StartError{Reason: fmt.Sprintf("the command in image %s may not be executed", m.Image), Err: lastLine(err)}
	case errors.Is(err, errUser):
		return &drivers.StartError{Reason: fmt.Sprintf("the task's user or group is not in image %s", m.Image), Err: lastLine(err),
			Hint: "check user in the task, or write numbers"}
	case strings.Contains(text, "OCI runtime create failed") && !passing(text):
		return &drivers.StartError{Reason: "the container cannot be made as the task's config asks", Err: lastLine(err)}
	}
	return &drivers.StartError{Reason: "the container could not be started", Err: err, Recoverable: true}
}

// lastLine keeps the runtime's own words and drops the names of the layers they came through.
func lastLine(err error) error {
	text := err.Error()
	if i := strings.LastIndex(text, "OCI runtime create failed: "); i >= 0 {
		text = text[i+len("OCI runtime create failed: "):]
	}
	return errors.New(strings.TrimSuffix(text, ": unknown"))
}

// Labels of a container, for people who look with other tools.
const (
	labelTask   = "berth.task-id"
	labelOwner  = "berth.owner"
	labelDriver = "berth.driver"
)

// labelBytesMax is containerd's limit for a label's name and value together.
const labelBytesMax = 4096

func labels(m *meta, tc *taskconfig.Config) map[string]string {
	out := map[string]string{}
	for k, v := range tc.Labels {
		if len(k)+len(v) <= labelBytesMax && !strings.HasPrefix(k, "berth.") && !strings.HasPrefix(k, "containerd.io/") {
			out[k] = v
		}
	}
	for k, v := range map[string]string{labelTask: m.TaskID, labelOwner: m.Owner, labelDriver: m.Driver,
		"berth.alloc-id": m.AllocID, "berth.namespace": m.Namespace, "berth.job-id": m.JobID, "berth.group": m.Group, "berth.task": m.Task} {
		if v != "" && len(k)+len(v) <= labelBytesMax {
			out[k] = v
		}
	}
	return out
}

// stdio hands the shim plain files: it appends to them whether the agent lives or not.
func (d *Driver) stdio(cfg *drivers.TaskConfig, tc *taskconfig.Config) (cio.Creator, error) {
	conf := cio.Config{Terminal: tc.TTY, Stdout: cfg.StdoutPath, Stderr: cfg.StderrPath}
	if tc.TTY {
		conf.Stderr = ""
	}
	for _, p := range []string{cfg.StdoutPath, cfg.StderrPath} {
		if st, err := os.Stat(p); err != nil || !st.Mode().IsRegular() {
			return nil, fmt.Errorf("output file %q of the task is not a regular file", p)
		}
	}
	if tc.Interactive {
		// Nobody writes to it, and so the task's input stays open without end.
		conf.Stdin = filepath.Join(d.taskDir(cfg.ID), "stdin")
		if err := unix.Mkfifo(conf.Stdin, 0o600); err != nil && !errors.Is(err, unix.EEXIST) {
			return nil, fmt.Errorf("make the task's input: %w", err)
		}
	}
	return func(string) (cio.IO, error) { return files{conf}, nil }, nil
}

// files are a task's streams that nobody in this process copies.
type files struct{ conf cio.Config }

// Config is part of cio.IO.
func (f files) Config() cio.Config { return f.conf }

// Cancel is part of cio.IO.
func (files) Cancel() {}

// Wait is part of cio.IO.
func (files) Wait() {}

// Close is part of cio.IO.
func (files) Close() error { return nil }
