// Package state is the cluster's state: typed tables, their indexes, snapshots, watches and a change feed.
//
// It owns the tables and what is derived from them: what each node's allocations hold, each job's counts, and the job
// summaries. Everything reads it; only the state machine (server/fsm) writes it, one transaction per log entry. It does not
// know commands, and decides nothing about jobs, nodes or plans. It never logs, reads no clock and starts no goroutine.
//
// A Snapshot is a pointer and costs nothing to take or to keep. Objects read from it are shared by all: never change one.
// All sequences are in a fixed order: by name or id, versions and deployments newest first, a job's evaluations oldest
// first.
//
// The getters that end in W also give a channel. It is closed as soon as that very query may have another answer: a key that
// changed, an allocation that came to a node. It stays open for everything else, and is closed already when the snapshot is
// older than such a change.
//
// Why an own tree (package sorted) and not cilium/statedb or its radix tree: there every tree node and leaf has a watch
// channel of 96 bytes, each table a revision index, and the change feed a collector goroutine; an allocation with its
// five indexes would cost more than the kilobyte it may. Here an index entry costs about fourteen bytes, a channel exists only
// while somebody waits, and the change feed is the difference between two versions of a tree.
//
// Invariants: what is derived equals what the tables say; an object's ModifyIndex is the index of the transaction that wrote
// it; equal logs give equal hashes; nothing reachable from a snapshot ever changes.
package state
