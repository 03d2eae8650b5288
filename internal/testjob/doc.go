// Package testjob writes job files for tests and benchmarks.
//
// It owns their text and knows no other package. No goroutines, no clock.
package testjob
