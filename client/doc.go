// Package client is the node's side of the cluster: it tells the servers what the machine is, keeps telling them that it
// lives, learns what should run on it, runs exactly that, and reports how it goes.
//
// It owns the set of allocations of this node and their runners, the node's identity, and the files below its data
// directory. It never decides what should run; what the servers list is run, what they do not list any more is removed.
// Called by the agent; the servers are an interface, so that the same code talks in-process, over the wire, and to a test.
//
// Goroutines, all started and waited for by Run: register and heartbeat, watch, report, collect, clean, and one per
// allocation. Loops take no payload from a wake-up: they look at what is there.
//
// Invariants: what an earlier life of the agent left running is adopted before anything else happens; no allocation runs
// twice; an allocation is forgotten only when nothing of it is left; a node cut off from its servers goes on.
package client
