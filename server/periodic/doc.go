// Package periodic launches the instances of periodic jobs when their schedules are due.
//
// It owns no state: how far each schedule was followed is in the state, so that a new leader goes on where the last one stopped,
// and makes up for what was missed. Step reads a snapshot and names the launches that are due; Launcher is its shell, one of each
// term. Force launches by hand.
//
// Goroutines: the one that calls Run. Invariants: a time of a schedule is launched at most once, since the state machine
// refuses what it did already; what an instance is made of is decided there too.
package periodic
