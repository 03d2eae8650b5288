package client

import (
	"context"
	"errors"
	"time"

	"berth/structs"
)

// DrainSpec is how the node is emptied before its agent ends.
type DrainSpec struct {
	// Deadline is when allocations leave that could not before. Force has them leave at once, in their order.
	Deadline         time.Duration
	Force            bool
	IgnoreSystemJobs bool // they go on without the agent
}

// drainGrace is how much longer than the longest kill_timeout the last allocations have, after the deadline of a drain, to end and be reported.
const drainGrace = 10 * time.Second

// Drain has the servers drain the node, and returns when all that is to leave has ended and was reported. The error says why that is not so:
// that of ctx, or that the deadline and the time tasks have to end are over. It must be called while Run runs.
func (c *Client) Drain(ctx context.Context, spec DrainSpec) error {
	select {
	case <-c.ready:
	default:
		return errors.New("the servers do not know the node yet")
	}
	c.leaving.Store(true)
	ctx, cancel := context.WithTimeoutCause(ctx, spec.Deadline+c.cfg.MaxKillTimeout+drainGrace, errors.New("the deadline of the drain has passed"))
	defer cancel()
	if err := c.askToDrain(ctx, spec); err != nil {
		return err
	}
	for c.left(spec) > 0 {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.told:
		}
	}
	return nil
}

// askToDrain asks until the servers have answered.
func (c *Client) askToDrain(ctx context.Context, spec DrainSpec) error {
	req := &structs.NodeShutdownRequest{NodeID: c.id, SecretID: c.secret, Deadline: spec.Deadline, Force: spec.Force, IgnoreSystemJobs: spec.IgnoreSystemJobs}
	for failures := 1; ; failures++ {
		err := c.servers.NodeShutdown(ctx, req)
		switch kind := structs.KindOf(err); {
		case err == nil:
			return nil
		case kind == structs.KindUnauthorised || kind == structs.KindInvalid || kind == structs.KindConflict:
			return err
		case failures == 1:
			c.log.Warn("the servers cannot drain the node now: they are asked again", "error", err)
		}
		if pause(ctx, backoff(failures)); ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// left counts the allocations that the drain waits for.
func (c *Client) left(spec DrainSpec) int {
	n := 0
	for _, e := range c.entries() {
		if e.runner == nil {
			continue
		}
		if j := e.runner.Alloc().Job; spec.IgnoreSystemJobs && j != nil && !structs.InQueues(j.Type) {
			continue
		}
		_, version := e.runner.Report()
		c.mu.Lock()
		told := e.acked == version+1
		c.mu.Unlock()
		if !e.runner.Ended() || !told {
			n++
		}
	}
	return n
}

// sayBack tells the servers that the agent is back, so that a node that was drained because it ended is opened again. It reports that this
// need not be tried again.
func (c *Client) sayBack(ctx context.Context) bool {
	err := c.servers.NodeShutdown(ctx, &structs.NodeShutdownRequest{NodeID: c.id, SecretID: c.secret, Back: true})
	if err == nil || ctx.Err() != nil {
		return err == nil
	}
	c.log.Debug("the servers do not know that the agent is back: a node that was drained when it ended stays ineligible", "error", err)
	kind := structs.KindOf(err)
	return kind != structs.KindUnavailable && kind != structs.KindNoLeader
}
