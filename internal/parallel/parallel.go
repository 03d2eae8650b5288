package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Each calls f for 0 to n-1, each number once and in no order, on as many goroutines as there are processors. It panics, when all
// have ended, with what a call of f panicked with.
func Each(n int, f func(i int)) {
	var next atomic.Int64
	var fell atomic.Pointer[any]
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					fell.CompareAndSwap(nil, &p)
				}
			}()
			for fell.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(i)
			}
		})
	}
	workers.Wait()
	if p := fell.Load(); p != nil {
		panic(*p)
	}
}
