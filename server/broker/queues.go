package broker

import (
	"maps"
	"slices"
	"time"

	"berth/internal/heap"
	"berth/scheduler/fleet"
	"berth/structs"
)

// line is the evaluations of one queue.
type line struct {
	name  string
	ready *heap.Heap[*job] // its jobs with something ready and nothing in flight
	// limit are those that are blocked until the queue's jobs hold less, in order. One at a time is looked at again, turn: nobody is
	// looked at in vain, and nobody overtakes.
	limit *heap.Heap[*item]
	turn  *item
	moved uint64 // the state's index at which its jobs last held less
	taken uint64 // the count of takes at its last
}

// queues are the lines of all queues; none without queues.
type queues struct {
	lines   []*line // in the order of names
	of      map[string]*line
	rest    *line
	share   func(queue string) fleet.Share
	changed uint64 // the state's index at which queues last changed
	takes   uint64 // from lines
	longest bool   // the turn is the line's that has waited longest, see Longest
}

// lineOf is the line of an evaluation, nil for none.
func (q *queues) lineOf(e *structs.Evaluation) *line {
	if len(q.lines) == 0 || !structs.InQueues(e.Type) {
		return nil
	}
	if l := q.of[e.Namespace]; l != nil {
		return l
	}
	return q.rest
}

// governs reports an evaluation that queues are about, or were.
func (q *queues) governs(e *structs.Evaluation) bool {
	return e.QuotaLimitReached != "" || q.lineOf(e) != nil
}

// next is the line whose turn it is of those with something ready: that of the smallest share, the first by name of equal ones; or, if it is
// said so, the one that has waited longest.
func (q *queues) next() *line {
	var best *line
	var least fleet.Share
	for _, l := range q.lines {
		if l.ready.Len() == 0 {
			continue
		}
		if q.longest {
			if best == nil || l.taken < best.taken {
				best = l
			}
			continue
		}
		if s := q.share(l.name); best == nil || s.Compare(least) < 0 {
			best, least = l, s
		}
	}
	return best
}

// Longest says that the next turn is that of the line that has waited longest, whatever the shares are, or that it is not any more.
func (b *Broker) Longest(yes bool) { b.queues.longest = yes }

// took notes that an evaluation was taken from a line, nil for none.
func (q *queues) took(l *line) {
	if l != nil {
		q.takes++
		l.taken = q.takes
	}
}

func (q *queues) ready() int {
	n := 0
	for _, l := range q.lines {
		n += l.ready.Len()
	}
	return n
}

// readyOf is the heap that a job belongs in.
func (b *Broker) readyOf(j *job) *heap.Heap[*job] {
	if j.line != nil {
		return j.line.ready
	}
	return b.ready
}

// SetQueues tells of all queues, by name, as of an index of the state, and how the share of one is found. Whatever is blocked and has to
// do with queues is looked at again.
func (b *Broker) SetQueues(all []*structs.Queue, index uint64, share func(queue string) fleet.Share) {
	woken := map[*item]bool{}
	for it := range b.blocked {
		if b.queues.governs(it.eval) {
			woken[it] = true
		}
	}
	for _, j := range b.jobs {
		if j.pos >= 0 {
			b.readyOf(j).Remove(j.pos)
		}
		j.line = nil
	}
	b.queues = queues{of: map[string]*line{}, share: share, changed: index, takes: b.queues.takes}
	for _, q := range all {
		l := &line{name: q.Name, ready: heap.New(jobBefore, func(j *job, at int) { j.pos = at }), limit: heap.New(itemBefore, setPos)}
		b.queues.lines = append(b.queues.lines, l)
		for _, name := range q.Namespaces {
			if name == structs.QueueRest {
				b.queues.rest = l
			} else {
				b.queues.of[name] = l
			}
		}
	}
	for it := range b.blocked {
		it.lined = false
		if b.queues.governs(it.eval) {
			woken[it] = true
		}
	}
	for _, it := range b.items {
		it.turn = nil
		b.jobOf(it).line = b.queues.lineOf(it.eval)
	}
	for _, j := range b.jobs {
		b.fixJob(j)
	}
	b.wakeAll(slices.Collect(maps.Keys(woken)))
}

