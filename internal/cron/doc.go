// Package cron says when a periodic job is due: at the times of its schedules on the clock of its time zone, whatever that
// clock does.
//
// It owns Schedule and nothing else: the text of a schedule is read by the library whose dialect the contract names, and the time
// zones are part of the program. Called by the leader's launcher, the HTTP API and the command line. No goroutines.
//
// What a change of the clock means: a schedule for given hours runs once for each time it names, at the end of the gap when the
// clock jumps over it, the first time when the clock shows it twice. A schedule for every hour, or every n-th, follows the time that
// passes: it neither runs in a gap nor pauses while the clock repeats itself.
//
// Invariants: times are whole seconds and strictly increase; what Next gives depends on the schedule, the zone and the time alone.
package cron
