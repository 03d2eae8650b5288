// Package replicate keeps what one region decides for all: ACL policies, roles and global tokens, namespaces and node pools. The leader of
// a region that follows another reads them there and proposes what makes its own state the same.
//
// It owns the comparison (Diff, a function of both states), the bounds of what is believed of another region, and the Replicator, the shell
// of a term. It keeps no position: states are compared, so that a new leader goes on by comparing. It never touches what is a region's own:
// tokens that are not global, the namespace and the pools that are built in, and what jobs or nodes here still use. Nothing is ever
// written in the other region: the Source is only read.
//
// Goroutines: the one that calls Run, and those it starts to read and waits for. Invariants: nothing is proposed unless everything was read;
// what takes rights away is proposed before what gives them; a source that follows a region itself is not followed.
package replicate
