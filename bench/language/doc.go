// Package language measures the job language: reading a file into a canonical, checked job, in this process and as a command.
//
// It owns nothing that lasts: files lie in a directory it is given. It judges nothing. Called by the command berthbench.
// Goroutines: none.
//
// Invariant: a case is repeated and gives its best round, since other work on the machine only ever makes it slower.
package language
