// Package hoststats samples how busy the machine is, for people who look at a node.
//
// It reads /proc and the file systems it is told of, nothing else, and keeps the last sample of the processors so that the
// next one has shares of the time between. Called by package client when someone asks. No goroutine. A Sampler may be used
// from several goroutines.
package hoststats
