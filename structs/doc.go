// Package structs holds the nouns of Berth: job, group, task, node, allocation, evaluation, plan, deployment, explanation,
// command, error. One type per noun serves state, log, wire and JSON; the JSON names and types are those of the contract.
//
// It owns the shapes, their canonical defaults, their validation and their state transitions, all as pure functions. It
// imports nothing of ours, starts nothing, reads no clock and no randomness.
//
// Invariant: an object that came out of the store is never changed; change a copy. Optional fields whose default is not
// the zero value are pointers: nil as written by a user, non-nil after Canonicalize.
//
// Field encodings: time.Duration is int64 nanoseconds; a field documented as "Unix ns" is int64 nanoseconds since the epoch;
// CreateIndex and ModifyIndex are positions in the Raft log.
package structs

//go:generate go -C ../tools run ./structsgen ../structs ../structs/structs_gen.go
