// Probe tries, from inside a task, what a task must not be able to do, and prints "name errno" for each.
package main

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func main() {
	name := []byte("user\x00")
	p := uintptr(unsafe.Pointer(&name[0]))
	var page [4096]byte
	buf := uintptr(unsafe.Pointer(&page[0]))
	for _, c := range []struct {
		name string
		nr   uintptr
		args [6]uintptr
	}{
		{"add_key", unix.SYS_ADD_KEY, [6]uintptr{p, p, p, 4, ^uintptr(2)}},
		{"request_key", unix.SYS_REQUEST_KEY, [6]uintptr{p, p, 0, 0}},
		{"keyctl", unix.SYS_KEYCTL, [6]uintptr{0, ^uintptr(2)}},
		{"userfaultfd", unix.SYS_USERFAULTFD, [6]uintptr{0}},
		{"bpf", unix.SYS_BPF, [6]uintptr{0, buf, 64}},
		{"perf_event_open", unix.SYS_PERF_EVENT_OPEN, [6]uintptr{buf, 0, ^uintptr(0), ^uintptr(0)}},
		{"io_uring_setup", unix.SYS_IO_URING_SETUP, [6]uintptr{4, buf}},
		{"mount", unix.SYS_MOUNT, [6]uintptr{p, p, p, 0, 0}},
		{"umount2", unix.SYS_UMOUNT2, [6]uintptr{p, 0}},
		{"move_mount", unix.SYS_MOVE_MOUNT, [6]uintptr{^uintptr(0), p, ^uintptr(0), p}},
		{"open_tree", unix.SYS_OPEN_TREE, [6]uintptr{^uintptr(99), p, 0}},
		{"fsopen", unix.SYS_FSOPEN, [6]uintptr{p, 0}},
		{"unshare-user", unix.SYS_UNSHARE, [6]uintptr{unix.CLONE_NEWUSER}},
		{"unshare-net", unix.SYS_UNSHARE, [6]uintptr{unix.CLONE_NEWNET}},
		{"clone3", unix.SYS_CLONE3, [6]uintptr{buf, 0}},
		{"setns", unix.SYS_SETNS, [6]uintptr{0, 0}},
		{"open_by_handle_at", unix.SYS_OPEN_BY_HANDLE_AT, [6]uintptr{0, buf, 0}},
		{"kexec_load", unix.SYS_KEXEC_LOAD, [6]uintptr{0, 0, 0, 0}},
		{"init_module", unix.SYS_INIT_MODULE, [6]uintptr{buf, 1, p}},
		{"delete_module", unix.SYS_DELETE_MODULE, [6]uintptr{p, 0}},
		{"reboot", unix.SYS_REBOOT, [6]uintptr{1, 2, 3, 0}},
		{"swapon", unix.SYS_SWAPON, [6]uintptr{p, 0}},
		{"settimeofday", unix.SYS_SETTIMEOFDAY, [6]uintptr{buf, 0}},
		{"clock_adjtime", unix.SYS_CLOCK_SETTIME, [6]uintptr{0, buf}},
		{"sethostname", unix.SYS_SETHOSTNAME, [6]uintptr{p, 4}},
		{"pivot_root", unix.SYS_PIVOT_ROOT, [6]uintptr{p, p}},
		{"chroot", unix.SYS_CHROOT, [6]uintptr{p}},
		{"acct", unix.SYS_ACCT, [6]uintptr{0}},
		{"quotactl", unix.SYS_QUOTACTL, [6]uintptr{0, 0, 0, 0}},
		{"lookup_dcookie", unix.SYS_LOOKUP_DCOOKIE, [6]uintptr{0, 0, 0}},
		{"packet socket", unix.SYS_SOCKET, [6]uintptr{unix.AF_PACKET, unix.SOCK_RAW, 0}},
		{"raw socket", unix.SYS_SOCKET, [6]uintptr{unix.AF_INET, unix.SOCK_RAW, 1}},
		{"vsock socket", unix.SYS_SOCKET, [6]uintptr{unix.AF_VSOCK, unix.SOCK_STREAM, 0}},
	} {
		_, _, errno := syscall.RawSyscall6(c.nr, c.args[0], c.args[1], c.args[2], c.args[3], c.args[4], c.args[5])
		fmt.Printf("%s: %s\n", c.name, unix.ErrnoName(errno))
	}
	for name, which := range map[string]int{"nofile": unix.RLIMIT_NOFILE, "core": unix.RLIMIT_CORE, "memlock": unix.RLIMIT_MEMLOCK} {
		var l unix.Rlimit
		if err := unix.Getrlimit(which, &l); err != nil {
			fmt.Printf("rlimit %s: %v\n", name, err)
			continue
		}
		fmt.Printf("rlimit %s: %d\n", name, l.Max)
	}
}
