// Package budget tells how many allocations may be taken from groups by choice: what their disruption blocks and the
// disruption budgets of their namespace allow.
//
// It is pure: a Ledger reads a state as it was when it was made, and counts what its user takes. Goroutines: none; a ledger
// belongs to one goroutine. Invariant: a ledger lets nothing be taken below what a budget keeps; what does not serve is not missed.
package budget
