package containerd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/containerd/containerd/v2/core/mount"
)

// stage is a directory of the agent's in which volume sources are mounted before the container is made. The runtime binds them
// from there by paths no task can change, and so what was judged is what the task gets.
type stage struct {
	dir  string
	used int
}

// add mounts what is open, and what is mounted in it, and gives the path.
func (s *stage) add(f *os.File, propagation string) (string, error) {
	st, err := f.Stat()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return "", err
	}
	target := filepath.Join(s.dir, strconv.Itoa(s.used))
	s.used++
	if st.IsDir() {
		err = os.Mkdir(target, 0o700)
	} else {
		err = os.WriteFile(target, nil, 0o600)
	}
	if err != nil {
		return "", err
	}
	tree, err := unix.OpenTree(int(f.Fd()), "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
	if err != nil {
		return "", os.NewSyscallError("open_tree", err)
	}
	defer func() { _ = unix.Close(tree) }()
	if err := unix.MoveMount(tree, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return "", os.NewSyscallError("move_mount", err)
	}
	if propagation == "rprivate" || propagation == "private" {
		return target, private(target)
	}
	return target, nil
}

// private takes a mount and those in it out of the host's peer groups, so that taking them down takes down nothing else.
func private(path string) error {
	if err := unix.Mount("", path, "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("make the mount %s private: %w", path, err)
	}
	return nil
}

// clear takes the staged mounts down; the container has its own by then.
func (s *stage) clear() error {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("clear the staged volumes: %w", err)
	}
	var errs []error
	for _, e := range entries {
		path := filepath.Join(s.dir, e.Name())
		if err := private(path); err != nil && !errors.Is(err, unix.EINVAL) { // EINVAL: nothing is mounted there
			errs = append(errs, err)
			continue
		}
		if err := mount.UnmountRecursive(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			errs = append(errs, fmt.Errorf("unmount %s: %w", path, err))
			continue
		}
		if err := os.Remove(path); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func stageIn(taskDir string) *stage { return &stage{dir: filepath.Join(taskDir, "volumes")} }
