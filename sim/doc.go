// Package sim is a simulated cluster: the real state machine, broker, scheduler, heartbeat and deployment cores, and fifty nodes
// that are models, driven by one goroutine through a schedule of faults drawn from a seed.
//
// It owns virtual time, an event heap, an ordered log in memory that stands for Raft, a network that loses, delays, doubles
// and cuts, and checkers that look at the state from outside. It never reads a clock or a global random source: the same seed
// gives the same trace, byte for byte.
//
// Called by its tests and by its command berthsim; product code never imports it. No goroutines.
//
// Invariants: every map is walked in a sorted order; every random draw comes from a generator made of the seed and the name of
// what draws, so that one more draw in one place does not shift the others.
// The laws it holds a run to, by the numbers its problems carry:
//
//	I1   the log applied again gives the same state
//	I9   a node holds no more than it has
//	I10  a port of an address has one holder
//	I11  no more allocations of a group live than are wanted, canaries apart; at rest exactly as many run
//	I12  a name is that of one live allocation
//	I13  at rest every wanted allocation runs, on its machine too, or an evaluation waits for room
//	I14  at rest no evaluation is pending
//	I15  a placement is on a node that exists, is ready and eligible, and fits the constraints
//	I20  what was told to stop ends, on its machine too
//	I24  an allocation that ended does not live again
//	I25  what its node stops by itself when it is cut off is replaced after that, not before; what comes back from there and its
//	     replacement are two for a moment only
//	I28  a live allocation has its job, that job's version, and its node
//	I34  of a stopped job nothing runs
//	I35  each time of a schedule is launched, in order and once
//	I36  where instances may not overlap they do not
//	I37  a token dispatches one instance
//	I38  nothing of a version is placed before the jobs it depends on have come so far; at rest nothing waits for what has come
//	I39  of an index that ended well or failed for good, or of a job that is done or given up, nothing more is placed; at rest every
//	     index came to one of these ends, or something of the job runs or waits
//	I40  of a suspended job nothing is placed, and at rest nothing runs
//	I42  who leaves for another leaves for one of a clearly higher priority, on its node
//	I41  a job that is kept for a while after its end is there so long, and not for ever
package sim
