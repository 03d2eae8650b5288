// Package feasible decides which nodes a group may run on at all, by what the nodes are: datacenter, pool, drivers,
// constraints, network, volumes, devices. What is free on them is not its matter.
//
// Every rule is a Step with the reason it gives; a step's answer for all nodes is a bitmap kept by the fleet, so that
// deciding is set algebra and counting is exact over all nodes. Pure: no clock, no goroutine. Called by scheduler.
//
// Invariant: the order of steps is the order of the contract, and each node is counted under the first step it fails.
package feasible
