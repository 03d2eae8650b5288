// Package fleet keeps every node of the cluster as a dense row of columns: capacity, use, ports, classes, attributes.
//
// It owns the arithmetic of what is free where, incrementally: adding or removing an allocation touches one row. It
// knows nothing of jobs, scores or plans, reads no clock and starts no goroutine. One goroutine (the placer, a test, a
// dry run on a clone) calls it; it has no locks.
//
// Its content is committed state plus what was decided and is not written yet: the placer adds a placement the moment it
// is decided and forgets it when it is refused.
//
// What is asked of all rows again and again (scores of an ask, bounds of evictions, weights, values, tallies) is kept as a column that
// follows the rows: a question costs what changed since it was last asked, not the number of nodes.
//
// Room may be held for an allocation to come (Hold); it counts as used until its job is decided again.
//
// Invariants: a row's free columns equal its capacity minus the sum of the uses recorded on it; row numbers never reach
// any output, so the order in which nodes were added changes nothing.
package fleet
