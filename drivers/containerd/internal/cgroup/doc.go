// Package cgroup reads and removes control groups by their path, on hosts with version 1 hierarchies, version 2, or both. It
// knows only paths below the hierarchies' roots, such as "/berth/alloc/task".
//
// It creates nothing and sets no limit: the runtime does. Called by the driver and by the shim. No goroutines, no state.
//
// Invariant: nothing outside the given path is ever removed or signalled; "" and "/" are refused.
package cgroup
