package reap

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"

	"berth/state"
	"berth/structs"
)

// Host is what the reaper needs of its server.
type Host interface {
	State() *state.Store
	Propose(ctx context.Context, kind structs.CommandKind, body msgp.Marshaler) (index uint64, value any, err error)
}

// Config is what a reaper is made of.
type Config struct {
	Host       Host
	Thresholds Thresholds
	Logger     hclog.Logger
}

// Reaper is the shell around Step.
type Reaper struct{ cfg Config }

// New makes a reaper.
func New(cfg Config) *Reaper {
	cfg.Thresholds = cfg.Thresholds.withDefaults()
	return &Reaper{cfg}
}

// finishedPause is how far apart the looks for jobs are that say how long they are kept.
const finishedPause = 5 * time.Second

// newsPause is how far apart the looks at jobs that changed are: to find what is new costs a busy leader as much for one job as for a
// hundred.
const newsPause = time.Second

// Run removes what is old enough, now and then, and jobs that say how long they are kept soon after that time, until ctx is done.
func (r *Reaper) Run(ctx context.Context) error {
	ticker := time.NewTicker(r.cfg.Thresholds.Interval)
	defer ticker.Stop()
	jobs := r.cfg.Host.State().Follow(state.TableJobs)
	defer jobs.Close()
	expiry := time.NewTimer(finishedPause)
	defer expiry.Stop()
	pause := time.NewTimer(newsPause)
	defer pause.Stop()
	news := jobs.Wait() // nil during a pause
	var due finishes
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-news:
			if c, ok := jobs.Poll(); ok && due.note(r.cfg.Host.State().Snapshot(), c.Jobs, time.Now()) {
				expiry.Reset(due.wait(time.Now()))
			}
			news = nil
			pause.Reset(newsPause)
		case <-pause.C:
			news = jobs.Wait()
		case <-expiry.C:
			if due.take(time.Now()) {
				r.told(ctx, r.propose(ctx, Finished(r.cfg.Host.State().Snapshot(), time.Now())))
			}
			expiry.Reset(due.wait(time.Now()))
		case <-ticker.C:
			r.told(ctx, r.reap(ctx, false))
		}
	}
}

func (r *Reaper) told(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		r.cfg.Logger.Warn("what is over could not be removed", "error", err)
	}
}

// Force removes everything that is over, whatever its age.
func (r *Reaper) Force(ctx context.Context) error { return r.reap(ctx, true) }

func (r *Reaper) reap(ctx context.Context, force bool) error {
	if err := r.propose(ctx, Step(r.cfg.Host.State().Snapshot(), time.Now(), r.cfg.Thresholds, force)); err != nil {
		return err
	}
	for _, c := range Expired(r.cfg.Host.State().Snapshot(), time.Now(), r.cfg.Thresholds, force) {
		if _, _, err := r.cfg.Host.Propose(ctx, structs.CmdACLExpire, c); err != nil {
			return err
		}
		r.cfg.Logger.Info("forgot expired tokens", "tokens", len(c.Tokens), "one_time", len(c.OneTime))
	}
	return nil
}

func (r *Reaper) propose(ctx context.Context, cmd *structs.ReapCommand) error {
	for _, c := range Split(cmd) {
		if _, _, err := r.cfg.Host.Propose(ctx, structs.CmdReap, c); err != nil {
			return err
		}
	}
	if n := len(cmd.Allocs) + len(cmd.Evals) + len(cmd.Deployments) + len(cmd.Jobs) + len(cmd.Nodes); n > 0 {
		r.cfg.Logger.Info("removed what was over", "jobs", len(cmd.Jobs), "evals", len(cmd.Evals), "allocs", len(cmd.Allocs),
			"deployments", len(cmd.Deployments), "nodes", len(cmd.Nodes))
	}
	return nil
}
