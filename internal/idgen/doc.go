// Package idgen makes ids. Cores take a Source, so that a run with a seeded one can be repeated byte for byte.
//
// It owns no state beyond a seeded source's; it never reads a clock and starts no goroutine. Everything that names new
// evaluations, allocations, nodes or deployments calls it.
//
// Invariant: every id is a valid UUID (RFC 9562) of version 4, and never the zero ID.
package idgen
