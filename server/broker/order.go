package broker

import "berth/structs"

// before orders evaluations: higher priority first, then the older, then by id.
func before(x, y *structs.Evaluation) bool {
	if x.Priority != y.Priority {
		return x.Priority > y.Priority
	}
	if x.CreateIndex != y.CreateIndex {
		return x.CreateIndex < y.CreateIndex
	}
	return x.ID.Compare(y.ID) < 0
}

// itemBefore orders the ready evaluations of one job.
func itemBefore(x, y *item) bool { return before(x.eval, y.eval) }

// jobBefore orders jobs by their first evaluation. One about to leave may have nothing ready any more: it goes last.
func jobBefore(x, y *job) bool {
	if x.ready.Len() == 0 || y.ready.Len() == 0 {
		return x.ready.Len() > y.ready.Len()
	}
	return before(x.ready.Top().eval, y.ready.Top().eval)
}

// dueBefore orders evaluations by the time they wait for.
func dueBefore(x, y *item) bool {
	if !x.at.Equal(y.at) {
		return x.at.Before(y.at)
	}
	return before(x.eval, y.eval)
}

func setPos(it *item, at int) { it.pos = at }
