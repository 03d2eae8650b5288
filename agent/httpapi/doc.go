// Package httpapi answers the contract's HTTP API from the server and the node of this process.
//
// It owns no state. A handler reads a snapshot, or admits a change: checks it, stamps time and ids, and proposes it. One file
// per noun; request.go has what they share: parameters, blocking reads, pages and filters, errors. The agent makes one API and
// serves its Handler.
//
// Every route declares what it needs of its caller where it is registered (permission.go); one that declares nothing is not served.
//
// Goroutines: those of net/http, and one for each open stream while access control is on. Invariants: what a list shows, a get would allow;
// a caller that has waited is looked at again before it is told more; nothing is read from a request without a bound; an answer to a read carries the
// index it was true at; an error is one text that says what to do, its status decided by its kind alone.
package httpapi
