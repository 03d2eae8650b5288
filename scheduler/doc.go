// Package scheduler turns an evaluation into plans: what to place where, what to stop, what to wait for, and why.
//
// It is pure: state, fleet, time and ids are arguments; the same arguments give the same outcome, whatever the order in
// which nodes and allocations were put in. It runs on the goroutine of its caller: the placer, a dry run, a test. The one
// thing it changes is the fleet it is given, on which its decisions are placed the moment they are taken.
//
// The work is split: reconcile says what should be there, feasible which nodes may run it, rank which of them is best,
// fleet what is free. A Run yields its plan in slices, so that a huge evaluation lets small ones pass.
//
// What is evicted or replaced holds its room until it has ended, so what takes its place waits: the evaluation blocks, and the
// fleet keeps the room for which others were evicted (fleet.Hold) until the job is decided again.
//
// Invariants: nothing that runs is stopped for a successor no node could run; no plan asks of a node more than is free there, resources of allocations that have not ended included; a
// placement satisfies every constraint of its group at the moment of decision.
package scheduler
