package harness

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Sweep removes what a failed test's agent left: it kills its processes by id, unmounts and removes its files and cgroups. What
// lives in the agent's network namespace goes with it.
func Sweep(s Scope) error {
	var errs []error
	for range 3 { // a killed shim's container is found at the next look
		traces, err := Traces(Scope{Dir: s.Dir, Cgroup: s.Cgroup, Bridge: s.Bridge, Host: nil})
		if err != nil {
			return err
		}
		for _, t := range traces {
			if rest, ok := strings.CutPrefix(t, "process "); ok {
				pid, _, _ := strings.Cut(rest, ":")
				kill(pid)
			}
		}
	}
	at, err := mounts(s)
	errs = append(errs, err)
	slices.Reverse(at)
	for _, m := range at {
		errs = append(errs, unix.Unmount(strings.TrimPrefix(m, "mount "), unix.MNT_DETACH))
	}
	groups, err := cgroups(s)
	errs = append(errs, err)
	slices.Reverse(groups)
	for _, g := range groups {
		_ = os.Remove(strings.TrimPrefix(g, "cgroup ")) // one with a dying process goes with the next sweep
	}
	files, _ := filepath.Glob("/run/berth/netns/" + s.Bridge + "/*")
	for _, f := range files {
		_ = os.Remove(f)
	}
	_ = os.Remove("/run/berth/netns/" + s.Bridge)
	return errors.Join(errs...)
}

func kill(pid string) {
	n := 0
	for _, c := range pid {
		n = n*10 + int(c-'0')
	}
	if n > 1 && n != os.Getpid() {
		_ = syscall.Kill(n, syscall.SIGKILL)
	}
}
