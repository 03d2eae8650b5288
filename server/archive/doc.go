// Package archive is the file a snapshot of the state leaves a server in: a gzip tar of meta.json, state.bin and SHA256SUMS, which may be
// encrypted to age keys.
//
// It owns that form, its bounds and its checks, and the spool: a temporary file that holds the state on the way, encrypted with a key that
// is only in memory. It never looks into state.bin beyond its first bytes: server/fsm does. Called by server, the agent (offline) and cli.
// No goroutines.
//
// Invariants: what Read gives was checked whole; a file that is cut, changed, of another program or of a newer form is refused with what is
// wrong with it; an archive of the same meta and state has the same bytes.
package archive
