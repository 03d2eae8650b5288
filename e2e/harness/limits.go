package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const groupsDir = "/sys/fs/cgroup"

// Limits is a control group of a test's own: what the processes in it have of memory and processors. Close it when they have ended.
type Limits struct {
	memory, cpu string // directories; of version 2 one
	v2          bool
}

// NewLimits makes a group without limits. An error that is errors.ErrUnsupported names what the kernel lacks, or its set-up.
func NewLimits(name string) (*Limits, error) {
	l := &Limits{memory: filepath.Join(groupsDir, "memory", name), cpu: filepath.Join(groupsDir, "cpu", name)}
	if given, err := os.ReadFile(filepath.Join(groupsDir, "cgroup.subtree_control")); err == nil {
		for _, need := range []string{"cpu", "memory"} {
			if !slices.Contains(strings.Fields(string(given)), need) {
				return nil, fmt.Errorf("%w: groups below %s have no controller %q", errors.ErrUnsupported, groupsDir, need)
			}
		}
		l.memory, l.v2 = filepath.Join(groupsDir, name), true
		l.cpu = l.memory
	} else {
		for _, need := range []string{"memory/memory.limit_in_bytes", "cpu/cpu.cfs_period_us"} {
			if _, err := os.Stat(filepath.Join(groupsDir, need)); err != nil {
				return nil, fmt.Errorf("%w: there is no %s", errors.ErrUnsupported, filepath.Join(groupsDir, need))
			}
		}
	}
	for _, dir := range l.dirs() {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

func (l *Limits) dirs() []string { return slices.Compact([]string{l.memory, l.cpu}) }

// Close removes the group.
func (l *Limits) Close() error {
	var errs []error
	for _, dir := range l.dirs() {
		if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Wrap writes a program that starts another one in the group, and gives its path.
func (l *Limits) Wrap(dir, program string) (string, error) {
	text := "#!/bin/sh\nset -e\n"
	for _, d := range l.dirs() {
		text += fmt.Sprintf("echo $$ > %s/cgroup.procs\n", d)
	}
	path := filepath.Join(dir, "limited")
	return path, os.WriteFile(path, []byte(text+"exec "+program+" \"$@\"\n"), 0o755)
}

// Add moves a process into the group. The memory it has counts where it was.
func (l *Limits) Add(pid int) error {
	for _, d := range l.dirs() {
		if err := write(d, "cgroup.procs", strconv.Itoa(pid)); err != nil {
			return err
		}
	}
	return nil
}

// Memory bounds the memory in bytes; below 0 there is no bound. The kernel may refuse less than what is in use.
func (l *Limits) Memory(most int64) error {
	switch {
	case !l.v2:
		return write(l.memory, "memory.limit_in_bytes", strconv.FormatInt(most, 10))
	case most < 0:
		return write(l.memory, "memory.max", "max")
	}
	return write(l.memory, "memory.max", strconv.FormatInt(most, 10))
}

// Used is the memory in use, in bytes: the processes' own, and files they read and wrote.
func (l *Limits) Used() (int64, error) {
	name := "memory.usage_in_bytes"
	if l.v2 {
		name = "memory.current"
	}
	text, err := os.ReadFile(filepath.Join(l.memory, name))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

// Killed is how many processes the kernel ended because there was no memory left.
func (l *Limits) Killed() (int, error) {
	name := "memory.oom_control"
	if l.v2 {
		name = "memory.events"
	}
	text, err := os.ReadFile(filepath.Join(l.memory, name))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "oom_kill "); ok {
			return strconv.Atoi(strings.TrimSpace(rest))
		}
	}
	return 0, fmt.Errorf("%s does not count killed processes", filepath.Join(l.memory, name))
}

// CPU bounds the time on processors, in percent of one.
func (l *Limits) CPU(percent int) error {
	const period = 100_000 // µs
	if l.v2 {
		return write(l.cpu, "cpu.max", fmt.Sprintf("%d %d", period*percent/100, period))
	}
	return errors.Join(write(l.cpu, "cpu.cfs_period_us", strconv.Itoa(period)), write(l.cpu, "cpu.cfs_quota_us", strconv.Itoa(period*percent/100)))
}

func write(dir, name, text string) error {
	return os.WriteFile(filepath.Join(dir, name), []byte(text), 0)
}
