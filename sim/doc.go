// Package sim is a simulated cluster: the real state machine, broker, scheduler, heartbeat and deployment cores, and fifty nodes
// that are models, driven by one goroutine through a schedule of faults drawn from a seed.
//
// It owns virtual time, an event heap, an ordered log in memory that stands for Raft, a network that loses, delays, doubles
// and cuts, and checkers that look at the state from outside. It never reads a clock or a global random source: the same seed
// gives the same trace, byte for byte.
//
// Called by its tests and by its command berthsim; product code never imports it. No goroutines.
//
// Invariants: every map is walked in a sorted order; every random draw comes from a generator made of the seed and the name of
// what draws, so that one more draw in one place does not shift the others.
package sim
