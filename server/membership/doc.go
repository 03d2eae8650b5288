// Package membership knows which servers there are: it takes part in their gossip.
//
// It owns the gossip (serf over memberlist): who is alive, failed or has left, what each says of itself (tags), the keys gossip is
// encrypted with, and the list of members a restarted server asks first. It decides nothing: the server that leads turns what it
// tells into raft's members. Called by server (and through it by the API); the agent makes it.
//
// Goroutines: gossip's own, between the begin and the end of Run, and the one that joins. Invariants: a member is one of ours only
// when it says so with an id that can be read; Members is in the order of names, and tells
// of no region that SetRegions does not name.
package membership
