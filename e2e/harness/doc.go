// Package harness runs the real program from outside: an agent in a network namespace of its own, its HTTP API, its command line,
// and a look at what the machine holds before and after.
//
// It owns what it starts: Close ends the agent, whatever is left of its tasks, and removes the namespace and the folder. It knows the program only
// through its files, flags and API. Called by the end-to-end tests and the benchmarks; product code never imports it.
//
// Goroutines: those of os/exec and net/http, ended by Close.
package harness
