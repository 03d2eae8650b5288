// Package api is the Go client of Berth's HTTP API: one method per route, with the nouns of package structs as payloads.
//
// It owns the addresses, headers, retries and streams of a client, and the few types that exist only in answers (an
// allocation with its name, a node in a list). It never imports a server or a node, and keeps no state but connections.
//
// Called by the command line and by whoever writes programs against Berth. The agent imports it for the types of answers,
// so that both ends share them.
//
// Goroutines: none, except inside Exec, which waits for what it started before it returns. A Client may be used by any
// number of goroutines. Every call ends when its context does.
//
// Invariants: reads are tried again while a cluster elects a leader (503 with Retry-After), writes never are; every error
// that came from the other end is an *Error with its status and text.
package api
