package placer

import (
	"cmp"
	"slices"
	"time"

	"berth/scheduler/fleet"
	"berth/structs"
)

// fairSlice is how many placements are decided at a time while other queues want some too: who has the least goes on next.
const fairSlice = 4

// roundTurn is after how many decisions that placed nothing the turn goes round: to who has waited longest, for one placement. They add to no
// share: a queue that asks for no more than that, as fast as it can, would keep all others out.
const roundTurn = 16

// setQueues takes over all queues as of an index of the state.
func (l *Core) setQueues(all []*structs.Queue, index uint64) {
	l.queues = all
	l.fleet.SetQueues(all)
	l.held = make([]fleet.Account, len(all))
	l.broker.SetQueues(all, index, l.shareOf)
}

// shareOf is the share of a queue now.
func (l *Core) shareOf(queue string) fleet.Share {
	all := l.fleet.Queues()
	i, ok := slices.BinarySearchFunc(all, queue, func(a *fleet.Account, name string) int { return cmp.Compare(a.Queue.Name, name) })
	if !ok {
		return fleet.Share{}
	}
	return l.fleet.Share(all[i])
}

// noteHeld tells the broker of queues whose jobs hold less than when it was told last, or less that is leaving.
func (l *Core) noteHeld(index uint64) {
	for i, a := range l.fleet.Queues() {
		was := &l.held[i]
		if a.Held != was.Held.Most(a.Held) || a.Leaving != was.Leaving.Most(a.Leaving) {
			l.broker.Held(a.Queue.Name, index)
		}
		was.Held, was.Leaving = a.Held, a.Leaving
	}
}

// countEvery is how old the figures of queues may be.
const countEvery = time.Second

// countQueues makes the figures of queues anew, once they are old.
func (l *Core) countQueues() {
	if len(l.queues) == 0 {
		l.stats.Queues, l.stale = nil, false
		return
	}
	now := l.Now()
	if l.stale = len(l.stats.Queues) == len(l.queues) && now.Sub(l.counted) < countEvery; l.stale {
		return
	}
	l.counted = now
	lines := l.broker.Lines()
	l.stats.Queues = make([]QueueStats, 0, len(l.queues)) // the one before is being read
	for i, a := range l.fleet.Queues() {
		l.stats.Queues = append(l.stats.Queues, QueueStats{Name: a.Queue.Name, Held: a.Held, Leaving: a.Leaving, Share: l.fleet.Part(a.Held), LineCounts: lines[i]})
	}
}

// turn decides whose turn it is: that of a work, by its place, or of an evaluation that was not taken yet, -1. A new evaluation goes first,
// unless a work is of a queue that has less; among works those of no queue go first, then those of the queue that has the least. When it goes
// round, it is now that of the oldest work, now that of what is new.
func (l *Core) turn() int {
	l.round = l.empty >= roundTurn
	l.broker.Longest(l.round)
	if l.round {
		l.empty = 0
		l.rounds++
		if l.rounds%2 == 0 && len(l.works) > 0 {
			return 0
		}
	}
	next, ready := l.broker.Turn(l.Now())
	best, least := -1, fleet.Share{}
	for i, w := range l.works {
		if w.queue == "" {
			if !ready {
				return i
			}
			continue
		}
		if s := l.shareOf(w.queue); best < 0 || s.Compare(least) < 0 {
			best, least = i, s
		}
	}
	if ready && (l.round || best < 0 || next == "" || l.shareOf(next).Compare(least) <= 0) {
		return -1
	}
	return best
}

// sliceOf is how many placements of a work are decided at a time.
func (l *Core) sliceOf(w *work) int {
	switch {
	case w.queue == "":
		return sliceMax
	case l.round:
		return 1
	}
	if l.broker.OthersReady(w.queue) {
		return fairSlice
	}
	for _, o := range l.works {
		if o.queue != "" && o.queue != w.queue {
			return fairSlice
		}
	}
	return sliceMax
}
