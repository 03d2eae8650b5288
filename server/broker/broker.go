package broker

import (
	"time"

	"berth/internal/heap"
	"berth/structs"
)

// place is where an evaluation is.
type place uint8

const (
	placeReady    place = iota // in the heap of its job; the job's first is in the heap of all
	placeWaiting               // until a time
	placeInFlight              // taken
	placeBlocked               // until there is room
)

// item is an evaluation that is not over.
type item struct {
	eval     *structs.Evaluation
	place    place
	at       time.Time // of placeWaiting
	pos      int       // in its heap
	attempts int       // how often it was taken and given back
	since    time.Time // ready
	gone     bool      // over while in flight: Done forgets it
	lined    bool      // in the line of its queue's limit
	turn     *line     // of which it has the turn
}

// job holds the evaluations of one job.
type job struct {
	ready    *heap.Heap[*item]
	inFlight *item
	blocked  *item
	news     *item // the ready one that nodes' news made, see repeats
	line     *line // of its queue; nil for none
	pos      int   // in the heap of jobs; -1 when not in it
}

// Broker is the picture. Make it with New.
type Broker struct {
	items   map[structs.ID]*item
	jobs    map[structs.JobKey]*job
	ready   *heap.Heap[*job]  // jobs of no queue with something ready and nothing in flight
	waiting *heap.Heap[*item] // by the time they wait for
	blocked map[*item]struct{}
	// room is the state's index at which room last appeared, by computed class.
	room map[string]uint64
	// came is the state's index at which an allocation was last placed.
	came uint64
	// moved is the state's index at which something of a job last changed; watched are the blocked evaluations by the jobs they wait
	// for.
	moved   uint64
	watched map[structs.JobKey]map[*item]struct{}
	extra   []*structs.Evaluation // those that another of the same job stands for
	counts  Counts                // but Pending, see tally
	queues  queues
	now     time.Time // as it was told last
}

// New is a broker without evaluations.
func New() *Broker {
	return &Broker{
		items: map[structs.ID]*item{}, jobs: map[structs.JobKey]*job{}, blocked: map[*item]struct{}{}, room: map[string]uint64{},
		watched: map[structs.JobKey]map[*item]struct{}{},
		ready:   heap.New(jobBefore, func(j *job, at int) { j.pos = at }),
		waiting: heap.New(dueBefore, setPos),
	}
}

// At tells what time it is, before what happens then and is not told so itself.
func (b *Broker) At(now time.Time) { b.now = now }

// ReadySince is since when an evaluation that is in flight could be taken, or, of one given back, could be again; zero of one that is not known.
func (b *Broker) ReadySince(id structs.ID) time.Time {
	if it := b.items[id]; it != nil {
		return it.since
	}
	return time.Time{}
}

// Set tells of an evaluation as the store has it now.
func (b *Broker) Set(e *structs.Evaluation, now time.Time) {
	it := b.items[e.ID]
	if e.Terminal() {
		b.Forget(e.ID)
		return
	}
	if it == nil {
		it = &item{eval: e}
		b.items[e.ID] = it
		b.settle(it, now)
		return
	}
	if it.place == placeInFlight {
		b.tally(it, -1)
		it.eval = e // Done or GiveBack decides where it goes
		b.tally(it, 1)
		return
	}
	b.leave(it)
	it.eval = e
	b.settle(it, now)
}

// Forget drops an evaluation that is over or was deleted.
func (b *Broker) Forget(id structs.ID) {
	it := b.items[id]
	if it == nil {
		return
	}
	if it.place == placeInFlight {
		it.gone = true
		return
	}
	b.leave(it)
	b.drop(it)
}

// settle puts an evaluation that is nowhere to where it belongs.
func (b *Broker) settle(it *item, now time.Time) {
	switch {
	case it.eval.Status == structs.EvalStatusBlocked:
		b.block(it)
	case it.eval.WaitUntil.After(now):
		b.delay(it, it.eval.WaitUntil)
	default:
		b.makeReady(it)
	}
}

func (b *Broker) jobOf(it *item) *job {
	key := it.eval.JobKey()
	j := b.jobs[key]
	if j == nil {
		j = &job{pos: -1, ready: heap.New(itemBefore, setPos), line: b.queues.lineOf(it.eval)}
		b.jobs[key] = j
	}
	return j
}

func (b *Broker) makeReady(it *item) {
	j := b.jobOf(it)
	if ofNodes(it.eval) {
		if repeats(it, j.news) {
			delete(b.items, it.eval.ID)
			b.extra = append(b.extra, it.eval)
			return
		}
		j.news = it
	}
	it.place, it.since = placeReady, b.now
	b.tally(it, 1)
	j.ready.Push(it)
	b.fixJob(j)
}

// ofNodes reports an evaluation that is there because a node came, went or changed.
func ofNodes(e *structs.Evaluation) bool {
	return e.TriggeredBy == structs.EvalTriggerNodeUpdate && e.Status == structs.EvalStatusPending
}

