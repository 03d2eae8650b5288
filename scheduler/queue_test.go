package scheduler_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"berth/structs"
)

// queue sets or removes one: queue ml ns=ml,lab weight=2 guarantee=2000/1024 limit=4000/0 lending=wait.
func (s *script) queue(verb string, args []string) error {
	q := &structs.Queue{Name: args[0]}
	for _, word := range args[1:] {
		key, value, _ := strings.Cut(word, "=")
		cpu, memory, _ := strings.Cut(value, "/")
		amount := structs.QueueAmount{CPU: int64(number(cpu)), MemoryMB: int64(number(memory))}
		var err error
		switch key {
		case "ns":
			q.Namespaces = strings.Split(value, ",")
		case "weight":
			q.Weight, err = strconv.Atoi(value)
		case "guarantee":
			q.Guarantee = amount
		case "limit":
			q.Limit = amount
		case "lending":
			q.Lending = value
		default:
			err = fmt.Errorf("nothing known of %q", word)
		}
		if err != nil {
			return err
		}
	}
	w := s.w
	w.queues = slices.DeleteFunc(slices.Clone(w.queues), func(o *structs.Queue) bool { return o.Name == q.Name })
	if verb == "queue" {
		if err := q.Check(); err != nil {
			return err
		}
		w.queues = append(w.queues, q)
		slices.SortFunc(w.queues, func(a, b *structs.Queue) int { return cmp.Compare(a.Name, b.Name) })
	}
	w.fleet.SetQueues(w.queues)
	for _, job := range slices.Sorted(maps.Keys(w.blocked)) {
		w.pending = append(w.pending, w.blocked[job])
		delete(w.blocked, job)
	}
	return nil
}

// wakeQueue puts those back into the queue of evaluations that wait for a queue's limit.
func (w *world) wakeQueue(q *structs.Queue) {
	if q == nil {
		return
	}
	for _, job := range slices.Sorted(maps.Keys(w.blocked)) {
		if e := w.blocked[job]; e.QuotaLimitReached == q.Name {
			delete(w.blocked, job)
			w.pending = append(w.pending, e)
		}
	}
}

// heldByAll is what the jobs of all queues hold.
func (w *world) heldByAll() []structs.QueueAmount {
	var all []structs.QueueAmount
	for _, a := range w.fleet.Queues() {
		all = append(all, a.Held)
	}
	return all
}

// wakeHeld puts those back that wait for the limit of a queue that holds less than it did: room that is kept no more counts too.
func (w *world) wakeHeld(before []structs.QueueAmount) {
	for i, a := range w.fleet.Queues() {
		if a.Held.CPU < before[i].CPU || a.Held.MemoryMB < before[i].MemoryMB {
			w.wakeQueue(a.Queue)
		}
	}
}

// before orders evaluations that are due: those of one queue, or of none, by priority; queues by their shares.
func (w *world) before(a, b *structs.Evaluation) bool {
	if len(w.queues) > 0 && structs.InQueues(a.Type) && structs.InQueues(b.Type) {
		x, y := w.fleet.QueueOf(a.Namespace), w.fleet.QueueOf(b.Namespace)
		if x != nil && y != nil && x != y {
			return w.fleet.Share(x).Compare(w.fleet.Share(y)) < 0
		}
	}
	if len(w.queues) > 0 && a.Priority == b.Priority {
		return a.CreateIndex < b.CreateIndex
	}
	return a.Priority > b.Priority
}

// ahead is who waits for the limit of the evaluation's queue and comes first.
func (w *world) ahead(e *structs.Evaluation) *structs.Evaluation {
	own := w.fleet.QueueOf(e.Namespace)
	if own == nil || !structs.InQueues(e.Type) {
		return nil
	}
	var first *structs.Evaluation
	for _, job := range slices.Sorted(maps.Keys(w.blocked)) {
		if b := w.blocked[job]; job != e.JobID && b.QuotaLimitReached == own.Queue.Name && w.before(b, e) && (first == nil || w.before(b, first)) {
			first = b
		}
	}
	return first
}
