// Package broker orders evaluations: which job is looked at next, which has to wait, and for what.
//
// It owns a picture of every evaluation that is not over: ready (by priority, then age), waiting for a time, behind another one
// of the same job, in flight, or blocked until room appears that could help. It never changes an evaluation; the placer feeds it
// with what the store says and asks for the next one. Everything in it follows from the store, so that a new leader's broker
// stands where the last one's stood.
//
// It is data without goroutine, lock or clock: time is an argument, and it belongs to the goroutine of the placer.
//
// Invariants: of one job at most one evaluation is in flight; every evaluation it was told of is in exactly one place until it
// is over; a blocked evaluation is woken by room that appeared after the state it was decided on, never missed.
package broker
