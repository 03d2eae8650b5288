// Package drivers defines what a task driver is: the contract between the task runner, which decides what should happen to
// a task, and the code that makes a process of it.
//
// A driver starts, watches, signals, stops and removes tasks. It never decides: restarts, deadlines and order belong to the
// task runner. Every method may be called from several goroutines; calls about one task are never concurrent except Wait,
// Inspect, Stats, Signal and Exec. A driver outlives no task: tasks go on when the agent dies, and Recover adopts them again.
//
// Invariants: Start either returns a running task or leaves nothing behind; Destroy is idempotent and complete (process,
// cgroup, mounts, snapshots); an exit whose status was not seen is reported as unknown, never as zero.
package drivers
