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
// A log file ends with a line's end: the line that crosses its size goes on in it, up to 32 KiB. When nothing can be collected
// (the disk is full, the task broke its own log directory) a spool is freed down to half a log file, and the loss is counted;
// output of a task without logs is freed as it comes.
//
// Goroutines: that of a Collector's Run, and the Notifier's own from its first watch to Close. Invariants: a full disk stops
// neither the task nor the agent; the log directory belongs to the task as well, so no link in it is followed.
package logs
