// Package drivertest is the conformance suite of task drivers: what every implementation of drivers.Driver must do, written
// once. It knows nothing of any driver; a Harness turns its wishes (a task that prints this, ignores that) into task
// configurations of the driver under test.
//
// Called only from tests. It starts no goroutine that outlives a case, and every task a case starts is destroyed by it.
package drivertest
