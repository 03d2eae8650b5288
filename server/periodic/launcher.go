package periodic

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"

	"berth/state"
	"berth/structs"
)

// Host is what the launcher needs of its server.
type Host interface {
	State() *state.Store
	Propose(ctx context.Context, kind structs.CommandKind, body msgp.Marshaler) (index uint64, value any, err error)
	NewID() structs.ID
}

// Config is what a launcher is made of.
type Config struct {
	Host   Host
	Logger hclog.Logger
}

// Launcher is the shell around Step.
type Launcher struct{ cfg Config }

// New makes a launcher.
func New(cfg Config) *Launcher { return &Launcher{cfg} }

const (
	// retryAfter is the pause after a launch that could not be proposed.
	retryAfter = time.Second
	// maxSleep bounds the wait for a launch: the machine's clock may be set meanwhile, which no timer notices.
	maxSleep = time.Minute
)

// Run launches what is due, until ctx is done.
func (l *Launcher) Run(ctx context.Context) error {
	feed := l.cfg.Host.State().Follow(state.TablePeriodicLaunches)
	defer feed.Close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	mem := Memory{}
	for {
		feed.Poll()
		timer.Reset(l.look(ctx, mem))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-feed.Wait():
		case <-timer.C:
		}
	}
}

// look launches what is due, and gives the time until the next look at the latest.
func (l *Launcher) look(ctx context.Context, mem Memory) time.Duration {
	now := time.Now()
	do := Step(l.cfg.Host.State().Snapshot(), now, l.cfg.Host, mem)
	for _, u := range do.Unreadable {
		l.cfg.Logger.Error("periodic job cannot be launched", "namespace", u.Job.Namespace, "job_id", u.Job.ID, "error", u.Err)
	}
	wait := maxSleep
	for _, c := range do.Launches {
		_, value, err := l.cfg.Host.Propose(ctx, structs.CmdPeriodicLaunch, c)
		child, _ := value.(*structs.Job)
		switch {
		case err != nil && ctx.Err() == nil:
			l.cfg.Logger.Warn("periodic job was not launched", "namespace", c.Namespace, "job_id", c.JobID, "error", err)
			wait = retryAfter
		case err != nil:
		case child == nil:
			l.cfg.Logger.Info("launch left out, the last one still runs", "namespace", c.Namespace, "job_id", c.JobID)
		default:
			l.cfg.Logger.Debug("periodic job launched", "namespace", c.Namespace, "job_id", child.ID)
		}
	}
	if !do.Next.IsZero() {
		wait = min(wait, time.Until(do.Next))
	}
	return max(wait, 0)
}
