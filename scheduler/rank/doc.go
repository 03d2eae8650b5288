// Package rank chooses nodes: it scores every feasible row of the fleet for one group and takes the best.
//
// Scores are those of the contract: the mean of binpack (or spread), job anti-affinity, reschedule penalty, node affinity
// and allocation spread, each only where it has something to say. Beyond the contract, binpack is lower where the CPU and
// memory left would not have the shape of what is asked (fleet.Scorer.Balance). Ties fall by a hash of allocation and node, so that
// results are even and do not depend on the order of rows. The loops over rows allocate nothing.
//
// Pure: no clock, no goroutine; it changes nothing but the fleet it is told to place on. Called by scheduler.
//
// Invariant: a chosen row had room, free ports and satisfied the distinct rules at the moment it was chosen.
package rank
