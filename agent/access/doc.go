// Package access tells who calls: the token of a request's secret, and what its policies allow.
//
// It owns how tokens are looked up and for how long an answer is good. State looks into the state of this agent's server; Remote asks
// servers, for an agent without one. Both give an Identity, which agent/httpapi holds against what a route needs. It decides nothing
// about routes. Called by agent/httpapi for every request while access control is on, and again while a stream is open.
//
// Goroutines: none of its own. Invariants: a token that cannot be looked up allows nothing; a token that was changed or has expired is
// noticed within a second, where the servers can be reached; an agent that hears of no leader goes on with what it last knew for TTL at
// most; a secret is kept by its hash, and is in no error and no log.
package access
