// Package cli is the berth command: one file per group of commands.
//
// It owns words, flags and what the terminal shows. It talks to an agent through package api alone, parses job files with
// jobspec, and starts an agent for `berth agent`. Main is its only entrance. It starts no goroutine of its own beyond those of
// signals and terminals.
//
// Invariants: an error is one sentence on standard error that says what to do; exit codes are the contract's; standard output
// holds nothing but what was asked for.
package cli
