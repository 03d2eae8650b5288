package network

import "sync"

// batch joins calls made at the same time: while one run is under way, callers queue up, and the next run takes all of
// them. A single caller pays one run and no delay.
type batch[T any] struct {
	// run does the work of all items; its error is every caller's.
	run func(items []T) error

	// running is held during a run and guards done and err of the calls; it is taken before queue.
	running sync.Mutex
	// queue guards waiting.
	queue   sync.Mutex
	waiting []*batchCall[T]
}

type batchCall[T any] struct {
	item T
	done bool
	err  error
}

// do returns when a run that included the item has ended.
func (b *batch[T]) do(item T) error {
	call := &batchCall[T]{item: item}
	b.queue.Lock()
	b.waiting = append(b.waiting, call)
	b.queue.Unlock()

	b.running.Lock()
	defer b.running.Unlock()
	if call.done {
		return call.err
	}
	b.queue.Lock()
	calls := b.waiting
	b.waiting = nil
	b.queue.Unlock()

	items := make([]T, len(calls))
	for i, c := range calls {
		items[i] = c.item
	}
	err := b.run(items)
	for _, c := range calls {
		c.done, c.err = true, err
	}
	return err
}
