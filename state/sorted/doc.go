// Package sorted is a persistent sorted map: a B+ tree whose versions share what they have in common.
//
// It owns nothing but the shape. A Tree is a small value; copying it is a snapshot. A change made under an Edit copies each
// node of its path once and may then change that copy in place, so that a transaction of many changes costs little more
// than a mutable tree. Values carry their own keys: an index of pointers costs about fourteen bytes for each.
//
// It never locks, logs or starts a goroutine. One goroutine may change a tree under an Edit; any number may read trees that
// no Edit in use has made.
//
// Diff visits what differs between two versions, and skips the subtrees they share: its cost is that of the changes.
//
// Invariants: values ascend by key, every key is there once, all leaves are at one depth, no node but the root is empty, a
// node reachable from a tree is never changed by an Edit other than the one that made it.
package sorted
