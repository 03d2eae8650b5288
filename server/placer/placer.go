package placer

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"

	"berth/scheduler"
	"berth/server/broker"
	"berth/server/timing"
	"berth/state"
	"berth/structs"
)

// Host is what the placer needs of its server.
type Host interface {
	State() *state.Store
	Propose(ctx context.Context, kind structs.CommandKind, body msgp.Marshaler) (index uint64, value any, err error)
	NewID() structs.ID
}

// Config is what a placer is made of.
type Config struct {
	Host   Host
	Logger hclog.Logger
	// Decided is told how long a slice of an evaluation took to decide; nil where nobody asks.
	Decided func(e *structs.Evaluation, took time.Duration)
	// Took is given how long things took, by the end of their figure's name; nil where nobody asks.
	Took *timing.Times[string]
}

// Limits of the placer.
const (
	// maxInFlight bounds the proposals that are being written.
	maxInFlight = 64
	// maxPlacing is how many placements may be among them before the next slice of a large evaluation waits: what comes meanwhile
	// is written behind them. Three slices keep the log busy.
	maxPlacing = 3 * sliceMax
	// sliceMax is how many placements of a large evaluation are decided at a time, and are in an entry. Why fewer than the scheduler
	// would: a small job waits for the entries before its registration and for those before its plan.
	sliceMax = scheduler.SliceMax / 2
	// maxAttempts is how often an evaluation is decided before it fails, because its plans are refused.
	maxAttempts = 5
	// followUpAfter is when a failed evaluation's job is looked at again.
	followUpAfter = time.Minute
	// retryAfter is the first pause before an evaluation is decided again whose plan could not be written; each further one
	// is twice as long, up to retryMax.
	retryAfter = 100 * time.Millisecond
	retryMax   = 10 * time.Second
)

// Placer is the shell around the loop. Make it with New.
type Placer struct {
	cfg Config

	mu    sync.Mutex // guards stats
	stats Stats
}

// Stats are figures of the placer since its term began, and what is queued now.
type Stats struct {
	Evaluations uint64 // decided to their end
	Plans       uint64 // written
	Placed      uint64 // allocations accepted
	Refused     uint64 // nodes for which the state machine refused a plan's placements
	Failed      uint64 // evaluations given up
	Writing     int    // plans being written now
	Cancelable  int    // evaluations another of their job stands for, to be cancelled
	Queue       broker.Counts
	Queues      []QueueStats // of tenants, by name, at most a second old
}

// QueueStats are figures of a queue of tenants.
type QueueStats struct {
	Name          string
	Held, Leaving structs.QueueAmount
	Share         float64 // of the larger part it holds, 0 to 1
	broker.LineCounts
}

// New makes a placer.
func New(cfg Config) *Placer { return &Placer{cfg: cfg} }

// Stats gives the figures.
func (p *Placer) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// invoked is the figure of decisions, by the type of the job.
var invoked = map[string]string{structs.JobTypeService: "worker.invoke_scheduler.service", structs.JobTypeBatch: "worker.invoke_scheduler.batch",
	structs.JobTypeSystem: "worker.invoke_scheduler.system", structs.JobTypeSysBatch: "worker.invoke_scheduler.sysbatch"}

// submitted notes how long a plan took from its decision to its commit.
func (p *Placer) submitted(took time.Duration) {
	if p.cfg.Took != nil {
		p.cfg.Took.Add(timing.Of[string]{What: "plan.submit", Took: took})
	}
}

// decided notes how long a decision took.
func (p *Placer) decided(e *structs.Evaluation, took time.Duration) {
	if p.cfg.Took != nil {
		p.cfg.Took.Add(timing.Of[string]{What: invoked[e.Type], Took: took})
	}
	if p.cfg.Decided != nil {
		p.cfg.Decided(e, took)
	}
}

// Run decides until ctx is done.
func (p *Placer) Run(ctx context.Context) error {
	landed := make(chan func(), maxInFlight)
	var writers sync.WaitGroup
	defer writers.Wait()
	core := NewCore(Deps{
		State: p.cfg.Host.State(), IDs: p.cfg.Host, Logger: p.cfg.Logger, Now: time.Now, Decided: p.decided, Took: p.cfg.Took,
		Propose: func(kind structs.CommandKind, body msgp.Marshaler, done func(any, error)) {
			writers.Go(func() {
				began := time.Now()
				_, value, err := p.cfg.Host.Propose(ctx, kind, body)
				p.submitted(time.Since(began))
				select {
				case landed <- func() { done(value, err) }:
				case <-ctx.Done():
				}
			})
		},
	})
	defer core.Close()
	collect := func() { // what has arrived, without waiting
		for {
			select {
			case land := <-landed:
				land()
			default:
				return
			}
		}
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		core.Step(collect)
		p.mu.Lock()
		p.stats = core.Stats()
		p.mu.Unlock()
		wake := time.Hour
		if at, ok := core.Next(); ok {
			wake = max(time.Until(at), 0)
		}
		timer.Reset(wake)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-core.Changed():
		case land := <-landed:
			land()
			collect()
		case <-timer.C:
		}
	}
}
