package placer

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"

	"berth/scheduler"
	"berth/scheduler/fleet"
	"berth/server/broker"
	"berth/server/timing"
	"berth/state"
	"berth/structs"
)

// Deps are what a Core works with.
type Deps struct {
	State  *state.Store
	IDs    scheduler.IDs
	Logger hclog.Logger
	Now    func() time.Time
	// Decided is told how long a slice of an evaluation took to decide; nil where nobody asks.
	Decided func(e *structs.Evaluation, took time.Duration)
	// Took is given how long evaluations waited and were worked on; nil where nobody asks.
	Took *timing.Times[string]
	// Propose hands a command on and returns at once; done is called later, with what became of it, by whoever calls the core.
	Propose func(kind structs.CommandKind, body msgp.Marshaler, done func(value any, err error))
}

// Core is the placer as data: the fleet, the broker and the works, without goroutine or clock. It belongs to who calls it.
type Core struct {
	Deps

	feed   *state.Follower
	fleet  *fleet.Fleet
	broker *broker.Broker
	works  []*work // with slices left to decide, in turn
	stats  Stats

	inFlight int      // slices that are being written, or wait for others
	placing  int      // placements in them
	commands int      // that they are written with
	waiting  []parcel // for others to share a command with
	extra    extra

	queues  []*structs.Queue
	counted time.Time       // when the figures of queues were made
	stale   bool            // something may have changed since
	held    []fleet.Account // by queue, what the broker was told last
	empty   int             // decisions that placed nothing since the turn went round
	rounds  uint64          // how often it did
	round   bool            // it does now
}

// work is an evaluation that was taken.
type work struct {
	eval    *structs.Evaluation
	queue   string         // its name, empty for none
	run     *scheduler.Run // nil once nothing is left to decide
	flying  int            // slices being written
	refused bool           // by the state machine: the evaluation must be looked at again
	failed  bool           // something could not be written now: the same, after a pause
	fault   string         // why something can never be written: the evaluation fails; empty for none
	ready   time.Time      // since when it could be taken
	taken   time.Time
	last    *slice // decided, and proposed when all others were accepted
	over    bool   // given up or replaced: what still lands changes nothing
}

// spoilt reports that the evaluation cannot go on as it was begun.
func (w *work) spoilt() bool { return w.refused || w.failed || w.fault != "" }

// slice is a part of an evaluation's plan; the last one brings the result.
type slice struct {
	plan  *structs.Plan
	evals []*structs.Evaluation
	last  bool
}

// placements is how many it places.
func (s slice) placements() int {
	n := 0
	if s.plan != nil {
		for _, g := range s.plan.Place {
			n += len(g.Items)
		}
	}
	return n
}

// waitsOn is the evaluation as it was stored, if it was woken and must go on waiting.
func (s slice) waitsOn(id structs.ID) *structs.Evaluation {
	for _, e := range s.evals {
		if e.ID == id && e.Status == structs.EvalStatusBlocked {
			return e
		}
	}
	return nil
}

// result is what became of a proposal.
type result struct {
	work  *work
	slice slice
	reply *structs.PlanResult // nil without a plan
	err   error
}

// NewCore makes a core that has seen nothing of the state. Close it.
func NewCore(d Deps) *Core {
	return &Core{
		Deps: d, fleet: fleet.New(), broker: broker.New(), feed: d.State.Follow(state.TableNodes, state.TableAllocs, state.TableEvals, state.TableQueues),
	}
}

// Close ends it.
func (l *Core) Close() { l.feed.Close() }

// Changed gives a channel that is closed when the state has something for the core.
func (l *Core) Changed() <-chan struct{} { return l.feed.Wait() }

// Step takes over what changed and decides what can be decided. Between is called after every decision.
func (l *Core) Step(between func()) {
	l.absorb()
	l.cancelExtra()
	for l.inFlight < maxInFlight && l.decideOne() {
		between()
		l.absorb()
	}
	l.flush()
	l.stats.Queue, l.stats.Writing, l.stats.Cancelable = l.broker.Counts(), l.inFlight, len(l.extra.evals)
	l.countQueues()
}

// Next is when there is something to do though nothing changed: an evaluation becomes ready, a cancel is tried again, or the figures of queues
// are too old. False when there is nothing, or no room for what it would propose: what lands has the next step made then.
func (l *Core) Next() (time.Time, bool) {
	if l.inFlight >= maxInFlight {
		return time.Time{}, false
	}
	at, ok := l.broker.Next()
	if again, waits := l.extra.next(); waits && (!ok || again.Before(at)) {
		at, ok = again, true
	}
	if count := l.counted.Add(countEvery); l.stale && (!ok || count.Before(at)) {
		at, ok = count, true
	}
	return at, ok
}

