// Package server is the control plane of one region: it wires the replicated state and the leader's loops together.
//
// It owns consensus (raft, its log on disk), who takes part in it, the group commit of proposals, the term of a leader and the
// calls of nodes. It decides nothing about placements: the loops below it do, each of which watches the store and may only
// propose. The agent makes one Server per process, calls Run, and hands it to the HTTP handlers and to a client in the same
// process.
//
// Goroutines: Run starts raft's own, the proposer, gossip, the watches over the members, the disk and the state's hash, the ageing of the log's
// newest entries, the snapshots by schedule, and during a term one per loop; all have ended when Run returns.
//
// Invariants: every change of state is a command that went through Propose; loops run only between a barrier and the loss of
// leadership; a call of a node is answered only to the node that knows its secret.
package server
