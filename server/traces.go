package server

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	"github.com/tinylib/msgp/msgp"

	"berth/internal/tracing"
	"berth/structs"
)

// traces is what a server remembers to put its work below the requests that asked for it; nil when nothing is traced. Nothing of it is
// replicated: it is lost with the leader, and no replica reads it.
type traces struct {
	tracer *tracing.Tracer

	mu      sync.Mutex // guards what follows
	applies [appliesKept]applyTime
	evals   map[structs.ID]tracing.Place
	ring    [evalsKept]structs.ID // the keys of evals, the oldest at next
	next    int
}

// Bounds of what is remembered.
const (
	appliesKept = 1024 // entries of the log; more than are on their way
	evalsKept   = 4096 // evaluations that were asked for by traced requests
)

// applyTime is when an entry was applied here.
type applyTime struct {
	index    uint64
	from, to time.Time
}

func newTraces(t *tracing.Tracer) *traces {
	if t == nil {
		return nil
	}
	return &traces{tracer: t, evals: map[structs.ID]tracing.Place{}}
}

// begin begins the span of a command, when the request that proposes it is traced.
func (t *traces) begin(ctx context.Context, body msgp.Marshaler) (context.Context, tracing.Span) {
	if t == nil {
		return ctx, tracing.Span{}
	}
	ctx, span := t.tracer.Child(ctx, "propose")
	if !span.Traced() {
		return ctx, span
	}
	span.Set("berth.command", strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%T", body), "*structs."), "Command"))
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range evalsOf(body) {
		t.remember(id, span.Place())
	}
	return ctx, span
}

// span is the span of a command that begin has begun.
func (t *traces) span(ctx context.Context) tracing.Span {
	if t == nil {
		return tracing.Span{}
	}
	return t.tracer.Current(ctx)
}

// remember keeps where an evaluation was asked for. t.mu is held.
func (t *traces) remember(id structs.ID, at tracing.Place) {
	delete(t.evals, t.ring[t.next])
	t.evals[id], t.ring[t.next] = at, id
	t.next = (t.next + 1) % evalsKept
}

// evalsOf are the evaluations a command asks for.
func evalsOf(body msgp.Marshaler) []structs.ID {
	switch c := body.(type) {
	case *structs.JobRegisterCommand:
		return idsOf(c.Eval)
	case *structs.JobDeregisterCommand:
		return idsOf(c.Eval)
	case *structs.JobSuspendCommand:
		return idsOf(c.Eval)
	case *structs.JobDispatchCommand:
		return []structs.ID{c.EvalID}
	case *structs.PeriodicLaunchCommand:
		return []structs.ID{c.EvalID}
	case *structs.EvalUpsertCommand:
		return idsOf(c.Evals...)
	case *structs.NodeRegisterCommand:
		return idsOf(c.Evals...)
	case *structs.NodeDeregisterCommand:
		return idsOf(c.Evals...)
	case *structs.NodeStatusCommand:
		return idsOf(c.Evals...)
	case *structs.NodeEligibilityCommand:
		return idsOf(c.Evals...)
	case *structs.NodeShutdownCommand:
		return idsOf(c.Evals...)
	case *structs.NodeDrainCommand:
		return idsOf(c.Evals...)
	case *structs.NodeTaintsCommand:
		return idsOf(c.Evals...)
	case *structs.AllocClientUpdateCommand:
		return idsOf(c.Evals...)
	case *structs.AllocTransitionCommand:
		return idsOf(c.Evals...)
	case *structs.DeploymentUpdateCommand:
		return idsOf(c.Evals...)
	}
	return nil
}

func idsOf(evals ...*structs.Evaluation) []structs.ID {
	var ids []structs.ID
	for _, e := range evals {
		if e != nil {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// of is where an evaluation was asked for.
func (t *traces) of(id structs.ID) (tracing.Place, bool) {
	if t == nil {
		return tracing.Place{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.evals[id]
	return at, ok
}

// planned puts a plan below the request its evaluation came from: the first of those it has.
func (t *traces) planned(ctx context.Context, body msgp.Marshaler) context.Context {
	c, ok := body.(*structs.PlanApplyCommand)
	if t == nil || !ok {
		return ctx
	}
	for _, p := range c.Plans {
		if at, ok := t.of(p.EvalID); ok {
			return at.Within(ctx)
		}
	}
	return ctx
}

// decided is told how long an evaluation, or a slice of a large one, took to decide.
func (t *traces) decided(e *structs.Evaluation, took time.Duration) {
	if at, ok := t.of(e.ID); ok {
		now := time.Now()
		t.tracer.Record(at, "evaluate", now.Add(-took), now, tracing.Text("berth.eval_id", e.ID.String()), tracing.Text("berth.job_id", e.JobID),
			tracing.Text("berth.triggered_by", string(e.TriggeredBy)))
	}
}

// written makes the parts of a command's span: from its entry's way to the log until it was committed, and its application here. sent is
// when the entry was sent on its way; now it has been applied, or failed.
func (t *traces) written(span tracing.Span, index uint64, sent time.Time, commands int) {
	if t == nil || !span.Traced() {
		return
	}
	now := time.Now()
	at := t.appliedAt(index)
	if at.index != index || index == 0 { // it failed
		span.Part("commit", sent, now, tracing.Number("berth.commands", commands))
		return
	}
	span.Set("berth.index", index)
	span.Part("commit", sent, at.from, tracing.Number("berth.commands", commands))
	span.Part("apply", at.from, at.to, tracing.Number("berth.commands", commands))
}

func (t *traces) appliedAt(index uint64) applyTime {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.applies[index%appliesKept]
}

// timed measures what a state machine does.
func (t *traces) timed(m raft.FSM) raft.FSM {
	batching, ok := m.(raft.BatchingFSM)
	if t == nil || !ok {
		return m
	}
	return timedMachine{batching, t}
}

// timedMachine is a state machine whose work is measured. What it does is the same.
type timedMachine struct {
	raft.BatchingFSM
	t *traces
}

// Apply implements raft.FSM.
func (m timedMachine) Apply(l *raft.Log) any { return m.ApplyBatch([]*raft.Log{l})[0] }

// ApplyBatch implements raft.BatchingFSM.
func (m timedMachine) ApplyBatch(logs []*raft.Log) []any {
	from := time.Now()
	out := m.BatchingFSM.ApplyBatch(logs)
	to := time.Now()
	m.t.mu.Lock()
	defer m.t.mu.Unlock()
	for _, l := range logs {
		m.t.applies[l.Index%appliesKept] = applyTime{l.Index, from, to}
	}
	return out
}
