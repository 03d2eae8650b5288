// Package localstate is what a node remembers on its own disk: who it is, which allocations it holds, and how far each of their
// tasks has come, so that an agent that was killed finds its tasks again.
//
// It owns one bolt file. Values of tasks are the task runner's own and opaque here (JSON). Every write is one transaction and on
// disk when the call returns; one that changes nothing is not written. The client is the only caller; no goroutine.
//
// Invariants: an allocation is stored with its job version, which goes with the last allocation of it; a file of a newer format
// is refused, never rewritten; a damaged one is named with the way out.
package localstate
