package allocdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// secretsMB is the size of a task's secrets in memory.
const secretsMB = 1

// mountSecrets puts the task's secrets into memory, once. Without the right to mount they stay on disk, closed to others.
func mountSecrets(path string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	if st.Type == unix.TMPFS_MAGIC {
		if mounted, err := isMountPoint(path); err != nil || mounted {
			return err
		}
	}
	options := fmt.Sprintf("size=%dm,mode=0777", secretsMB)
	err := unix.Mount("tmpfs", path, "tmpfs", unix.MS_NODEV|unix.MS_NOSUID|unix.MS_NOEXEC, options)
	if errors.Is(err, unix.EPERM) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("mount memory for secrets on %s: %w", path, err)
	}
	return nil
}

// isMountPoint compares the device of a directory with its parent's.
func isMountPoint(path string) (bool, error) {
	var own, parent unix.Stat_t
	if err := unix.Lstat(path, &own); err != nil {
		return false, fmt.Errorf("look at %s: %w", path, err)
	}
	if err := unix.Lstat(filepath.Dir(path), &parent); err != nil {
		return false, fmt.Errorf("look at %s: %w", filepath.Dir(path), err)
	}
	return own.Dev != parent.Dev, nil
}

// Close takes down what is mounted: secrets leave memory when no task needs them any more. The files stay.
func (d *Dir) Close() error {
	root, err := d.real()
	if err != nil || root == "" {
		return err
	}
	return unmountBelow(root)
}

// Destroy unmounts and removes everything. Removing what is gone already is no error. A mount that cannot be taken down stops
// it: nothing is deleted through one.
func (d *Dir) Destroy() error {
	root, err := d.real()
	if err != nil || root == "" {
		return err
	}
	if err := unmountBelow(root); err != nil {
		return err
	}
	if err := os.RemoveAll(root); err != nil {
		return fmt.Errorf("remove %s: %w", root, err)
	}
	return nil
}

// real is where the directory truly is, for the kernel names mounts by that and the way to it may lead over links; empty when
// there is none.
func (d *Dir) real() (string, error) {
	root, err := filepath.EvalSymlinks(d.root)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err == nil {
		root, err = filepath.Abs(root)
	}
	if err != nil {
		return "", fmt.Errorf("find %s: %w", d.root, err)
	}
	return root, nil
}

// unmountBelow takes down every mount below a directory, or says which one stays.
func unmountBelow(root string) error {
	mounts, err := mountsBelow(root)
	if err != nil || len(mounts) == 0 {
		return err
	}
	for _, m := range mounts {
		if err := unmount(m); err != nil {
			return err
		}
	}
	// What is mounted twice, or came meanwhile, must not be emptied.
	if mounts, err = mountsBelow(root); err != nil {
		return err
	}
	if len(mounts) > 0 {
		return fmt.Errorf("%s is not released: %s is still mounted", root, mounts[0])
	}
	return nil
}

// unmount takes a mount down, at once for everybody who does not use it yet. One that is gone already is no error.
func unmount(point string) error {
	err := unix.Unmount(point, unix.UMOUNT_NOFOLLOW)
	if errors.Is(err, unix.EBUSY) {
		err = unix.Unmount(point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	}
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmount %s: %w", point, err)
	}
	return nil
}

// mountsBelow lists mount points below a directory, the deepest first (see proc_pid_mountinfo(5)).
func mountsBelow(dir string) ([]string, error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read the mounts of this process: %w", err)
	}
	return parseMounts(string(table), dir), nil
}

func parseMounts(table, dir string) []string {
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var below []string
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) > 4 {
			if m := unescape.Replace(f[4]); strings.HasPrefix(m, dir+"/") {
				below = append([]string{m}, below...) // later mounts may lie on earlier ones
			}
		}
	}
	return below
}
