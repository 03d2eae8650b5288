package heap

// Heap holds elements, the first one on top. Make it with New, or with Of from elements in any order.
type Heap[T any] struct {
	items  []T
	before func(a, b T) bool
	moved  func(item T, at int) // nil when nobody wants to know
}

// New is an empty heap. Before orders elements. Moved, if not nil, is told the place of every element that came to a new one,
// for Fix and Remove; -1 when it left.
func New[T any](before func(a, b T) bool, moved func(item T, at int)) *Heap[T] {
	return &Heap[T]{before: before, moved: moved}
}

// Of is a heap of the elements, which it keeps. O(n).
func Of[T any](items []T, before func(a, b T) bool) *Heap[T] {
	h := &Heap[T]{items: items, before: before}
	for i := len(items)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
	return h
}

// Len is how many there are.
func (h *Heap[T]) Len() int { return len(h.items) }

// Top is the first one. The heap must not be empty.
func (h *Heap[T]) Top() T { return h.items[0] }

// Push adds one.
func (h *Heap[T]) Push(item T) {
	h.items = append(h.items, item)
	h.up(len(h.items) - 1)
}

// Pop takes the first one out. The heap must not be empty.
func (h *Heap[T]) Pop() T { return h.Remove(0) }

// Remove takes out the one at a place.
func (h *Heap[T]) Remove(at int) T {
	item, last := h.items[at], len(h.items)-1
	end := h.items[last]
	var none T
	h.items[last] = none
	h.items = h.items[:last]
	if at != last {
		h.items[at] = end
		h.Fix(at)
	}
	if h.moved != nil {
		h.moved(item, -1)
	}
	return item
}

// Replace puts another in the first one's stead: cheaper than Pop and Push.
func (h *Heap[T]) Replace(item T) {
	if h.moved != nil {
		h.moved(h.items[0], -1)
	}
	h.items[0] = item
	h.down(0)
}

// Fix puts the one at a place where it belongs after it changed.
func (h *Heap[T]) Fix(at int) {
	if !h.up(at) {
		h.down(at)
	}
}

func (h *Heap[T]) set(at int, item T) {
	h.items[at] = item
	if h.moved != nil {
		h.moved(item, at)
	}
}

// up reports that the element moved.
func (h *Heap[T]) up(at int) bool {
	item, from := h.items[at], at
	for at > 0 {
		parent := (at - 1) / 2
		if !h.before(item, h.items[parent]) {
			break
		}
		h.set(at, h.items[parent])
		at = parent
	}
	h.set(at, item)
	return at != from
}

func (h *Heap[T]) down(at int) {
	item := h.items[at]
	for {
		child := 2*at + 1
		if child >= len(h.items) {
			break
		}
		if child+1 < len(h.items) && h.before(h.items[child+1], h.items[child]) {
			child++
		}
		if !h.before(h.items[child], item) {
			break
		}
		h.set(at, h.items[child])
		at = child
	}
	h.set(at, item)
}
