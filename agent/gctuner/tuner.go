package gctuner

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Bounds of the tuning.
const (
	// share is what part of the memory there is the heap of a busy agent may grow by between two collections, within leastExtra and
	// mostExtra bytes.
	share      = 32
	leastExtra = 32 << 20
	mostExtra  = 384 << 20
	// normal is Go's own pace: the heap may double.
	normal = 100
	// slowest bounds the pace for tiny heaps.
	slowest = 1600
	// look is how often it is looked at.
	look = time.Second
	// busyCycles is how many collections between two looks are too many.
	busyCycles = 2
	// calm is how many looks without a collection end a busy time. A collection at the busy pace may be some looks apart.
	calm = 10
	// little is what is not worth being given back, in bytes.
	little = 4 << 20
)

// sample is what one look sees.
type sample struct {
	cycles uint64 // collections since the start of the process
	live   uint64 // bytes that the last collection found in use
	held   uint64 // bytes of objects, dead ones too, and of free memory that the process has from the system
}

// much reports that a good part of what is held may be given back.
func (s sample) much() bool { return s.held > s.live+max(s.live/4, little) }

// core decides from what was seen. With its extra alone it has seen nothing.
type core struct {
	extra uint64 // by how much the heap may grow in a busy time, in bytes

	last  uint64 // cycles at the last look
	quiet int    // looks without a collection
	busy  bool
}

// decision is what to do after a look.
type decision struct {
	percent int // the pace, 0 leaves it
	free    bool
}

func (c *core) step(s sample) decision {
	came := s.cycles - c.last
	c.last = s.cycles
	if came > 0 {
		c.quiet = 0
	} else {
		c.quiet++
	}
	switch {
	case came >= busyCycles, c.busy && came > 0:
		c.busy = true
		return decision{percent: pace(s.live, c.extra)}
	case c.quiet == 0, c.quiet%calm != 0:
	case c.busy:
		c.busy = false
		return decision{percent: normal, free: true}
	default: // an idle agent makes garbage too, and Go itself would let it double its heap, or lie for two minutes
		return decision{free: s.much()}
	}
	return decision{}
}

// pace is by how many percent a heap may grow so that it grows by extra bytes, or doubles if it is larger than that.
func pace(live, extra uint64) int {
	if live == 0 {
		return slowest
	}
	return int(min(max(extra*100/live, normal), slowest))
}

// extraOf is by how much the heap may grow in a busy time where there are so many bytes of memory.
func extraOf(memory uint64) uint64 { return min(max(memory/share, leastExtra), mostExtra) }

// memory is how many bytes there are for the process: the machine's, or what its control group leaves of them.
func memory() uint64 {
	most, err := memlimit.FromSystem()
	if err != nil {
		return 0 // the least extra
	}
	if own, err := memlimit.FromCgroup(); err == nil { // an error: there is no limit
		most = min(most, own)
	}
	return most
}

// bound has Go collect more often the nearer the process comes to nine tenths of what its control group may have, unless GOMEMLIMIT says
// otherwise: a heap of more than half of it would double, and the kernel would end the agent. It gives the limit until now.
func bound(limit memlimit.Provider) (before int64) {
	before = debug.SetMemoryLimit(-1)
	_, _ = memlimit.Set(memlimit.WithProvider(limit)) // where there is none, or it cannot be read, nothing is bounded
	return before
}

// giveBack collects what can be collected and gives it back. Why twice: pools of memory keep what was in them for one collection more, and what
// thousands of connections left there is much.
func giveBack() {
	runtime.GC()
	debug.FreeOSMemory()
}

// Run tunes until ctx is done, and leaves Go's own pace behind.
func Run(ctx context.Context) error { return run(ctx, memlimit.FromCgroup) }

func run(ctx context.Context, limit memlimit.Provider) error {
	if os.Getenv("GOGC") != "" {
		<-ctx.Done()
		return ctx.Err()
	}
	defer debug.SetGCPercent(normal)
	before := bound(limit)
	defer debug.SetMemoryLimit(before)
	seen := []metrics.Sample{{Name: "/gc/cycles/automatic:gc-cycles"}, {Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}}
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	c := core{extra: extraOf(memory())}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		metrics.Read(seen)
		n := func(i int) uint64 { return seen[i].Value.Uint64() }
		d := c.step(sample{cycles: n(0), live: n(1), held: n(2) + n(3)})
		if d.percent != 0 {
			debug.SetGCPercent(d.percent)
		}
		if d.free {
			giveBack()
		}
	}
}
