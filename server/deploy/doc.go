// Package deploy carries rollouts forward: it opens the next window when allocations became healthy, promotes canaries that need
// no person, ends a deployment that succeeded or failed, and goes back to the last stable version when the job asks for it.
//
// It owns no state but what it has already asked for in its term. Step reads a snapshot; deadlines stand in the deployments, so
// that a new leader goes on where the last one stopped. Whether an allocation is healthy is judged by its node. It never places
// or stops anything: it changes the deployment and lets the scheduler look at the job again. A term of the leader makes one
// Watcher and runs it.
//
// Goroutines: the one that calls Run. Invariants: a deployment that has ended is never touched; a paused one only waits.
package deploy
