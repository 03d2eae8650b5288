package containerd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"berth/drivers"
	"berth/internal/beneath"
)

// neverMounted are host paths no configuration makes available, nor anything that holds or lies in them. Constant.
var neverMounted = []string{"/proc", "/sys", "/dev", "/run/containerd", "/run/docker.sock", "/var/run/docker.sock", "/run/berth", "/var/lib/containerd"}

// agentsOwn are the names in a task's directory that are the agent's, not the task's. Constant.
var agentsOwn = []string{"private", "spool"}

// source finds the host side of a mount that a job names, judges it, and gives the path of a mount of exactly that: what the
// name leads to may be something else a moment later. Relative paths lie in the task's directory or the allocation's, absolute
// ones need permission.
func (in *specInput) source(p, propagation string) (string, error) {
	open := in.ownPath
	if filepath.IsAbs(p) {
		open = in.hostPath
	}
	f, err := open(p)
	if err != nil {
		return "", err
	}
	defer f.Close()
	path, err := in.stage.add(f, propagation)
	if err != nil {
		return "", fmt.Errorf("mount volume source %s: %w", p, err)
	}
	return path, nil
}

// ownPath opens what a relative path names, and makes it as a directory if there is nothing.
func (in *specInput) ownPath(p string) (*os.File, error) {
	full := filepath.Join(in.cfg.TaskDir, p)
	var top, rest string
	switch {
	case full == filepath.Clean(in.cfg.TaskDir):
		return nil, &drivers.StartError{Reason: fmt.Sprintf("volume source %q is the task's whole directory, which holds the agent's own files too", p),
			Hint: "name a directory in it, such as local"}
	case within(full, in.cfg.TaskDir):
		rel, _ := filepath.Rel(in.cfg.TaskDir, full) // within has shown that it can
		name, below, _ := strings.Cut(rel, "/")
		if slices.Contains(agentsOwn, name) {
			return nil, &drivers.StartError{Reason: fmt.Sprintf("volume source %q is the agent's own and not for tasks", p), Hint: "name a directory such as local"}
		}
		// The task directory itself is the agent's: only what is in its directories can be exchanged by tasks.
		tree, err := beneath.OpenTree(in.cfg.TaskDir)
		if err != nil {
			return nil, fmt.Errorf("open the task directory: %w", err)
		}
		defer tree.Close()
		if below == "" {
			f, err := tree.Make(name, 0o777)
			return f, sourceError(p, err)
		}
		f, err := tree.Make(name, 0o777)
		if err != nil {
			return nil, sourceError(p, err)
		}
		f.Close()
		top, rest = filepath.Join(in.cfg.TaskDir, name), below
	case within(full, in.cfg.AllocDir):
		top = in.cfg.AllocDir
		rest, _ = filepath.Rel(in.cfg.AllocDir, full)
	default:
		return nil, &drivers.StartError{Reason: fmt.Sprintf("volume source %q leaves the task directory", p),
			Hint: "name something in the task's local or in ../alloc"}
	}
	tree, err := beneath.OpenTree(top)
	if err != nil {
		return nil, sourceError(p, err)
	}
	defer tree.Close()
	f, err := tree.Make(rest, 0o777)
	return f, sourceError(p, err)
}

func sourceError(p string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, beneath.ErrOutside):
		return &drivers.StartError{Reason: fmt.Sprintf("volume source %q leads out of its directory by a symbolic link", p),
			Hint: "links in a task's directories are followed only within local, within secrets, within tmp and within alloc"}
	case errors.Is(err, unix.ENOTDIR):
		return &drivers.StartError{Reason: fmt.Sprintf("volume source %q leads through something that is no directory", p)}
	}
	return fmt.Errorf("make volume source %s: %w", p, err)
}

// hostPath opens what an absolute path names, links followed, and judges where that is in truth.
func (in *specInput) hostPath(p string) (*os.File, error) {
	if !in.policy.cfg.VolumesEnabled {
		return nil, &drivers.StartError{Reason: fmt.Sprintf("host path %s may not be mounted: volumes from host paths are off on this node", p),
			Hint: "use a host volume with a volume_mount block, or ask the operator to set volumes enabled = true for the driver"}
	}
	fd, err := unix.Openat2(unix.AT_FDCWD, p, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_MAGICLINKS})
	if err != nil {
		return nil, &drivers.StartError{Reason: fmt.Sprintf("host path %s cannot be mounted", p), Err: err}
	}
	f := os.NewFile(uintptr(fd), p)
	if err := in.judge(p, f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (in *specInput) judge(p string, f *os.File) error {
	real, err := beneath.Where(f)
	if err != nil {
		return fmt.Errorf("find host path %s: %w", p, err)
	}
	for _, bad := range slices.Concat(neverMounted, []string{in.policy.cfg.Daemon.DataDir(), in.policy.cfg.Daemon.RunDir()}) {
		if within(real, bad) || within(bad, real) {
			return &drivers.StartError{Reason: fmt.Sprintf("host path %s may never be mounted into a task: it is or holds %s", p, bad)}
		}
	}
	allowed := in.policy.cfg.VolumePaths
	if len(allowed) > 0 && !slices.ContainsFunc(allowed, func(a string) bool { return within(real, a) }) {
		return &drivers.StartError{Reason: fmt.Sprintf("host path %s may not be mounted on this node, allowed: %s", p, strings.Join(allowed, ", "))}
	}
	return nil
}

// within tells whether p is dir or lies in it.
func within(p, dir string) bool {
	if dir == "" {
		return false
	}
	rel, err := filepath.Rel(dir, p)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}
