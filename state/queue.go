package state

import (
	"iter"

	"berth/structs"
)

// Queues are all queues by name.
func (rd reader) Queues() iter.Seq[*structs.Queue] {
	return steady(rd, func(r *root) iter.Seq[*structs.Queue] { return r.queues.All() })
}

// Queue is a queue, nil if there is none of that name.
func (rd reader) Queue(name string) *structs.Queue { return get(&rd.r.queues, name) }

// QueuesW is Queues and its watch.
func (s *Snapshot) QueuesW() (iter.Seq[*structs.Queue], <-chan struct{}) {
	return s.Queues(), s.table(TableQueues)
}

// PutQueue stores a queue.
func (t *WriteTxn) PutQueue(q *structs.Queue) {
	var created uint64
	if old := t.Queue(q.Name); old != nil {
		created = old.CreateIndex
	}
	t.stamp(&q.CreateIndex, &q.ModifyIndex, created)
	put(t, TableQueues, &t.work.queues, q)
}

// DeleteQueue forgets a queue.
func (t *WriteTxn) DeleteQueue(name string) { drop(t, TableQueues, &t.work.queues, name) }
