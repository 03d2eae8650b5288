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
	privateName = "private"
	spoolName   = "spool"
)

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
	// Private is the agent's own about the task: neither the task nor the API sees it.
	Private string
	// Spool is where output waits to be collected; SpoolOut and SpoolErr are its files.
	Spool, SpoolOut, SpoolErr string
}

// Task names the paths of a task.
func (d *Dir) Task(name string) TaskPaths {
	root := filepath.Join(d.root, name)
	spool := filepath.Join(root, spoolName)
	return TaskPaths{
		Root: root, Local: filepath.Join(root, "local"), Secrets: filepath.Join(root, secretsName), Tmp: filepath.Join(root, "tmp"),
		Private: filepath.Join(root, privateName),
		Spool:   spool, SpoolOut: filepath.Join(spool, "stdout"), SpoolErr: filepath.Join(spool, "stderr"),
	}
}

// Build makes the directories of the allocation and its tasks. What is there stays as it is.
func (d *Dir) Build(ctx context.Context, tasks []string) error {
	// The way in is closed to other users of the machine, for what is inside is open to whatever user a task runs as: tasks
	// come to it by mounts of the directories below.
	if err := makeDir(d.root, 0o700); err != nil {
		return err
	}
	// Sticky: a task may not put something else in the place of a directory that is not its own.
	for _, dir := range []struct {
		sub  string
		mode fs.FileMode
	}{{"", 0o777 | fs.ModeSticky}, {"data", 0o777}, {logsName, 0o777}, {"tmp", 0o777 | fs.ModeSticky}} {
		if err := makeDir(filepath.Join(d.Shared(), dir.sub), dir.mode); err != nil {
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
	}{{p.Root, 0o777 | fs.ModeSticky}, {p.Local, 0o777}, {p.Tmp, 0o777 | fs.ModeSticky}, {p.Secrets, 0o777},
		{p.Private, 0o700}, {p.Spool, 0o700}} {
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

// makeDir makes a directory with exactly that mode, whatever the umask. One that is there keeps the mode its owner gave it,
// unless the agent was killed before it could: then its mode is still closed.
func makeDir(path string, mode fs.FileMode) error {
	switch err := os.Mkdir(path, unfinished); {
	case err == nil:
		return setMode(path, mode)
	case errors.Is(err, fs.ErrExist):
		st, err := os.Lstat(path)
		if err == nil && !st.IsDir() {
			err = fmt.Errorf("%s is in the way: it is not a directory", path)
		}
		if err == nil && st.Mode().Perm() == unfinished {
			err = setMode(path, mode)
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

// unfinished is the mode of a directory that has not got its own yet.
const unfinished fs.FileMode = 0

// setMode changes the mode of a directory, and of nothing a link leads to.
func setMode(path string, mode fs.FileMode) error {
	f, err := os.OpenFile(path, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrPermission) { // not root, and the directory is still closed to us
		return os.Chmod(path, mode)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Chmod(mode)
}
