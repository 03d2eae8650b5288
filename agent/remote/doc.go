// Package remote carries a node's calls to the servers over the cluster port, and what servers ask each other.
//
// It owns the form of those requests: a path below /v1/internal, a msgpack body, and headers that name the leader, the servers
// and the kind of an error. Handler answers them on a server; Servers makes them on a node. It decides nothing: the server
// does. Called by agent, which gives it the transport.
//
// Goroutines: none of its own. Invariants: a node is answered only for itself; a call that changes something is answered by the
// leader alone; a node asks every server it knows before it gives up.
package remote
