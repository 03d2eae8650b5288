package server

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/raft"
)

// What the environment tells a program linked for tests; no other reads it.
const (
	// crashEnv names a point and which time it is reached counts, "log.store.after:20", and perhaps a point behind which that is counted:
	// "log.store.after:20:term.run" counts while the server leads.
	crashEnv = "BERTH_CRASH_AT"
	// snapshotsEnv is how many entries a snapshot is made after; the log keeps as many behind it.
	snapshotsEnv = "BERTH_SNAPSHOT_AFTER"
)

// tested takes in what the environment tells.
func (c *Config) tested() {
	if linkedPoints != "on" {
		return
	}
	if c.reached == nil {
		c.reached = watcher()
	}
	if n, err := strconv.ParseUint(os.Getenv(snapshotsEnv), 10, 32); err == nil && c.tune == nil {
		c.tune = func(rc *raft.Config) {
			rc.SnapshotThreshold, rc.TrailingLogs, rc.SnapshotInterval = n, n, 50*time.Millisecond
		}
	}
}

// watcher ends this process with SIGKILL when it comes to the point the environment names.
func watcher() func(point) {
	words := strings.Split(os.Getenv(crashEnv), ":")
	if len(words) < 2 {
		return nil
	}
	n, err := strconv.ParseInt(words[1], 10, 64)
	if err != nil {
		return nil
	}
	var left atomic.Int64
	var counts atomic.Bool
	left.Store(n)
	counts.Store(len(words) == 2)
	return func(p point) {
		if len(words) > 2 && string(p) == words[2] {
			counts.Store(true)
		}
		if string(p) != words[0] || !counts.Load() || left.Add(-1) != 0 {
			return
		}
		fmt.Fprintf(os.Stderr, "crash point %s reached\n", p)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // nothing of this process does anything any more
	}
}
