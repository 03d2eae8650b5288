// Package cluster measures three servers on machines of their own: how long nobody leads when a leader dies or is stopped, and
// how many registrations and reads a second they answer.
//
// It owns the machines and agents it makes and removes them. It needs root. Called by berthbench. Goroutines: the callers it
// loads a server with, which have ended when a measurement returns.
package cluster