// Stats are the figures so far.
func (l *Core) Stats() Stats { return l.stats }

// absorb takes over what changed in the store.
func (l *Core) absorb() {
	changes, ok := l.feed.Poll()
	if !ok {
		return
	}
	now := l.Now()
	l.broker.At(now)
	if changes.QueuesChanged {
		l.setQueues(changes.Queues, changes.Index)
	}
	for _, c := range changes.Nodes {
		if c.Deleted {
			l.fleet.RemoveNode(c.Object.ID)
			continue
		}
		l.fleet.SetNode(c.Object)
		if c.Object.Ready() {
			l.broker.Room(fleet.ClassOf(c.Object), changes.Index)
		}
	}
	came := false
	for _, c := range changes.Allocs {
		came = came || !c.Deleted && c.Object.CreateIndex == c.Object.ModifyIndex
		l.broker.Moved(structs.JobKey{Namespace: c.Object.Namespace, ID: c.Object.JobID}, changes.Index)
		if !c.Deleted && c.Object.HoldsResources() {
			l.fleet.SetAlloc(c.Object)
		} else if use := l.fleet.Use(c.Object.ID); use != nil {
			class := l.fleet.ClassAt(use.Row())
			l.fleet.Remove(c.Object.ID)
			l.broker.Room(class, changes.Index)
		}
	}
	if came {
		l.broker.Came(changes.Index)
	}
	l.noteHeld(changes.Index)
	for _, c := range changes.Evals {
		l.broker.Moved(c.Object.JobKey(), changes.Index)
		if c.Deleted {
			l.broker.Forget(c.Object.ID)
		} else {
			l.broker.Set(c.Object, now)
		}
	}
}

// decideOne decides one slice: of a new evaluation if one is ready, else of the work whose turn it is. False when there is
// nothing to decide, or when so much is being written that a new evaluation would wait behind it for long.
func (l *Core) decideOne() bool {
	at := -1
	if l.round = false; len(l.queues) > 0 {
		at = l.turn()
	}
	var w *work
	if at < 0 {
		if w = l.take(); w == nil {
			at = 0
		}
	}
	if w == nil && at < len(l.works) && l.placing < maxPlacing {
		l.flush() // this takes longer
		w = l.works[at]
		l.works = slices.Delete(l.works, at, at+1)
	}
	if w == nil {
		return false
	}
	l.decide(w)
	return true
}

// take begins the next evaluation, nil when none is ready.
func (l *Core) take() *work {
	now := l.Now()
	eval, blocked := l.broker.Take(now)
	if eval == nil {
		return nil
	}
	w := &work{eval: eval, queue: l.broker.QueueOf(eval), ready: l.broker.ReadySince(eval.ID), taken: now}
	snap := l.State.Snapshot()
	l.guard(w, func() {
		w.run = scheduler.Begin(scheduler.Input{
			State: snap, Fleet: l.fleet, Eval: eval, Blocked: blocked, Ahead: l.broker.Ahead(eval), Index: snap.Index(), Now: now, IDs: l.IDs,
		})
	})
	return w
}

// decide decides the next slice of a work and writes it, or keeps it if it is the last.
func (l *Core) decide(w *work) {
	if w.run == nil {
		l.giveUp(w, "the scheduler broke on it; see the server's log")
		return
	}
	if w.spoilt() { // what is left would be decided on a picture that is wrong
		w.run = nil
		l.settle(w)
		return
	}
	var s slice
	more := false
	var began time.Time
	if l.Decided != nil {
		began = l.Now()
	}
	l.guard(w, func() {
		s.plan, more = w.run.Next(l.sliceOf(w))
		if !more {
			s.evals, s.last = w.run.Finish(), true
		}
	})
	if s.placements() == 0 {
		l.empty++
	}
	if l.Decided != nil {
		l.Decided(w.eval, l.Now().Sub(began))
	}
	switch {
	case w.run == nil:
		l.giveUp(w, "the scheduler broke on it; see the server's log")
	case more:
		l.write(w, s)
		l.works = append(l.works, w)
	default:
		w.run, w.last = nil, &s
		l.settle(w)
	}
}

// settle ends a work that has nothing left to decide, as soon as none of its slices is being written.
func (l *Core) settle(w *work) {
	last := w.last
	w.last = nil
	switch {
	case w.flying > 0:
		w.last = last
	case w.spoilt():
		if last != nil {
			l.revoke(last.plan, nil)
		}
		l.again(w)
	case last.plan.Empty() && len(last.evals) == 1 && scheduler.SameWait(w.eval, last.evals[0]):
		l.broker.WaitOn(last.evals[0]) // woken for nothing: there is no news to write
	default:
		l.write(w, *last)
	}
}

