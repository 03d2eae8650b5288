// Package nodes decides what follows from what a node tells, or does not tell any more: the commands, as data.
//
// It owns the lost-node state machine: a node that is silent is disconnected when an allocation on it may be out of touch for a
// while, and down otherwise; one that is heard of again is what it says. Called by the server's node calls and by the simulation, so
// that both follow the same rules.
//
// Goroutines: none. Invariants: pure, time and ids are arguments; equal input gives equal commands.
package nodes
