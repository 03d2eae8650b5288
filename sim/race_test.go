//go:build race

package sim

// racing simulates few clusters: the race detector makes them ten times slower, and finds in the first what it would find in all of them.
// scripts/test-json simulates all of them without it.
const racing = true
