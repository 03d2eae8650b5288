package containerd

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"berth/drivers"
)

// noSpace recognizes a full disk, also in the text that is left of an error on its way through containerd and runc.
func noSpace(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || strings.Contains(text, "no space left on device") ||
		strings.Contains(text, "disk quota exceeded")
}

// full says so. Space may come back, so trying again may help.
func full(what string, err error) error {
	var told *drivers.StartError
	if errors.As(err, &told) && told.Err != nil {
		err = told.Err // its own reason would be a wrong one
	}
	return &drivers.StartError{Reason: "no space is left on this node's disk for " + what, Err: err, Recoverable: true,
		Hint: "remove unused images, or enlarge the disk that holds data_dir"}
}

// passing tells whether the runtime failed for want of something that may be there later.
func passing(text string) bool {
	for _, t := range []string{"cannot allocate memory", "resource temporarily unavailable", "too many open files", "device or resource busy",
		"connection refused", "context deadline exceeded", "context canceled", "timeout", "timed out", "interrupted system call", "input/output error"} {
		if strings.Contains(text, t) {
			return true
		}
	}
	return false
}
