// Package slack lets the Go runtime's monitor sleep a little longer than it asks.
//
// The monitor is a thread that looks after the others, every 20 µs while the process has anything to do (sysmon in runtime/proc.go). A
// server that waits for disks and peers wakes and sleeps hundreds of times a second, and each time the monitor is awake for milliseconds
// after it: on a virtual machine, where a timer costs a way out of it, an eighth of a busy follower's processor time. Linux lets a thread's
// timers come late together with others (timerslack_ns, proc(5)); what the monitor does is not pressing, for it looks for threads that were
// in the kernel or at one thing for longer than that.
//
// Not for an agent that runs tasks: a thread that the monitor starts has its slack, and so have the processes which that one starts, and
// tasks must have the kernel's own.
package slack
