// Package httpapi answers the contract's HTTP API from the server and the node of this process.
//
// It owns no state. A handler reads a snapshot, or admits a change: checks it, stamps time and ids, and proposes it. One file
// per noun; request.go has what they share: parameters, blocking reads, pages and filters, errors. The agent makes one API and
// serves its Handler.
//
// Goroutines: those of net/http. Invariants: nothing is read from a request without a bound; an answer to a read carries the
// index it was true at; an error is one text that says what to do, its status decided by its kind alone.
package httpapi
