// Package bundle collects what is needed to look into a cluster later: the state's lists again and again, and of every agent how it is,
// what its process does, its figures and its log.
//
// It asks through api and writes one tar.gz; `berth operator debug` calls it. What cannot be read (an agent that does not answer, a route
// that is not allowed) stands in the index with the reason, and the rest goes on.
//
// Goroutines: one for each agent while it is asked and followed; Capture waits for all.
package bundle
