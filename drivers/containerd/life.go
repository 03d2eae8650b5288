package containerd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"

	"berth/drivers"
	"berth/drivers/containerd/internal/cgroup"
)

// task loads the running (or just ended) task of a container. errdefs.ErrNotFound when containerd knows no process of it.
func (d *Driver) task(ctx context.Context, m *meta) (client.Task, context.Context, error) {
	c, ctx, err := d.connect(ctx)
	if err != nil {
		return nil, ctx, err
	}
	cont, err := c.LoadContainer(ctx, m.ContainerID)
	if err != nil {
		return nil, ctx, fmt.Errorf("load container of task %s: %w", m.TaskID, err)
	}
	t, err := cont.Task(ctx, nil)
	if err != nil {
		return nil, ctx, fmt.Errorf("load task %s: %w", m.TaskID, err)
	}
	return t, ctx, nil
}

// Recover finds a task of an earlier life. It needs nothing but the handle's task id.
func (d *Driver) Recover(ctx context.Context, h *drivers.Handle) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	m, err := d.load(h.TaskID)
	if err != nil {
		return err
	}
	if d.recorded(m.TaskID) != nil {
		return nil
	}
	if _, _, err := d.task(ctx, m); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("recover task %s: %w", m.TaskID, err)
	}
	return nil // with no process and no record it ended unseen, as Wait will say
}

// retryEvery is the pause before containerd is asked again after it did not answer.
const retryEvery = 200 * time.Millisecond

// Wait blocks until the task ended.
func (d *Driver) Wait(ctx context.Context, taskID string) (*drivers.ExitResult, error) {
	for {
		m, err := d.load(taskID)
		if err != nil {
			return nil, err
		}
		if r := d.recorded(taskID); r != nil {
			return r, nil
		}
		r, err := d.waitOnce(ctx, m)
		if err == nil {
			return r, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, errNotReady) {
			return nil, fmt.Errorf("wait for task %s: %w", taskID, err)
		}
		if errdefs.IsNotFound(err) {
			return d.unseen(ctx, m)
		}
		d.log.Debug("containerd does not answer, waiting goes on", "task_id", taskID, "error", err)
		if err := pause(ctx, retryEvery); err != nil {
			return nil, err
		}
	}
}

// waitOnce waits as long as containerd and the shim live.
func (d *Driver) waitOnce(ctx context.Context, m *meta) (*drivers.ExitResult, error) {
	t, ctx, err := d.task(ctx, m)
	if err != nil {
		return nil, err
	}
	ch, err := t.Wait(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case st := <-ch:
		if st.Error() != nil {
			return nil, st.Error()
		}
		// The status came from the shim itself. Its record follows; the cgroup is still there to be asked.
		if r := d.recorded(m.TaskID); r != nil {
			return r, nil
		}
		kills, _ := cgroup.OOMKills(m.Cgroup)
		return exitResult(int(st.ExitCode()), st.ExitTime(), kills > 0), nil
	}
}

// recordGrace is how long a shim that is ending may take to write its record.
const recordGrace = 2 * time.Second

// lastLook is how much of that is left once nothing of the container exists any more.
const lastLook = 100 * time.Millisecond

// unseen ends the wait for a task without a process: the record may be about to appear, else nobody saw the end.
func (d *Driver) unseen(ctx context.Context, m *meta) (*drivers.ExitResult, error) {
	deadline, gone := time.Now().Add(recordGrace), false
	for time.Now().Before(deadline) {
		if r := d.recorded(m.TaskID); r != nil {
			return r, nil
		}
		if _, err := os.Stat(filepath.Join(d.taskDir(m.TaskID), "task.json")); err != nil {
			return nil, fmt.Errorf("task %s: %w", m.TaskID, drivers.ErrTaskNotFound)
		}
		if !gone && !cgroup.Exists(m.Cgroup) && !alive(m.Pid) {
			// The shim is gone for good once nothing of the container is left; one more look, then it is decided.
			gone, deadline = true, time.Now().Add(lastLook)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return nil, err
		}
	}
	kills, _ := cgroup.OOMKills(m.Cgroup)
	return &drivers.ExitResult{Unknown: true, OOMKilled: kills > 0, At: time.Now()}, nil
}

func alive(pid int) bool { return pid > 0 && unix.Kill(pid, 0) == nil }

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Inspect tells what is known of the task.
func (d *Driver) Inspect(ctx context.Context, taskID string) (*drivers.TaskStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	m, err := d.load(taskID)
	if err != nil {
		return nil, err
	}
	st := &drivers.TaskStatus{Handle: m.handle(), ImageDigest: m.ImageDigest,
		Attributes: map[string]string{"image": m.Image, "container_id": m.ContainerID, "cgroup": m.Cgroup}}
	if st.Exit = d.recorded(taskID); st.Exit != nil {
		return st, nil
	}
	t, ctx, err := d.task(ctx, m)
	if errdefs.IsNotFound(err) {
		return st, nil // ended unseen, or not yet begun
	}
	if err != nil {
		return nil, err
	}
	status, err := t.Status(ctx)
	if err != nil && !errdefs.IsNotFound(err) {
		return nil, fmt.Errorf("inspect task %s: %w", taskID, err)
	}
	switch status.Status {
	case client.Running, client.Paused, client.Pausing, client.Created:
		st.Running = true
	case client.Stopped:
		kills, _ := cgroup.OOMKills(m.Cgroup)
		st.Exit = exitResult(int(status.ExitStatus), status.ExitTime, kills > 0)
	}
	return st, nil
}

// List names every task in the data directory that belongs to the owner, running or not.
func (d *Driver) List(context.Context) ([]drivers.Handle, error) {
	entries, err := os.ReadDir(d.tasksDir())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list tasks: %w", err)
	}
	var out []drivers.Handle
	for _, e := range entries {
		m, err := readMeta(filepath.Join(d.tasksDir(), e.Name()))
		if err != nil {
			// Killed between the directory and its file: nothing was made yet, and Destroy by this name removes it.
			if errors.Is(err, os.ErrNotExist) && e.IsDir() {
				out = append(out, drivers.Handle{Driver: d.Name(), TaskID: e.Name()})
				continue
			}
			d.log.Warn("a task's directory is unreadable", "dir", e.Name(), "error", err)
			continue
		}
		if m.Driver == d.Name() && (d.cfg.Owner == "" || m.Owner == d.cfg.Owner) {
			out = append(out, m.handle())
		}
	}
	return out, nil
}
