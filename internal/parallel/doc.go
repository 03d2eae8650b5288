// Package parallel does alike pieces of pure work on all processors.
//
// It owns the goroutines while the work lasts and nothing else, and knows no other package. Each waits for all of them, so that
// who calls it is as pure as the work is. Called by the job language for large files. Invariant: when Each returns, or panics,
// none of its goroutines is left.
package parallel
