// Package placer turns evaluations into plans and plans into the log: the one writer of placements on the leader.
//
// It owns the fleet (committed state and plans in flight) and the broker. One goroutine takes an evaluation, lets the scheduler
// decide a slice of it on the fleet, and hands the plan on to be proposed; it does not wait, so that the next decision is made
// while the last one is being written, and the two cannot conflict. A large evaluation is decided in slices between which others
// come to their turn; its result is written after all its slices were accepted. What the state machine refuses is taken off the
// fleet again, and the evaluation is looked at anew.
//
// Core is all of that as data: time, proposals and their outcomes come from outside, so that the simulation drives the same code
// from one goroutine. Placer is its shell. A term of the leader makes one Placer and runs it; everything in it is built from the
// store.
//
// Goroutines: the one that calls Run, and one per proposal in flight (bounded), all ended when Run returns. Invariants: a job's
// next evaluation is decided on a state that holds the previous one's plans; every evaluation taken ends as done, given back, or
// failed with a follow-up.
package placer
