package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// threadNetNS is the calling thread's network namespace.
const threadNetNS = "/proc/thread-self/ns/net"

// OnOwnThread runs fn on an operating system thread that fn may move to another network namespace, and waits for it. The
// thread returns to Go's pool only if it could be moved back; otherwise it ends.
func OnOwnThread(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open(threadNetNS)
		if err != nil {
			runtime.UnlockOSThread()
			done <- fmt.Errorf("open own network namespace: %w", err)
			return
		}
		defer home.Close()
		defer func() { done <- err }()
		err = fn()
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
	}()
	return <-done
}

// In runs fn on a thread inside the namespace at path. What fn starts (sockets, processes) belongs to that namespace;
// goroutines that fn starts do not.
func In(path string, fn func() error) error {
	return OnOwnThread(func() error {
		ns, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("open network namespace: %w", err)
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter network namespace %s: %w", path, err)
		}
		return fn()
	})
}

// Exists reports whether a network namespace is mounted at path. A plain file there (left by a crash between its creation
// and the mount, or by a restart of the machine) is no namespace.
func Exists(path string) bool {
	var st unix.Statfs_t
	return unix.Statfs(path, &st) == nil && st.Type == unix.NSFS_MAGIC
}

// Create makes a namespace, runs configure inside it, and then mounts it at path, so that a namespace that Exists is
// always configured. A leftover plain file at path is taken over. After an error nothing is left.
func Create(path string, configure func() error) error {
	if Exists(path) {
		return fmt.Errorf("network namespace %s exists already", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o444)
	if err != nil {
		return err
	}
	f.Close()
	err = OnOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare network namespace: %w", err)
		}
		if err := configure(); err != nil {
			return err
		}
		if err := unix.Mount(threadNetNS, path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind-mount network namespace at %s: %w", path, err)
		}
		return nil
	})
	if err != nil {
		return errors.Join(err, Remove(path))
	}
	return nil
}

// Remove unmounts the namespace and removes its file; what is not there is no error. Processes inside keep the namespace
// alive until they end.
func Remove(path string) error {
	for {
		err := unix.Unmount(path, unix.MNT_DETACH)
		if err == nil {
			continue // a second mount may lie under the first
		}
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
			break
		}
		return fmt.Errorf("unmount network namespace %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove network namespace file: %w", err)
	}
	return nil
}