// land takes note of what became of a proposal, and goes on with its work.
func (l *Core) land(r result) {
	l.inFlight--
	l.placing -= r.slice.placements()
	w := r.work
	w.flying--
	switch {
	case r.err != nil:
		l.Logger.Warn("a plan was not written", "eval_id", w.eval.ID, "error", r.err)
		if passes(r.err) {
			w.failed = true
		} else {
			w.fault = "its plan could not be written: " + r.err.Error()
		}
		l.revoke(r.slice.plan, nil)
	case r.reply != nil:
		l.stats.Plans++
		l.stats.Placed += uint64(r.reply.Placed)
		if len(r.reply.RefusedNodes) == 0 {
			break
		}
		w.refused = true
		for node, why := range r.reply.RefusedNodes {
			l.stats.Refused++
			l.Logger.Debug("the state machine refused placements", "eval_id", w.eval.ID, "node_id", node, "reason", why)
		}
		if r.slice.plan.AllAtOnce { // then one node's refusal is that of all
			l.revoke(r.slice.plan, nil)
		} else {
			l.revoke(r.slice.plan, r.reply.RefusedNodes)
		}
	}
	switch {
	case w.over && !r.slice.last:
	case r.slice.last && !w.spoilt():
		l.stats.Evaluations++
		l.finished(w)
		if e := r.slice.waitsOn(w.eval.ID); e != nil { // whether its change was heard of before this or is yet to be
			l.broker.WaitOn(e)
		} else {
			l.broker.Done(w.eval.ID)
		}
	case w.run == nil:
		l.settle(w)
	}
}

// finished notes how long an evaluation waited until it was taken, and how long it was worked on.
func (l *Core) finished(w *work) {
	now := l.Now()
	l.broker.At(now)
	if l.Took != nil {
		l.Took.Add(timing.Of[string]{What: "broker.wait_time", Took: w.taken.Sub(w.ready)}, timing.Of[string]{What: "broker.process_time", Took: now.Sub(w.taken)},
			timing.Of[string]{What: "broker.response_time", Took: now.Sub(w.ready)})
	}
}

// again gives an evaluation back that must be looked at once more, or gives it up. Its result may be in the store already,
// when only its last slice was refused: then a new one takes its place.
func (l *Core) again(w *work) {
	now, tries := l.Now(), l.broker.Attempts(w.eval.ID)
	at := now
	if w.failed {
		at = now.Add(backoff(tries))
	}
	stored := l.State.Snapshot().Eval(w.eval.ID)
	switch {
	case stored == nil:
		l.broker.Done(w.eval.ID)
	case w.fault != "" && w.over: // not even that it failed can be written
		l.Logger.Error("an evaluation could not be ended", "eval_id", w.eval.ID, "reason", w.fault)
		l.broker.GiveBack(w.eval.ID, now.Add(followUpAfter), now)
	case w.fault != "":
		l.giveUp(w, w.fault)
	case tries >= maxAttempts && !w.failed:
		l.giveUp(w, fmt.Sprintf("its plans were refused %d times", maxAttempts))
	case stored.Terminal():
		l.replace(w, "", time.Time{})
	default:
		l.broker.GiveBack(w.eval.ID, at, now)
	}
}

// guard runs a decision. A panic in it is a fault of the scheduler, which must not take the control plane down with it: it is
// told with all that is needed to mend it, and the picture it was working on is made anew.
func (l *Core) guard(w *work, decide func()) {
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		l.Logger.Error("the scheduler broke on an evaluation", "eval_id", w.eval.ID, "namespace", w.eval.Namespace,
			"job_id", w.eval.JobID, "fault", fmt.Sprint(fault), "stack", string(debug.Stack()))
		w.run = nil
		l.rebuild()
	}()
	decide()
}

// rebuild makes the fleet from the store. Plans being written are missing in it until they are applied: what is decided
// against them meanwhile is refused by the state machine. Works decided on the old one are begun again.
func (l *Core) rebuild() {
	l.fleet = fleet.New()
	l.fleet.SetQueues(l.queues)
	snap := l.State.Snapshot()
	for n := range snap.Nodes() {
		l.fleet.SetNode(n)
	}
	for a := range snap.Allocs() {
		l.fleet.SetAlloc(a)
	}
	for _, w := range l.works {
		w.refused = true
	}
}
