// Package check looks at states and plans from outside and tells what is wrong with them: nodes given more than they have,
// ports and cores given twice, rules of a job broken, names doubled.
//
// It shares no code with the packages that decide (feasible, fleet, rank, reconcile) and computes everything anew from
// nodes, jobs and allocations, so that an error there is not repeated here. It is slow and simple. Tests, the simulation
// and debug builds call it; production decides nothing by it. Pure: no clock, no goroutine, no state.
//
// Invariant: the same world gives the same faults in the same order.
package check