// repeats reports that the job is looked at soon enough without the evaluation: an earlier one for the news of nodes is ready, and
// will be decided on a state that has what this one is for. The earlier one stays, so that its job keeps its turn. Ten thousand nodes
// that come at once make as many evaluations of each system job, of which one is left.
func repeats(it, news *item) bool {
	return news != nil && news != it && it.attempts == 0 && news.eval.Priority >= it.eval.Priority
}

func (b *Broker) delay(it *item, until time.Time) {
	it.place, it.at = placeWaiting, until
	b.tally(it, 1)
	b.waiting.Push(it)
}

// leave takes an evaluation out of where it is; it is not in flight.
func (b *Broker) leave(it *item) {
	j := b.jobOf(it)
	b.tally(it, -1)
	switch it.place {
	case placeReady:
		j.ready.Remove(it.pos)
		j.forget(it)
		b.fixJob(j)
	case placeWaiting:
		b.waiting.Remove(it.pos)
	case placeBlocked:
		b.unblock(it, false)
		if j.blocked == it {
			j.blocked = nil
		}
	}
}

// forget takes notice of an evaluation that is ready no longer.
func (j *job) forget(it *item) {
	if j.news == it {
		j.news = nil
	}
}

// drop forgets an evaluation that is nowhere, and its job with the last one.
func (b *Broker) drop(it *item) {
	delete(b.items, it.eval.ID)
	b.dropJob(it.eval.JobKey())
	b.served(it)
}

func (b *Broker) dropJob(key structs.JobKey) {
	if j := b.jobs[key]; j != nil && j.ready.Len() == 0 && j.inFlight == nil && j.blocked == nil {
		delete(b.jobs, key)
	}
}

// fixJob keeps the heap of jobs in order after a job changed.
func (b *Broker) fixJob(j *job) {
	wanted := j.ready.Len() > 0 && j.inFlight == nil
	ready := b.readyOf(j)
	switch {
	case wanted && j.pos < 0:
		ready.Push(j)
	case wanted:
		ready.Fix(j.pos)
	case j.pos >= 0:
		ready.Remove(j.pos)
	}
}

// Take gives the evaluation that is next, and marks it as in flight; nil when none is ready. Blocked is the evaluation of the
// same job that waits for room, if another one does.
func (b *Broker) Take(now time.Time) (eval, blocked *structs.Evaluation) {
	j := b.first(now)
	if j == nil {
		return nil, nil
	}
	it := j.ready.Pop()
	b.queues.took(j.line)
	j.forget(it)
	b.tally(it, -1)
	it.place, j.inFlight = placeInFlight, it
	b.tally(it, 1)
	it.attempts++
	b.fixJob(j)
	if j.blocked != nil {
		blocked = j.blocked.eval
	}
	return it.eval, blocked
}

// first is the job whose evaluation is next, nil when none is ready.
func (b *Broker) first(now time.Time) *job {
	for b.waiting.Len() > 0 && !b.waiting.Top().at.After(now) {
		it := b.waiting.Pop()
		b.tally(it, -1)
		b.makeReady(it)
		it.since = it.at
	}
	var j *job
	if b.ready.Len() > 0 {
		j = b.ready.Top()
	}
	if l := b.queues.next(); l != nil && (j == nil || jobBefore(l.ready.Top(), j)) {
		j = l.ready.Top()
	}
	return j
}

// Attempts is how often an evaluation was taken.
func (b *Broker) Attempts(id structs.ID) int {
	if it := b.items[id]; it != nil {
		return it.attempts
	}
	return 0
}

// Done ends the flight of an evaluation whose result is in the store.
func (b *Broker) Done(id structs.ID) {
	if it := b.land(id); it != nil {
		b.drop(it)
	}
}

// GiveBack ends the flight of an evaluation that must be looked at again, at that time or at once.
func (b *Broker) GiveBack(id structs.ID, at, now time.Time) {
	it := b.land(id)
	switch {
	case it == nil:
	case it.gone:
		b.drop(it)
	case at.After(now):
		b.delay(it, at)
	default:
		b.At(now)
		b.makeReady(it)
	}
}

// WaitOn ends the flight of a woken evaluation that must go on waiting for room; SnapshotIndex is the state it was decided on.
func (b *Broker) WaitOn(e *structs.Evaluation) {
	it := b.land(e.ID)
	switch {
	case it == nil:
	case it.gone:
		b.drop(it)
	default:
		it.eval, it.attempts = e, 0
		b.block(it)
	}
}

func (b *Broker) land(id structs.ID) *item {
	it := b.items[id]
	if it == nil || it.place != placeInFlight {
		return nil
	}
	j := b.jobOf(it)
	b.tally(it, -1)
	j.inFlight = nil
	b.fixJob(j)
	return it
}

// Next is when the first waiting evaluation becomes ready; false when none waits.
func (b *Broker) Next() (time.Time, bool) {
	if b.waiting.Len() == 0 {
		return time.Time{}, false
	}
	return b.waiting.Top().at, true
}
