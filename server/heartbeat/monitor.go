package heartbeat

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/structs"
)

// Reporter is told of a node that was not heard of in time. An error means that the report did not take; the node is
// reported again after retryAfter.
type Reporter interface {
	NodeMissed(ctx context.Context, node structs.ID) error
}

// retryAfter is the pause before a node is reported again.
const retryAfter = time.Second

// Monitor is the shell around Core.
type Monitor struct {
	log    hclog.Logger
	report Reporter

	mu   sync.Mutex // guards core; held for no wait
	core *Core

	wake chan struct{} // capacity 1: deadlines changed
}

// New makes a monitor that watches nothing yet.
func New(cfg Config, report Reporter, log hclog.Logger) *Monitor {
	return &Monitor{log: log, report: report, core: NewCore(cfg), wake: make(chan struct{}, 1)}
}

// Restore begins a term with the nodes that count as alive.
func (m *Monitor) Restore(alive []structs.ID) {
	m.mu.Lock()
	m.core.Restore(alive, time.Now())
	m.mu.Unlock()
	m.nudge()
}

// Beat notes that a node was heard of; see Core.Beat.
func (m *Monitor) Beat(id structs.ID) time.Duration {
	m.mu.Lock()
	ttl := m.core.Beat(id, time.Now())
	first := m.core.Active() == 1
	m.mu.Unlock()
	if first { // otherwise a deadline only moved away, and Run wakes early once at most
		m.nudge()
	}
	return ttl
}

// Forget drops a node that is gone for good.
func (m *Monitor) Forget(id structs.ID) {
	m.mu.Lock()
	m.core.Forget(id)
	m.mu.Unlock()
}

// Active is how many nodes are watched.
func (m *Monitor) Active() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.core.Active()
}

func (m *Monitor) nudge() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// reportOne reports a node unless it was heard of since it was found silent: reports of others may have taken long.
func (m *Monitor) reportOne(ctx context.Context, id structs.ID) {
	m.mu.Lock()
	silent := m.core.IsSilent(id)
	m.mu.Unlock()
	if !silent {
		return
	}
	if err := m.report.NodeMissed(ctx, id); err != nil {
		if ctx.Err() == nil {
			m.log.Warn("lost node was not recorded", "node_id", id, "error", err)
		}
		return
	}
	m.mu.Lock()
	m.core.Recorded(id)
	m.mu.Unlock()
}

// pause is the time until there is something to do again.
func (m *Monitor) pause() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	wait := time.Hour
	if next, ok := m.core.Next(); ok {
		wait = time.Until(next)
	}
	if len(m.core.silent) > 0 {
		wait = min(wait, retryAfter)
	}
	return max(wait, 0)
}

// Run reports nodes as their deadlines pass, until ctx is done.
func (m *Monitor) Run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		m.mu.Lock()
		m.core.Expired(time.Now())
		silent := m.core.Silent()
		m.mu.Unlock()
		for _, id := range silent {
			m.reportOne(ctx, id)
		}
		timer.Reset(m.pause())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		case <-m.wake:
		}
	}
}
