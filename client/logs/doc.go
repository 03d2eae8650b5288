// Package logs brings a task's output to where people read it, and reads it back.
//
// A driver lets the output go into two spool files, appended to by whatever outlives the agent. A Collector copies them into
// numbered log files of bounded size and number (<task>.stdout.0, .1, ...), and frees what it has copied. Where it stands
// follows from the files themselves: a small record says at which offset of the spool the newest log file begins, its size says
// the rest. So an agent that is killed at any moment neither loses nor repeats a byte.
//
// It owns the log files and the records beside the spools. One Notifier per node tells when a directory changed; nothing is
// polled while a task is silent. The task runner runs Collectors; the client calls Read for the API.
//
// Goroutines: that of a Collector's Run, and the Notifier's own from its first watch to Close. Invariants: a full disk stops
// neither the task nor the agent; the log directory belongs to the task as well, so no link in it is followed.
package logs
