// Package offline answers questions about a cluster from a snapshot of its state, without the cluster.
//
// It owns the store it reads the snapshot into. Called by the command line (`berth whatif`). Goroutines: none. Invariant: the
// snapshot is only read.
package offline
