package nettest

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// isolatedEnv marks the second run of a test binary.
const isolatedEnv = "BERTH_NETTEST_ISOLATED"

// Main is for TestMain: it returns the exit code of the tests, run in a network and mount namespace of their own with
// loopback up. Without root the tests run where they are; those that call RequireIsolated skip.
//
//	func TestMain(m *testing.M) { os.Exit(nettest.Main(m)) }
func Main(m *testing.M) int {
	return MainFunc(m.Run)
}

// MainFunc is Main with a function to run the tests, for packages that also look for leaks.
func MainFunc(run func() int) int {
	if os.Getenv(isolatedEnv) != "" {
		if err := enterMain(); err != nil {
			fmt.Fprintln(os.Stderr, "nettest:", err)
			return 1
		}
		return run()
	}
	if os.Geteuid() != 0 {
		return run()
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), isolatedEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	// Why: the kernel sends Pdeathsig when the thread that started the child ends, not the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	if err == nil {
		return 0
	}
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() > 0 {
		return cmd.ProcessState.ExitCode()
	}
	fmt.Fprintln(os.Stderr, "nettest: run tests in a namespace of their own:", err)
	return 1
}

func enterMain() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	return loopbackUp()
}

// RequireIsolated skips the test unless Main has put it into namespaces of its own.
func RequireIsolated(tb testing.TB) {
	tb.Helper()
	if os.Getenv(isolatedEnv) == "" {
		tb.Skip("needs root, to make network namespaces")
	}
}

func loopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find loopback: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("set loopback up: %w", err)
	}
	return nil
}
