// Package reap removes what is over: evaluations, allocations and deployments that ended long enough ago, jobs nothing is left
// of, nodes that are gone.
//
// It owns no state: Step reads a snapshot and names what can go, with ages from the objects' own times, so that a new leader goes
// on where the last one stopped. A term of the leader makes one Reaper and runs it; Force removes everything that is over,
// whatever its age. A periodic job may say how many of its launches are kept: these stay whatever their age, and more go at once.
//
// Goroutines: the one that calls Run. Invariants: an evaluation goes only together with its allocations; a failed allocation
// that may still be replaced stays; the state machine checks everything again.
package reap
