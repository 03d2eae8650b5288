// Package placing measures how fast and how well Berth places: the scheduler's core on fleets in memory, and a whole server with
// its log on disk and simulated nodes, in this process.
//
// It owns nothing that lasts: servers write below a directory it is given and are ended. It judges nothing. Called by the command
// berthbench. Goroutines: those of the servers and clients of a case, all ended when the case returns.
//
// Invariant: a case that is repeated gives its best round, since other work on the machine only ever makes it slower.
package placing
