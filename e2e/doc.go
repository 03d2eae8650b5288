// Package e2e tests the real program from outside: real containers, real networks, real files, an agent per test in a network
// namespace of its own. Every test ends with a look at the machine: what was not there before must be gone.
//
// It holds tests only; what runs agents is in e2e/harness. Goroutines: none of its own.
package e2e
