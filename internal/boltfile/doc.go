// Package boltfile looks after bolt databases before they are opened for work: it makes a new one whole or not at all, finds damage, which the
// library would fall over later, and compacts what is mostly free.
//
// It owns the temporary files of a making and of a compaction and nothing else. The Raft log and the node's local state are opened through
// their own packages; those call Make, Verify and Compact first, and GuardOpen round the opening. containerd makes and opens its metadata itself:
// only Compact is called before. No goroutines.
//
// Invariants: Verify never panics and never changes the file; at every moment either the old or the complete new file stands under the path, both on disk.
package boltfile
