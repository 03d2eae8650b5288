// Package heap is a priority queue: the one binary heap of this program that knows its elements' type.
//
// It owns the order of what it holds and nothing else; the standard library's heap boxes every element, which the placement
// loop cannot afford. Called by the broker and the ranking of nodes. Goroutines: none. Invariant: no element comes before its
// parent.
package heap
