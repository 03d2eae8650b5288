package transport

import "sync/atomic"

// onceFlag is true once.
type onceFlag struct{ done atomic.Bool }

func (f *onceFlag) first() bool { return f.done.CompareAndSwap(false, true) }
