package broker

import (
	"container/heap"

	"berth/structs"
)

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

// readyHeap orders the ready evaluations of one job.
type readyHeap []*item

func (h *readyHeap) push(it *item)   { heap.Push((*readyItems)(h), it) }
func (h *readyHeap) pop() *item      { return heap.Pop((*readyItems)(h)).(*item) }
func (h *readyHeap) remove(it *item) { heap.Remove((*readyItems)(h), it.pos) }

type readyItems []*item

func (h readyItems) Len() int           { return len(h) }
func (h readyItems) Less(i, j int) bool { return before(h[i].eval, h[j].eval) }
func (h readyItems) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i, j
}
func (h *readyItems) Push(x any) {
	it := x.(*item)
	it.pos = len(*h)
	*h = append(*h, it)
}
func (h *readyItems) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return it
}

// jobHeap orders jobs by their first evaluation.
type jobHeap []*job

func (h *jobHeap) push(j *job)   { heap.Push((*jobItems)(h), j) }
func (h *jobHeap) fix(j *job)    { heap.Fix((*jobItems)(h), j.pos) }
func (h *jobHeap) remove(j *job) { heap.Remove((*jobItems)(h), j.pos) }

type jobItems []*job

func (h jobItems) Len() int { return len(h) }
func (h jobItems) Less(i, j int) bool {
	// A job about to be removed may have nothing ready any more: it goes last.
	if len(h[i].ready) == 0 || len(h[j].ready) == 0 {
		return len(h[i].ready) > len(h[j].ready)
	}
	return before(h[i].ready[0].eval, h[j].ready[0].eval)
}
func (h jobItems) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i, j
}
func (h *jobItems) Push(x any) {
	j := x.(*job)
	j.pos = len(*h)
	*h = append(*h, j)
}
func (h *jobItems) Pop() any {
	old := *h
	j := old[len(old)-1]
	old[len(old)-1] = nil
	j.pos = -1
	*h = old[:len(old)-1]
	return j
}

// waitHeap orders evaluations by the time they wait for.
type waitHeap []*item

func (h *waitHeap) push(it *item)   { heap.Push((*waitItems)(h), it) }
func (h *waitHeap) pop() *item      { return heap.Pop((*waitItems)(h)).(*item) }
func (h *waitHeap) remove(it *item) { heap.Remove((*waitItems)(h), it.pos) }

type waitItems []*item

func (h waitItems) Len() int { return len(h) }
func (h waitItems) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return before(h[i].eval, h[j].eval)
}
func (h waitItems) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i, j
}
func (h *waitItems) Push(x any) {
	it := x.(*item)
	it.pos = len(*h)
	*h = append(*h, it)
}
func (h *waitItems) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return it
}
