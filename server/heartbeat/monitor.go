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

// Run reports nodes as their deadlines pass, until ctx is done.
func (m *Monitor) Run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	retry := map[structs.ID]bool{}
	for {
		m.mu.Lock()
		expired := m.core.Expired(time.Now())
		next, ok := m.core.Next()
		m.mu.Unlock()
		for _, id := range expired {
			retry[id] = true
		}
		for id := range retry {
			if err := m.report.NodeMissed(ctx, id); err != nil {
				m.log.Warn("lost node was not recorded", "node_id", id, "error", err)
				continue
			}
			delete(retry, id)
		}
		wait := time.Hour
		if ok {
			wait = time.Until(next)
		}
		if len(retry) > 0 {
			wait = min(wait, retryAfter)
		}
		timer.Reset(max(wait, 0))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		case <-m.wake:
		}
	}
}
