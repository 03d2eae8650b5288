// Package timing keeps how long things took until somebody asks.
//
// A figure of go-metrics costs its writer about a microsecond and a lock of all sinks. What happens thousands of times a second, in goroutines
// that everybody waits for, is noted here instead, for some nanoseconds, and written by the collector of figures.
//
// Owns: the times that were not asked for yet. Never: writes figures, reads a clock. Called by: server, server/placer. Goroutines: none.
// Invariant: it holds at most Kept times; those above are dropped.
package timing
