package replicate

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"

	"berth/state"
	"berth/structs"
)

// Host is what the replicator needs of its server.
type Host interface {
	State() *state.Store
	Propose(ctx context.Context, kind structs.CommandKind, body msgp.Marshaler) (index uint64, value any, err error)
}

// Plan is whom a region follows.
type Plan struct {
	From   string
	Source Source
}

// Config is what a replicator is made of.
type Config struct {
	Plan
	Host   Host
	Logger hclog.Logger
}

// Replicator is the shell around Diff, one of each term.
type Replicator struct {
	cfg Config
	log hclog.Logger

	mu     sync.Mutex // guards what follows
	status Status
	kind   structs.ErrorKind // of what fails
}

// Times between looks.
const (
	// rest is the least time between two looks: ten a second.
	rest = 100 * time.Millisecond
	// firstPause is the pause after a failure; it doubles up to maxPause.
	firstPause = time.Second
	maxPause   = 30 * time.Second
	// maxAside bounds the sentences about what is not as in the source.
	maxAside = 20
)

// New makes a replicator.
func New(cfg Config) *Replicator {
	return &Replicator{cfg: cfg, log: cfg.Logger, status: Status{From: cfg.From}}
}

// Run follows the source until ctx is done.
func (r *Replicator) Run(ctx context.Context) error {
	r.mu.Lock()
	r.status.Began = time.Now()
	r.mu.Unlock()
	pause := firstPause
	for {
		err := r.follow(ctx, func() { pause = firstPause })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.failed(err)
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
		pause = min(2*pause, maxPause)
	}
}

// sleep waits; false when ctx was done first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// follow does what the source does until something fails. well is called whenever this region has what the source has.
func (r *Replicator) follow(ctx context.Context, well func()) error {
	for {
		began := time.Now()
		have, err := r.read(ctx)
		if err != nil {
			return err
		}
		aside, err := r.apply(ctx, &have.world)
		if err != nil {
			return err
		}
		well()
		for pause := max(rest, time.Since(began)); ; pause = rest { // a source that always has news does not keep this server busy
			if !sleep(ctx, pause) {
				return ctx.Err()
			}
			changed, err := r.wait(ctx, have.at)
			if err != nil {
				return err
			}
			if changed || aside > 0 { // what is in use may not be by now
				break
			}
			r.unchanged()
		}
	}
}

// apply makes the state what the source's is, and gives how much of it is not.
func (r *Replicator) apply(ctx context.Context, want *World) (int, error) {
	c := Diff(r.cfg.Host.State().Snapshot(), want, time.Now())
	policies, tokens, err := r.fetch(ctx, c)
	if err != nil {
		return 0, err
	}
	aside := c.Aside
	applied := 0
	for _, cmd := range c.commands(policies, tokens) {
		_, _, err := r.cfg.Host.Propose(ctx, cmd.kind, cmd.body)
		switch kind := structs.KindOf(err); {
		case err == nil:
			applied++
		case kind == structs.KindConflict && (cmd.kind == structs.CmdNodePoolDelete || cmd.kind == structs.CmdNamespaceDelete): // it is in use
			why := err
			if told := (*structs.Error)(nil); errors.As(err, &told) && told.Err != nil {
				why = told.Err // what and whom it is about stand before it
			}
			aside = append(aside, cmd.what+": it "+why.Error())
		case kind == structs.KindInvalid:
			aside = append(aside, cmd.what+": "+err.Error())
		default: // this server leads no more, or the state changed meanwhile: it is compared again
			return 0, err
		}
	}
	slices.Sort(aside)
	n := len(aside)
	r.heard(applied, aside[:min(n, maxAside)])
	return n, nil
}
