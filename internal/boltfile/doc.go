// Package boltfile looks after bolt databases before they are opened for work: it finds damage, which the library would fall
// over later, and compacts what is mostly free.
//
// It owns the temporary file of a compaction and nothing else. The Raft log, containerd's metadata and the node's local
// state are opened through their own packages; those call Verify and Compact first, and Guard round the opening. No
// goroutines.
//
// Invariants: Verify never panics and never changes the file; at every moment either the old or the complete new file stands under the path, both on disk.
package boltfile
