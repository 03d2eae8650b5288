// Package transport is the cluster port (4647) and everything that goes through it: Raft's streams, HTTP in both directions, and
// the exchange by which a machine joins.
//
// It owns the connections: TLS 1.3 with certificates on both sides, the choice by ALPN (berth-raft, berth-http, berth-join), the
// sessions that carry HTTP, their limits and deadlines, and the rule which role may open what. It never looks into a request
// and never decides who may join: the handler and the joiner it is given do. Called by server (Raft), the agent (requests to and from
// peers) and client (its servers).
//
// Goroutines: Transport.Run accepts; each connection has one goroutine until it has said who it is, each session one that
// answers its streams; Run waits for all of them. Without Run (a client without port runs it too) sessions are not answered.
//
// Invariants: nothing is read from a peer before its certificate was verified, but for one bounded frame; a peer's identity comes from its
// certificate (a foreign certificate of the tls block may leave the id to the peer's word); every wait has a deadline; a
// connection that is refused is told why in one sentence.
package transport
