// Package taskrunner keeps one task of an allocation as it should be: started when its turn comes, restarted as its policy
// says, stopped when asked, and adopted again after the agent died.
//
// The core is pure: step looks at what is observed and what is desired and names one action; judge says what follows from
// an end; both are tested over all their inputs. The shell, Runner.Run, performs the action, records what it found, and
// steps again. It starts nothing that it does not wait for: the log collector is the only goroutine beside it.
//
// A Runner owns its task's state, events and record. It never decides when a task's turn comes, nor what a task's end means
// for its siblings: that is the allocation runner's. Called by client/allocrunner only.
//
// Invariants: an attempt is recorded before it is started, and its end before it is destroyed, so that a life of the agent
// that ends anywhere is taken up by the next; there are never two attempts of a task at once; a dead task stays dead.
package taskrunner
