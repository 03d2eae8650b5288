package allocdir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Names within an allocation's directory.
const (
	SharedName = "alloc"
	logsName   = "logs"

	secretsName = "secrets"
	spoolName   = "spool"
)

// secretsMB is the size of a task's secrets in memory.
const secretsMB = 1

// Dir is one allocation's directory; it need not exist.
type Dir struct{ root string }

// New names the directory of an allocation below a node's directory of allocations.
func New(allocs, allocID string) *Dir { return &Dir{root: filepath.Join(allocs, allocID)} }

// Root is the directory itself.
func (d *Dir) Root() string { return d.root }

// Shared is what tasks see as /alloc.
func (d *Dir) Shared() string { return filepath.Join(d.root, SharedName) }

// LogDir holds the collected output of all tasks.
func (d *Dir) LogDir() string { return filepath.Join(d.root, SharedName, logsName) }

// TaskPaths are the directories and files of one task, on the host.
type TaskPaths struct {
	Root, Local, Secrets, Tmp string
	// Spool is where output waits to be collected; SpoolOut and SpoolErr are its files.
	Spool, SpoolOut, SpoolErr string
}

// Task names the paths of a task.
func (d *Dir) Task(name string) TaskPaths {
	root := filepath.Join(d.root, name)
	spool := filepath.Join(root, spoolName)
	return TaskPaths{
		Root: root, Local: filepath.Join(root, "local"), Secrets: filepath.Join(root, secretsName), Tmp: filepath.Join(root, "tmp"),
		Spool: spool, SpoolOut: filepath.Join(spool, "stdout"), SpoolErr: filepath.Join(spool, "stderr"),
	}
}

// Build makes the directories of the allocation and its tasks. What is there stays as it is.
func (d *Dir) Build(ctx context.Context, tasks []string) error {
	// The way in is closed to other users of the machine; what is inside is open to whatever user a task runs as.
	if err := makeDir(d.root, 0o711); err != nil {
		return err
	}
	for _, sub := range []string{"", "data", logsName, "tmp"} {
		mode := fs.FileMode(0o777)
		if sub == "tmp" {
			mode |= fs.ModeSticky
		}
		if err := makeDir(filepath.Join(d.Shared(), sub), mode); err != nil {
			return err
		}
	}
	for _, name := range tasks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.buildTask(name); err != nil {
			return fmt.Errorf("task %q: %w", name, err)
		}
	}
	return nil
}

func (d *Dir) buildTask(name string) error {
	if name == SharedName || name == "" || name == "." || name == ".." || strings.ContainsRune(name, '/') {
		return fmt.Errorf("%q cannot be the name of a directory beside %q", name, SharedName)
	}
	p := d.Task(name)
	for _, dir := range []struct {
		path string
		mode fs.FileMode
	}{{p.Root, 0o777}, {p.Local, 0o777}, {p.Tmp, 0o777 | fs.ModeSticky}, {p.Secrets, 0o777}, {p.Spool, 0o700}} {
		if err := makeDir(dir.path, dir.mode); err != nil {
			return err
		}
	}
	if err := mountSecrets(p.Secrets); err != nil {
		return err
	}
	for _, path := range []string{p.SpoolOut, p.SpoolErr} {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// makeDir makes a directory with exactly that mode, whatever the umask.
func makeDir(path string, mode fs.FileMode) error {
	switch err := os.Mkdir(path, mode); {
	case err == nil:
		return os.Chmod(path, mode)
	case errors.Is(err, fs.ErrExist):
		st, err := os.Lstat(path)
		if err == nil && !st.IsDir() {
			err = fmt.Errorf("%s is in the way: it is not a directory", path)
		}
		return err
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(filepath.Dir(path), 0o711); err != nil {
			return err
		}
		return makeDir(path, mode)
	default:
		return err
	}
}

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

// Destroy unmounts and removes everything. Removing what is gone already is no error. A mount that cannot be taken down stops
// it: nothing is deleted through one.
func (d *Dir) Destroy() error {
	mounts, err := mountsBelow(d.root)
	if err != nil {
		return err
	}
	for _, m := range mounts {
		if err := unix.Unmount(m, unix.UMOUNT_NOFOLLOW); err != nil && !errors.Is(err, unix.EINVAL) {
			if err := unix.Unmount(m, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil && !errors.Is(err, unix.EINVAL) {
				return fmt.Errorf("unmount %s: %w", m, err)
			}
		}
	}
	if err := os.RemoveAll(d.root); err != nil {
		return fmt.Errorf("remove %s: %w", d.root, err)
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
