package deploy

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"

	"berth/state"
	"berth/structs"
)

// Host is what the watcher needs of its server.
type Host interface {
	State() *state.Store
	Propose(ctx context.Context, kind structs.CommandKind, body msgp.Marshaler) (index uint64, value any, err error)
	NewID() structs.ID
}

// Config is what a watcher is made of.
type Config struct {
	Host   Host
	Logger hclog.Logger
}

// Watcher is the shell around Step.
type Watcher struct{ cfg Config }

// New makes a watcher.
func New(cfg Config) *Watcher { return &Watcher{cfg} }

// retryAfter is the pause after a change that could not be proposed.
const retryAfter = time.Second

// Run looks at the state whenever a deployment changes or a deadline passes, until ctx is done.
func (w *Watcher) Run(ctx context.Context) error {
	feed := w.cfg.Host.State().Follow(state.TableDeployments)
	defer feed.Close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	mem := Memory{}
	for {
		feed.Poll()
		timer.Reset(max(time.Until(w.look(ctx, mem)), 0))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-feed.Wait():
		case <-timer.C:
		}
	}
}

// look proposes what a step wants, and gives the time to look again at the latest.
func (w *Watcher) look(ctx context.Context, mem Memory) time.Time {
	now := time.Now()
	actions := Step(w.cfg.Host.State().Snapshot(), now, w.cfg.Host, mem)
	retry := false
	propose := func(kind structs.CommandKind, body msgp.Marshaler) bool {
		_, _, err := w.cfg.Host.Propose(ctx, kind, body)
		if err != nil && ctx.Err() == nil { // refused when somebody was faster: the next look sees it
			w.cfg.Logger.Warn("deployment could not be advanced", "error", err)
			retry = true
		}
		return err == nil
	}
	for _, c := range actions.Updates {
		if !propose(structs.CmdDeploymentUpdate, c) {
			continue
		}
		for _, u := range c.Updates {
			w.cfg.Logger.Info("deployment advanced", "deployment_id", u.DeploymentID, "status", u.Status, "description", u.StatusDescription)
		}
	}
	for _, c := range actions.Moves {
		propose(structs.CmdAllocTransition, c)
	}
	switch {
	case retry:
		clear(mem)
		return now.Add(retryAfter)
	case actions.Next.IsZero():
		return now.Add(time.Hour)
	}
	return actions.Next
}
