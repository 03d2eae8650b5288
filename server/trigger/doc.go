// Package trigger says which evaluations follow from a change: of a node, of allocations as their client reports them.
//
// It owns nothing: each function looks at a snapshot and returns evaluations to be proposed together with the change, so
// that no change can be stored without its consequences. Called by the server's node calls, the API's handlers and the
// simulation. No goroutines, no clock: time and ids are arguments.
//
// Invariant: at most one evaluation per job and change, in the order of job keys.
package trigger
