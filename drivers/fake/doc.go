// Package fake is a task driver without processes: tasks are scripts that run in memory by the clock, for tests of everything
// above a driver and for the simulation.
//
// The tasks live in a World, as processes live on a machine; a Driver is one life of an agent over it. A new Driver on the
// same World finds the tasks of the old one, and World.PowerLoss ends them all without anybody seeing how. Called by tests,
// the simulation and, where a configuration asks for it, the agent. It owns no goroutine: scripts run on timers, so that
// they obey a fake clock, and nothing of a test has to be waited for.
//
// Invariant: at most one task of a World has a given id; what a driver has not started or recovered it does not know.
package fake
