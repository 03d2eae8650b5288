// Package beneath finds, makes and reads files in a tree whose content somebody hostile may change at any moment, such as the
// directories a task can write to.
//
// It owns nothing but the descriptors it gives out. It never follows a link out of the tree, a magic link of /proc, or a
// path twice: what it hands back is a descriptor, so that what was checked is what is used. It never blocks on a fifo and
// never reads more than it was told to. The drivers and the allocation directory call it; it starts no goroutine.
//
// Invariant: an operation that is refused has changed nothing.
package beneath
