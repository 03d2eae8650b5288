// Package events makes the event stream: what was committed, as events of the contract, in the order of the log.
//
// It owns the table that says which change is which event (Rules), what a reader may ask for (Request), and how long the past is
// kept. What happened comes from the store's feed (package state), which holds references; events are made when somebody reads
// them, once for all readers. It never changes the state, and shows no secret: see encode.go. Called by server, which has one
// Broker, and by the handlers of the API.
//
// Goroutines: Broker.Run, which forgets what is too old. Invariants: a reader gets every commit that concerns it once, in the
// order of the log, or an error that says what it lost; equal logs give equal events on every server; a reader that does not read
// holds up nobody and keeps nothing alive but the commit it was given.
package events
