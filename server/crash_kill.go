//go:build crashpoints

package server

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// crashEnv names a point, and which time it is reached counts: "log.store.after:20". Only a program built for tests reads it.
const crashEnv = "BERTH_CRASH_AT"

// watcher ends this process with SIGKILL when it comes to the point the environment names.
func watcher() func(point) {
	name, count, ok := strings.Cut(os.Getenv(crashEnv), ":")
	if !ok {
		return nil
	}
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		return nil
	}
	var left atomic.Int64
	left.Store(n)
	return func(p point) {
		if string(p) != name || left.Add(-1) != 0 {
			return
		}
		fmt.Fprintf(os.Stderr, "crash point %s reached\n", p)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // nothing of this process does anything any more
	}
}
