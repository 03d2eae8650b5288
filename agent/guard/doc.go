// Package guard stands before the API's public address and keeps out what no user sent.
//
// It owns these rules. A page of another site may not use the API through the browser of somebody who can reach it: requests
// that name a foreign origin are refused, and so are browsers that call the agent by a name it does not know (a name that was
// rebound to its address). One machine may hold only so many connections; one more waits for a moment for another to end. And each
// piece of an answer has a time to be taken, however long the whole is, as has what is left of a body once its request is answered; the last
// rule is for the cluster port too. It knows no route and no noun. Called by agent,
// around the API's handler and its listener.
//
// Goroutines: none of its own. Invariants: programs (command line, client libraries, scrapers, proxies) are never refused for
// the name they call the agent by, except on loopback, where only this machine can have a name for it.
package guard
