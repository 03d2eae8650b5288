package cgroup

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/containerd/cgroups/v3"
	"golang.org/x/sys/unix"
)

// root is where the kernel's hierarchies are mounted on every system we run on. Constant.
const root = "/sys/fs/cgroup"

// Unified tells whether the host has only version 2.
func Unified() bool { return cgroups.Mode() == cgroups.Unified }

// Hierarchies are the directories in which a cgroup may have a directory of its own.
func Hierarchies() []string {
	if Unified() {
		return []string{root}
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() { // links such as cpu -> cpu,cpuacct are left out
			out = append(out, filepath.Join(root, e.Name()))
		}
	}
	return out
}

// Check refuses paths that name no group of ours.
func Check(group string) error {
	if clean := path.Clean("/" + group); clean == "/" || clean != "/"+strings.TrimPrefix(group, "/") {
		return fmt.Errorf("cgroup path %q is not the path of one group", group)
	}
	return nil
}

// OOMKills counts the processes of the group the kernel killed for want of memory; ok is false when it cannot be told.
func OOMKills(group string) (kills uint64, ok bool) {
	if Check(group) != nil {
		return 0, false
	}
	file := filepath.Join(root, "memory", group, "memory.oom_control")
	if Unified() {
		file = filepath.Join(root, group, "memory.events")
	}
	f, err := os.Open(file)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, found := strings.CutPrefix(s.Text(), "oom_kill "); found {
			kills, err = strconv.ParseUint(strings.TrimSpace(v), 10, 64)
			return kills, err == nil
		}
	}
	return 0, false
}

// Exists tells whether any hierarchy has the group.
func Exists(group string) bool {
	if Check(group) != nil {
		return false
	}
	return slices.ContainsFunc(Hierarchies(), func(h string) bool {
		_, err := os.Stat(filepath.Join(h, group))
		return err == nil
	})
}

// Pids lists the processes of the group and of every group below it.
func Pids(group string) []int {
	if Check(group) != nil {
		return nil
	}
	seen := map[int]bool{}
	for _, h := range Hierarchies() {
		_ = filepath.WalkDir(filepath.Join(h, group), func(p string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return nil
			}
			b, err := os.ReadFile(filepath.Join(p, "cgroup.procs"))
			if err != nil {
				return nil
			}
			for _, line := range strings.Fields(string(b)) {
				if pid, err := strconv.Atoi(line); err == nil && pid > 0 {
					seen[pid] = true
				}
			}
			return nil
		})
	}
	out := make([]int, 0, len(seen))
	for pid := range seen {
		out = append(out, pid)
	}
	slices.Sort(out)
	return out
}

// Kill sends SIGKILL to everything in the group until it is empty, for at most two seconds.
func Kill(group string) error {
	if err := Check(group); err != nil {
		return err
	}
	for range 100 {
		pids := Pids(group)
		if len(pids) == 0 {
			return nil
		}
		for _, pid := range pids {
			if err := syscall.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("kill process %d of cgroup %s: %w", pid, group, err)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("cgroup %s: processes %v do not die", group, Pids(group))
}

// Remove removes the group and what is below it in every hierarchy, then its parents as far as they are empty, but not
// keep itself nor what is above it. A group that is gone is no error.
func Remove(group, keep string) error {
	if err := Check(group); err != nil {
		return err
	}
	var errs []error
	for _, h := range Hierarchies() {
		dir := filepath.Join(h, group)
		if err := removeTree(dir); err != nil {
			errs = append(errs, err)
			continue
		}
		stop := filepath.Join(h, keep)
		for p := filepath.Dir(dir); p != stop && p != h && len(p) > len(stop); p = filepath.Dir(p) {
			if os.Remove(p) != nil { // not empty: someone else's still
				break
			}
		}
	}
	return errors.Join(errs...)
}

// removeTree removes a directory whose only removable entries are directories.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read cgroup %s: %w", dir, err)
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeTree(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	// A group whose last process just ended may be busy for a moment.
	for i := 0; ; i++ {
		err := unix.Rmdir(dir)
		if err == nil || errors.Is(err, unix.ENOENT) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) || i == 20 {
			return fmt.Errorf("remove cgroup %s: %w", dir, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
