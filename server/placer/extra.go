package placer

import (
	"time"

	"berth/structs"
)

// extra are evaluations to be cancelled, for another one of their job waits in their stead. They are kept until the
// store says that they are over: a cancel that could not be written is tried again.
type extra struct {
	evals  []*structs.Evaluation
	flying bool
	tries  int
	at     time.Time // not before
}

// next is when to try again.
func (x *extra) next() (time.Time, bool) { return x.at, len(x.evals) > 0 && !x.flying }

// cancelExtra ends evaluations that another one of their job stands for.
func (l *Core) cancelExtra() {
	x, now := &l.extra, l.Now()
	x.evals = append(x.evals, l.broker.Extra()...)
	if len(x.evals) == 0 || x.flying || now.Before(x.at) {
		return
	}
	snap := l.State.Snapshot()
	var open, cancelled []*structs.Evaluation
	for _, e := range x.evals {
		stored := snap.Eval(e.ID)
		if stored == nil || stored.Terminal() {
			continue
		}
		c := *stored
		c.StatusDescription = "existing evaluation for job"
		if stored.Status == structs.EvalStatusBlocked {
			c.StatusDescription = "existing blocked evaluation for job"
		}
		c.Status = structs.EvalStatusCancelled
		c.ModifyTime = now.UnixNano()
		open, cancelled = append(open, e), append(cancelled, &c)
	}
	if x.evals = open; len(open) == 0 {
		x.tries = 0
		return
	}
	x.flying = true
	l.Propose(structs.CmdEvalUpsert, &structs.EvalUpsertCommand{Evals: cancelled}, func(_ any, err error) {
		x.flying = false
		if err == nil {
			x.tries, x.at = 0, time.Time{}
			return
		}
		x.tries++
		x.at = l.Now().Add(backoff(x.tries))
		l.Logger.Warn("evaluations could not be cancelled", "evals", len(cancelled), "tries", x.tries, "error", err)
	})
}

// passes reports that the same may well be written later.
func passes(err error) bool {
	kind := structs.KindOf(err)
	return kind == structs.KindNoLeader || kind == structs.KindUnavailable
}

// backoff is the pause after that many failures in a row, at least one.
func backoff(failures int) time.Duration {
	pause := retryAfter
	for ; failures > 1 && pause < retryMax; failures-- {
		pause *= 2
	}
	return min(pause, retryMax)
}
