// Package dryrun decides on a copy: what a job would change, what the cluster would do without some of its nodes or with more of
// them, and which moves would make it better. It runs the scheduler that also places, on a fleet of its own.
//
// It owns the fleets it makes and never writes: no log, no state. Called by the server for `job plan` and `operator rebalance`,
// and by the agent's offline `whatif`. Goroutines: none. Invariant: the same snapshot, question and time have the same answer.
package dryrun
