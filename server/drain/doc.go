// Package drain empties nodes that are being drained: it asks for their allocations to be moved, a few of each group at a time,
// and ends the drain when nothing is left. Nodes with NoExecute taints are emptied in the same way of what does not tolerate them.
// Disruption budgets are kept; a drain's deadline ends its patience with them.
//
// It owns no state: Step reads everything from a snapshot, deadlines included, so that a new leader goes on where the last one
// stopped. It never stops or places an allocation itself; it sets their desired transition and lets the scheduler decide. A
// term of the leader makes one Drainer and runs it.
//
// Goroutines: the one that calls Run. Invariants: of a service group, never more than migrate.max_parallel allocations are on
// the move before the deadline; batch work is left to finish until then; system jobs leave last.
package drain
