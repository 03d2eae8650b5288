// Package allocrunner runs one allocation on its node: its directories, its network, its tasks in their order, its health,
// and the status the servers hear of.
//
// The core is pure: step says which tasks may start and which must end, statusOf sums the tasks up, healthOf judges a
// deployment's question. The shell, Runner.Run, owns the task runners, performs what the core says, and reports every
// change. It never decides what should run: that is in the allocation it was given.
//
// Called by package client. Goroutines: one per task runner, started and waited for by Run.
//
// Invariants: a terminal status is reported only when nothing of the allocation holds a port, an address or a process any
// more; it never changes back. What an ended life of the agent left is adopted, not made again.
package allocrunner
