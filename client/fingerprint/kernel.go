package fingerprint

import (
	"context"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// kernel finds the kernel's name, version and architecture (uname(2)).
func kernel(_ context.Context, _ Config, r *Result) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return
	}
	r.Attributes["kernel.name"] = strings.ToLower(unix.ByteSliceToString(u.Sysname[:]))
	r.Attributes["kernel.version"] = unix.ByteSliceToString(u.Release[:])
	r.Attributes["kernel.arch"] = unix.ByteSliceToString(u.Machine[:])
	if abi := landlock(); abi > 0 {
		r.Attributes["kernel.landlock"] = "v" + strconv.Itoa(abi)
	}
}

// landlock asks for the version of the kernel's sandbox for files, 0 without one (landlock_create_ruleset(2)).
func landlock() int {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}
