// Package boltfile compacts bolt databases before they are opened for work.
//
// It owns the temporary file of a compaction and nothing else. The Raft log, containerd's metadata and the node's local
// state are opened through their own packages; each calls Compact first. No goroutines.
//
// Invariant: at every moment either the old or the complete new file stands under the path, both on disk.
package boltfile