// Held tells that at an index of the state the jobs of a queue hold less than before. It wakes the first that waits for that.
func (b *Broker) Held(queue string, index uint64) {
	for _, l := range b.queues.lines {
		if l.name == queue {
			l.moved = max(l.moved, index)
			b.nextTurn(l)
		}
	}
}

// lineUp puts a blocked evaluation among those that wait for the limit of its queue, if it does.
func (b *Broker) lineUp(it *item) {
	l, had := b.jobOf(it).line, it.turn
	if l != nil && it.eval.QuotaLimitReached == l.name {
		l.limit.Push(it)
		it.lined = true
	}
	b.endTurn(it)
	switch {
	case had != nil && !it.lined: // the limit was not what it met: another one may be luckier
		b.nextTurn(had)
	case it.lined && l.moved > it.eval.SnapshotIndex:
		b.nextTurn(l)
	}
}

// stepOut takes a blocked evaluation out of the line. One that is looked at again has its turn; else the next one has, if it was first.
func (b *Broker) stepOut(it *item, woken bool) {
	if !it.lined {
		return
	}
	l := b.jobOf(it).line
	first := l.limit.Top() == it
	l.limit.Remove(it.pos)
	it.lined = false
	switch {
	case woken && l.turn == nil:
		l.turn, it.turn = it, l
	case first && !woken:
		b.nextTurn(l)
	}
}

// nextTurn has the first that waits for the limit of a queue looked at again, unless another one is.
func (b *Broker) nextTurn(l *line) {
	if l.turn == nil && l.limit.Len() > 0 {
		b.wakeAll([]*item{l.limit.Top()})
	}
}

// endTurn takes the turn from an evaluation.
func (b *Broker) endTurn(it *item) {
	if l := it.turn; l != nil {
		l.turn, it.turn = nil, nil
	}
}

// served lets the next have its turn when an evaluation is over.
func (b *Broker) served(it *item) {
	if l := it.turn; l != nil {
		b.endTurn(it)
		b.nextTurn(l)
	}
}

// Ahead is an evaluation of another job of the same queue that waits for the queue's limit, or was just woken from there, and comes
// before this one; nil if there is none.
func (b *Broker) Ahead(e *structs.Evaluation) *structs.Evaluation {
	l := b.queues.lineOf(e)
	if l == nil {
		return nil
	}
	first := l.turn
	if l.limit.Len() > 0 && (first == nil || first.eval.JobKey() == e.JobKey() || itemBefore(l.limit.Top(), first)) {
		first = l.limit.Top()
	}
	if first == nil || first.eval.JobKey() == e.JobKey() || !before(first.eval, e) {
		return nil
	}
	return first.eval
}

// Turn is whose evaluation Take would give: the queue's name, empty for one of no queue; false when none is ready.
func (b *Broker) Turn(now time.Time) (queue string, ok bool) {
	j := b.first(now)
	if j == nil {
		return "", false
	}
	if j.line != nil {
		queue = j.line.name
	}
	return queue, true
}

// QueueOf is the name of an evaluation's queue, empty for none.
func (b *Broker) QueueOf(e *structs.Evaluation) string {
	if l := b.queues.lineOf(e); l != nil {
		return l.name
	}
	return ""
}

// OthersReady reports that evaluations of other queues than that are ready.
func (b *Broker) OthersReady(queue string) bool {
	for _, l := range b.queues.lines {
		if l.name != queue && l.ready.Len() > 0 {
			return true
		}
	}
	return false
}

// LineCounts are how many evaluations of a queue are where.
type LineCounts struct {
	Ready   int // jobs with one that can be decided
	Limited int // that wait until the queue's jobs hold less
}

// Lines are the counts of all queues, by name.
func (b *Broker) Lines() []LineCounts {
	out := make([]LineCounts, 0, len(b.queues.lines))
	for _, l := range b.queues.lines {
		out = append(out, LineCounts{Ready: l.ready.Len(), Limited: l.limit.Len()})
	}
	return out
}
