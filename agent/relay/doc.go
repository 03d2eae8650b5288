// Package relay sends a request of the API where it is answered: to the leader, to the node that holds an allocation, to the region it names, or, from an
// agent without a server, to a server.
//
// It owns the rule which requests those are, the mark that a request was sent on already, and how long one is held while there is
// no leader. Of bodies it reads that of a token which is made in a region that follows another. It changes nothing of a request, but the region
// of one that another region decides over. Source is the other way: what this region asks the one it follows. Called by agent, which puts the
// relay before the API's handlers on both ports.
//
// Goroutines: none of its own. Invariants: a request is sent on once to a leader; one that changes something is never sent twice
// unless nothing of it was done; one that came from another region goes to no third; what machines ask each other is never sent on; a caller that is not answered is told 503 and when to try again.
package relay
