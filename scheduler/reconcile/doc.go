// Package reconcile compares what a job wants with the allocations it has, and says what to place, stop, update and wait
// for. It does not choose nodes.
//
// It is a pure function: job version, allocations, nodes they are on, deployment and the time are arguments, and the same
// arguments give the same answer. Called by scheduler, on the placer's goroutine or in parallel ahead of it.
//
// Invariants: an allocation is in at most one of stop, update and ignore; names of wanted allocations are unique among
// those that are no canaries; a batch allocation that completed is never placed again; failed deployments place nothing
// of their version.
package reconcile
