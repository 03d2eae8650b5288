package broker

import (
	"cmp"
	"slices"

	"berth/structs"
)

// block lets an evaluation wait for room. If room that could help appeared after the state it was decided on, it is ready.
func (b *Broker) block(it *item) {
	if b.queues.changed > it.eval.SnapshotIndex && b.queues.governs(it.eval) {
		b.makeReady(it)
		return
	}
	for class, index := range b.room {
		if index > it.eval.SnapshotIndex && couldHelp(it.eval, class) {
			b.makeReady(it)
			return
		}
	}
	if it.eval.WaitsForPeers && b.came > it.eval.SnapshotIndex {
		b.makeReady(it)
		return
	}
	if len(it.eval.WaitsForJobs) > 0 && b.moved > it.eval.SnapshotIndex {
		b.makeReady(it)
		return
	}
	j := b.jobOf(it)
	it.place = placeBlocked
	if old := j.blocked; old != nil && old != it {
		b.tally(old, -1)
		b.unblock(old, false)
		delete(b.items, old.eval.ID)
		b.extra = append(b.extra, old.eval)
	}
	j.blocked = it
	b.tally(it, 1)
	b.blocked[it] = struct{}{}
	b.watchJobs(it)
	b.lineUp(it)
}

// unblock takes an evaluation out of those that wait for something: because it is woken, or for good.
func (b *Broker) unblock(it *item, woken bool) {
	b.unwatchJobs(it)
	delete(b.blocked, it)
	b.stepOut(it, woken)
}

// couldHelp reports that room on a node of the class may let the evaluation go on: the class was found eligible, was not known
// then, or the job's constraints look at what a class does not tell.
func couldHelp(e *structs.Evaluation, class string) bool {
	if e.EscapedComputedClass {
		return true
	}
	if notForRoom(e) {
		return false
	}
	eligible, known := e.ClassEligibility[class]
	return eligible || !known
}

// Room tells that at an index of the state there is room that was not there before, on a node of the class. It wakes the
// evaluations it could help.
func (b *Broker) Room(class string, index uint64) {
	b.room[class] = max(b.room[class], index)
	b.wake(func(e *structs.Evaluation) bool { return index > e.SnapshotIndex && couldHelp(e, class) })
}

// Came tells that at an index of the state allocations were placed. It wakes the evaluations that wait for peers.
func (b *Broker) Came(index uint64) {
	b.came = max(b.came, index)
	b.wake(func(e *structs.Evaluation) bool { return e.WaitsForPeers && index > e.SnapshotIndex })
}

func (b *Broker) wake(which func(*structs.Evaluation) bool) {
	var woken []*item
	for it := range b.blocked {
		if which(it.eval) {
			woken = append(woken, it)
		}
	}
	b.wakeAll(woken)
}

// wakeAll makes blocked evaluations ready, the oldest first. They come in the order of a map.
func (b *Broker) wakeAll(woken []*item) {
	slices.SortFunc(woken, func(x, y *item) int {
		return cmp.Or(cmp.Compare(x.eval.CreateIndex, y.eval.CreateIndex), x.eval.ID.Compare(y.eval.ID))
	})
	for _, it := range woken {
		if it.place != placeBlocked { // the turn of its queue's line came to it meanwhile
			continue
		}
		b.tally(it, -1)
		b.unblock(it, true)
		b.jobOf(it).blocked = nil
		b.makeReady(it)
	}
}

// Extra are evaluations that another of the same job stands for: blocked ones that a later one replaced, and those for the news of nodes
// that come while an earlier one is ready. They are to be cancelled. Each is told once.
func (b *Broker) Extra() []*structs.Evaluation {
	extra := b.extra
	b.extra = nil
	return extra
}
