// Package cli is the berth command: one file per group of commands.
//
// It owns words, flags and what the terminal shows. It talks to an agent through package api alone, parses job files with
// jobspec, and starts an agent for `berth agent`. Main is its only entrance. Its goroutines are
// those of a monitor's questions and of a terminal's size; whoever starts them waits for them.
//
// Invariants: an error is one sentence on standard error that says what to do; exit codes are the contract's; standard output
// holds nothing but what was asked for.
package cli

//go:generate env BERTH_UPDATE=1 go test -count=1 -run TestTheReferenceOfCommandsIsFresh .
