// Package bench measures the real program on this machine and prints the figures beside their goals.
//
// It owns nothing that lasts: agents run in network namespaces of their own and are ended. It judges nothing: a figure that
// misses its goal is printed as such. Called by its command berthbench (`make bench`). Goroutines: those of the harness.
//
// Invariant: every figure of this package (placing has its own) comes from the program as users run it, through its command line and HTTP API.
package bench
