package taskrunner

import "time"

// observed is what is known of the task.
type observed struct {
	// dead: the end is recorded and final.
	dead bool
	// begun: an attempt was recorded and the record does not tell whether it started.
	begun bool
	// handle: an attempt was started. adopted: this life's driver knows it. exited: its end was seen.
	handle, adopted, exited bool
	// leftover: an ended attempt has still to be destroyed.
	leftover bool
	// over: the policy allows no more starts.
	over bool
	// prepared: what must be there before a start is there.
	prepared bool
	// notBefore is when the policy allows the next start, retryAt when anything may be tried again; zero means now.
	notBefore, retryAt time.Time
}

// desired is what others want of the task.
type desired struct {
	// run: its turn has come.
	run bool
	// stop: it shall end and not start again. It is never taken back.
	stop bool
	// restart: the running attempt shall be replaced, whatever the policy says.
	restart bool
	// rewind: the same, and the task waits for its turn as if it had never run.
	rewind bool
}

// action is what to do next.
type action string

const (
	actDone    action = "done"    // nothing is left to do, ever
	actIdle    action = "idle"    // wait until something else is desired
	actDelay   action = "delay"   // wait until notBefore, or until something else is desired
	actPause   action = "pause"   // wait until retryAt, or until something else is desired
	actLook    action = "look"    // find out what became of a begun attempt
	actRecover action = "recover" // adopt the attempt
	actWatch   action = "watch"   // wait until the attempt ends, or until something else is desired
	actKill    action = "kill"    // end the attempt
	actJudge   action = "judge"   // decide what follows from the end
	actRelease action = "release" // destroy what is left of the attempt
	actPrepare action = "prepare" // make what must be there before a start
	actStart   action = "start"   // begin an attempt
	actFinish  action = "finish"  // record that the task is dead
)

// step names the one action that brings what is observed nearer to what is desired.
func step(o observed, d desired, now time.Time) action {
	switch {
	case o.dead && !o.leftover:
		return actDone
	case now.Before(o.retryAt):
		return actPause
	case o.begun:
		return actLook
	case o.handle && !o.adopted:
		return actRecover
	case o.handle && o.exited:
		return actJudge
	case o.handle && (d.stop || d.restart || d.rewind):
		return actKill
	case o.handle:
		return actWatch
	case o.leftover:
		return actRelease
	case d.stop, o.over:
		return actFinish
	case !d.run:
		return actIdle
	case now.Before(o.notBefore):
		return actDelay
	case !o.prepared:
		return actPrepare
	}
	return actStart
}
