package containerd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"

	"berth/drivers"
	"berth/drivers/containerd/internal/cgroup"
)

// Signal sends one signal to the first process.
func (d *Driver) Signal(ctx context.Context, taskID, signal string) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	m, err := d.load(taskID)
	if err != nil {
		return err
	}
	sig, err := drivers.ParseSignal(signal)
	if err != nil {
		return fmt.Errorf("signal task %s: %w", taskID, err)
	}
	t, ctx, err := d.task(ctx, m)
	if err == nil {
		err = t.Kill(ctx, sig)
	}
	if err != nil {
		return fmt.Errorf("send %s to task %s: %w", signal, taskID, err)
	}
	return nil
}

// killPatience is how long the kernel may take to end processes that got SIGKILL.
const killPatience = 20 * time.Second

// Stop asks the task to end, and after the timeout ends it.
func (d *Driver) Stop(ctx context.Context, taskID, signal string, timeout time.Duration) error {
	m, err := d.load(taskID)
	if err != nil {
		return err
	}
	sig, err := drivers.ParseSignal(firstSet(signal, m.StopSignal, "SIGTERM"))
	if err != nil {
		return fmt.Errorf("stop task %s: %w", taskID, err)
	}
	if err := d.kill(ctx, m, sig); err != nil {
		return fmt.Errorf("stop task %s: %w", taskID, err)
	}
	if timeout > 0 {
		wctx, cancel := context.WithTimeout(ctx, timeout)
		_, err = d.Wait(wctx, taskID)
		cancel()
		if err == nil {
			return nil
		}
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return fmt.Errorf("stop task %s: %w", taskID, err)
		}
	}
	if err := d.kill(ctx, m, unix.SIGKILL, client.WithKillAll); err != nil {
		return fmt.Errorf("kill task %s: %w", taskID, err)
	}
	wctx, cancel := context.WithTimeout(ctx, killPatience)
	defer cancel()
	if _, err := d.Wait(wctx, taskID); err != nil {
		return fmt.Errorf("kill task %s: it does not die: %w", taskID, err)
	}
	return nil
}

// kill sends a signal; a task without a process is no error.
func (d *Driver) kill(ctx context.Context, m *meta, sig syscall.Signal, opts ...client.KillOpts) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	t, ctx, err := d.task(ctx, m)
	if err == nil {
		err = t.Kill(ctx, sig, opts...)
	}
	if errdefs.IsNotFound(err) || errdefs.IsFailedPrecondition(err) {
		return nil
	}
	return err
}

// Destroy removes everything of a task: process, task, container, snapshot, cgroup, mounts, records. What is gone already is
// no error, and each part is tried even when another failed.
func (d *Driver) Destroy(ctx context.Context, taskID string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*opTimeout)
	defer cancel()
	m, err := d.load(taskID)
	if errors.Is(err, drivers.ErrTaskNotFound) {
		return removeDir(d.taskDir(taskID)) // an empty directory, or none
	}
	if err != nil {
		return err
	}
	c, ctx, err := d.connect(ctx)
	if err != nil {
		return fmt.Errorf("destroy task %s: %w", taskID, err)
	}
	errs := []error{d.destroyContainer(ctx, c, m)}
	if cgroup.Exists(m.Cgroup) {
		errs = append(errs, cgroup.Kill(m.Cgroup))
	}
	errs = append(errs, cgroup.Remove(m.Cgroup, ""), d.clearShim(ctx, m))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("destroy task %s: %w", taskID, err) // its directory stays, so that it can be tried again
	}
	return removeDir(d.taskDir(taskID))
}

func (d *Driver) destroyContainer(ctx context.Context, c *client.Client, m *meta) error {
	cont, err := c.LoadContainer(ctx, m.ContainerID)
	switch {
	case err == nil:
		if err := d.destroyTask(ctx, cont); err != nil {
			return err
		}
		if err := cont.Delete(ctx); err != nil && !errdefs.IsNotFound(err) {
			return fmt.Errorf("delete container: %w", err)
		}
	case !errdefs.IsNotFound(err):
		return fmt.Errorf("load container: %w", err)
	}
	if err := c.SnapshotService(snapshotter).Remove(ctx, m.ContainerID); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("remove snapshot: %w", err)
	}
	return nil
}

func (d *Driver) destroyTask(ctx context.Context, cont client.Container) error {
	t, err := cont.Task(ctx, nil)
	if errdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load task: %w", err)
	}
	if _, err := t.Delete(ctx, client.WithProcessKill); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("delete task: %w", err)
	}
	return nil
}

// removeDir removes a task's directory; nothing should be mounted in it, but a mount must never be emptied.
func removeDir(dir string) error {
	if err := stageIn(dir).clear(); err != nil {
		return err
	}
	if err := mount.UnmountRecursive(dir, unix.UMOUNT_NOFOLLOW); err != nil {
		return fmt.Errorf("unmount what is in %s: %w", dir, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove the directory of the task: %w", err)
	}
	return nil
}
