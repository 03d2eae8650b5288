// Package fsm is the state machine: it turns the commands of a log entry into one transaction of the state.
//
// It owns what each command means, the check that no node is given more than it has, and the form of snapshots. It is
// called by Raft, through FSM, and by the simulation, through ApplyEntry. It calls nobody, enqueues nothing, reads no clock
// (a command brings its time), draws no ids, does not log and starts no goroutine.
//
// A command that cannot be applied answers a *structs.Error and leaves no trace; the other commands of its entry are applied
// all the same. An entry that cannot be read answers an error and moves the state's index only.
//
// Invariants: the same log gives the same state on every server, byte for byte by state's Hash; applying a snapshot's state
// and what came after it is the same as applying everything; no node's allocations hold more than it has, except when the
// node itself came back smaller.
package fsm
