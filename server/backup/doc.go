// Package backup saves snapshots of the state by a schedule, on the leader, to a directory or an S3-compatible store, checks what was
// stored, and removes what is no longer to be kept.
//
// It owns the names of the files, when the next one is due and which are removed. When one is due it works out from what is stored, never
// from when it began: after a change of leaders nothing is saved twice and nothing is left out. It never makes a snapshot: the server does.
// Called by server, for the process: a store that hangs holds up no term. One goroutine: Run; and one that writes an upload, which Put
// waits for.
//
// Invariants: a file is whole or not there; what is not this region's is never touched; with a fault nothing is removed; the newest
// snapshot is never removed.
package backup
