package drain

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"

	"berth/state"
	"berth/structs"
)

// Host is what the drainer needs of its server.
type Host interface {
	State() *state.Store
	Propose(ctx context.Context, kind structs.CommandKind, body msgp.Marshaler) (index uint64, value any, err error)
	NewID() structs.ID
}

// Config is what a drainer is made of.
type Config struct {
	Host   Host
	Logger hclog.Logger
}

// Drainer is the shell around Step.
type Drainer struct {
	host Host
	log  hclog.Logger
}

// New makes a drainer.
func New(cfg Config) *Drainer { return &Drainer{host: cfg.Host, log: cfg.Logger} }

// retryAfter is the pause after a change that could not be proposed.
const retryAfter = time.Second

// Run looks at the state whenever nodes or allocations change or a deadline passes, until ctx is done.
func (d *Drainer) Run(ctx context.Context) error {
	feed := d.host.State().Follow(state.TableNodes, state.TableAllocs, state.TableDisruptionBudgets)
	defer feed.Close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	draining := drains{}
	for {
		if changes, ok := feed.Poll(); ok {
			draining.note(changes.Nodes)
		}
		next := time.Now().Add(time.Hour)
		if len(draining) > 0 {
			next = d.look(ctx, next)
		}
		timer.Reset(max(time.Until(next), 0))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-feed.Wait():
		case <-timer.C:
		}
	}
}

// drains are the nodes being drained, or with taints that make allocations leave: as long as there are none, changes of allocations cost nothing.
type drains map[structs.ID]bool

func (d drains) note(changes []state.Change[structs.Node]) {
	for _, c := range changes {
		if c.Deleted || c.Object.DrainStrategy == nil && !c.Object.Evicts() {
			delete(d, c.Object.ID)
		} else {
			d[c.Object.ID] = true
		}
	}
}

// look proposes what a step wants, and gives the time to look again at the latest.
func (d *Drainer) look(ctx context.Context, latest time.Time) time.Time {
	now := time.Now()
	snap := d.host.State().Snapshot()
	actions := Step(snap, now)
	if err := d.perform(ctx, snap, now, actions); err != nil {
		if ctx.Err() == nil {
			d.log.Warn("drain could not go on", "error", err)
		}
		return now.Add(retryAfter)
	}
	if !actions.Next.IsZero() && actions.Next.Before(latest) {
		return actions.Next
	}
	return latest
}

func (d *Drainer) perform(ctx context.Context, st State, now time.Time, actions Actions) error {
	if len(actions.Move) > 0 {
		if _, _, err := d.host.Propose(ctx, structs.CmdAllocTransition, MoveCommand(st, actions.Move, now, d.host.NewID)); err != nil {
			return err
		}
		d.log.Info("asked allocations to leave nodes that are drained or tainted", "allocs", len(actions.Move))
	}
	for _, id := range actions.Done {
		_, _, err := d.host.Propose(ctx, structs.CmdNodeDrain, &structs.NodeDrainCommand{NodeID: id, Complete: true,
			Event: &structs.NodeEvent{Message: "Node drain complete", Subsystem: "Drain", Timestamp: now.UTC()}})
		if err != nil {
			return err
		}
		d.log.Info("node drain complete", "node_id", id)
	}
	return nil
}

// MoveCommand asks allocations to migrate, and gives each of their jobs an evaluation.
func MoveCommand(st State, move []*structs.Allocation, now time.Time, newID func() structs.ID) *structs.AllocTransitionCommand {
	cmd := &structs.AllocTransitionCommand{Transitions: make(map[string]*structs.DesiredTransition, len(move))}
	seen := map[structs.JobKey]bool{}
	for _, a := range move {
		cmd.Transitions[a.ID.String()] = &structs.DesiredTransition{Migrate: new(true)}
		key := structs.JobKey{Namespace: a.Namespace, ID: a.JobID}
		if seen[key] {
			continue
		}
		seen[key] = true
		e := &structs.Evaluation{ID: newID(), Namespace: a.Namespace, JobID: a.JobID, Type: jobType(a), Priority: structs.DefaultPriority,
			TriggeredBy: structs.EvalTriggerNodeDrain, NodeID: a.NodeID, Status: structs.EvalStatusPending,
			CreateTime: now.UnixNano(), ModifyTime: now.UnixNano()}
		if n := st.Node(a.NodeID); n != nil && n.DrainStrategy == nil {
			e.TriggeredBy = structs.EvalTriggerNodeTaint
		}
		if a.Job != nil {
			e.Priority = a.Job.Priority
		}
		cmd.Evals = append(cmd.Evals, e)
	}
	return cmd
}
