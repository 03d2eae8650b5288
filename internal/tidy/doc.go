// Package tidy is tests about the code: who may import whom (lattice.txt), what every package must have, what pure packages
// must not do, and which exceptions stand (waivers.txt).
//
// It owns the two text files and the rules. It never changes a file. Called by `go test` and, for the report of sizes, by its
// command tidyreport. No goroutines.
//
// Invariant: a finding names the file, the rule and what to do instead.
package tidy
