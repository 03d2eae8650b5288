package broker

import "berth/structs"

// Moved tells that at an index of the state something of a job changed: an allocation or an evaluation. It wakes the evaluations
// that wait for it.
func (b *Broker) Moved(key structs.JobKey, index uint64) {
	b.moved = max(b.moved, index)
	if len(b.watched) == 0 {
		return
	}
	var woken []*item
	for it := range b.watched[key] {
		if index > it.eval.SnapshotIndex {
			woken = append(woken, it)
		}
	}
	b.wakeAll(woken)
}

// notForRoom reports an evaluation that no room helps: all it waits for is other jobs, its queue, or people who take its gates away. Whoever looked
// for a node has looked at classes, or says that there was none.
func notForRoom(e *structs.Evaluation) bool {
	return (len(e.WaitsForJobs)+len(e.Explanations) > 0 || e.QuotaLimitReached != "") && len(e.ClassEligibility) == 0 && len(e.FailedTGAllocs) == 0
}

// watchJobs notes which jobs a blocked evaluation waits for.
func (b *Broker) watchJobs(it *item) {
	for _, w := range it.eval.WaitsForJobs {
		key := structs.JobKey{Namespace: w.Namespace, ID: w.Job}
		if b.watched[key] == nil {
			b.watched[key] = map[*item]struct{}{}
		}
		b.watched[key][it] = struct{}{}
	}
}

// unwatchJobs forgets it.
func (b *Broker) unwatchJobs(it *item) {
	for _, w := range it.eval.WaitsForJobs {
		key := structs.JobKey{Namespace: w.Namespace, ID: w.Job}
		if delete(b.watched[key], it); len(b.watched[key]) == 0 {
			delete(b.watched, key)
		}
	}
}
