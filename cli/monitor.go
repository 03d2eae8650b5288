package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	"berth/api"
	"berth/structs"
)

// update is one thing that a monitor learnt: one of its fields is set, and the index it is true at.
type update struct {
	index      uint64
	eval       *structs.Evaluation
	allocs     []*structs.AllocListStub
	deployment *structs.Deployment
	err        error
}

// monitor follows an evaluation until it is over, then what came of it: the rollout until it ends, or without one the allocations
// until they have started (of a job that was stopped: ended). Exit code 2 when not everything could be placed, 1 when something
// failed.
func (e *env) monitor(ctx context.Context, c *api.Client, id structs.ID, verbose bool) error {
	if id.IsZero() {
		return nil // nothing was to be done
	}
	ctx, cancel := context.WithCancel(ctx)
	m := &monitor{c: c, updates: make(chan update), p: newProgress(e, verbose)}
	defer m.polls.Wait()
	defer cancel()
	m.p.step("Monitoring evaluation %q", short8(id, verbose))
	m.poll(ctx, func(q *api.QueryOptions) (update, *api.QueryMeta, error) {
		x, meta, err := c.Evaluations().Get(ctx, id.String(), q)
		return update{eval: x}, meta, err
	})
	for {
		select {
		case <-ctx.Done():
			m.p.line("not watched any more; what was asked for goes on")
			return ctx.Err()
		case u := <-m.updates:
			done, err := m.take(ctx, u)
			var exit exitError
			switch {
			case err != nil && !errors.As(err, &exit) && ctx.Err() == nil:
				return fmt.Errorf("%w; what was asked for goes on without this command", err)
			case done || err != nil:
				return err
			}
		}
	}
}

// monitor asks the questions; what was learnt and said is its progress.
type monitor struct {
	c       *api.Client
	p       *progress
	updates chan update
	polls   sync.WaitGroup
	// watched are the allocations being polled.
	watched bool
}

// poll asks again and again, each time until something changed, and hands on every answer.
func (m *monitor) poll(ctx context.Context, ask func(*api.QueryOptions) (update, *api.QueryMeta, error)) {
	m.polls.Go(func() {
		q := &api.QueryOptions{}
		for {
			u, meta, err := ask(q)
			if err != nil {
				u = update{err: err}
			} else {
				u.index = meta.LastIndex
			}
			select {
			case m.updates <- u:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
			if q = (&api.QueryOptions{WaitIndex: meta.LastIndex}); meta.LastIndex == 0 {
				q.WaitIndex = 1
			}
		}
	})
}

// take looks at what was learnt, and asks what follows from it.
func (m *monitor) take(ctx context.Context, u update) (done bool, err error) {
	p := m.p
	switch {
	case u.err != nil && api.IsNotFound(u.err) && p.goal == goalStopped:
		return true, nil // the job was purged, and is gone
	case u.err != nil:
		return true, u.err
	case u.allocs != nil:
		p.allocations(u.index, u.allocs)
	case u.deployment != nil:
		p.rollout(u.deployment)
	case u.eval != nil:
		before := p.over()
		p.evaluation(u.eval)
		m.watchAllocs(ctx, u.eval)
		if p.over() && !before && !p.refused() {
			if err := m.next(ctx, u.eval); err != nil {
				return true, err
			}
		}
	}
	done, code := p.outcome()
	if !done {
		return false, nil
	}
	if code != 0 {
		return true, exitError{code}
	}
	m.addresses(ctx)
	p.last()
	return true, nil
}

func (m *monitor) watchAllocs(ctx context.Context, x *structs.Evaluation) {
	if m.watched || x.JobID == "" {
		return
	}
	m.watched = true
	m.poll(ctx, func(q *api.QueryOptions) (update, *api.QueryMeta, error) {
		q.Namespace = x.Namespace
		return m.allocs(ctx, x, q)
	})
}

func (m *monitor) allocs(ctx context.Context, x *structs.Evaluation, q *api.QueryOptions) (update, *api.QueryMeta, error) {
	all, meta, err := m.c.Jobs().Allocations(ctx, x.JobID, false, q)
	if all == nil {
		all = []*structs.AllocListStub{}
	}
	return update{allocs: all}, meta, err
}

// next decides what to wait for when the evaluation is over, with the allocations as they are since then.
func (m *monitor) next(ctx context.Context, x *structs.Evaluation) error {
	p, q := m.p, &api.QueryOptions{Namespace: x.Namespace}
	switch u, meta, err := m.allocs(ctx, x, q); {
	case err == nil:
		p.allocations(meta.LastIndex, u.allocs)
	case !api.IsNotFound(err):
		return err
	}
	job, _, err := m.c.Jobs().Get(ctx, x.JobID, q)
	switch {
	case api.IsNotFound(err), err == nil && job.Stop:
		p.goal = goalStopped
		return nil
	case err != nil:
		return err
	}
	p.version = job.Version
	d, _, err := m.c.Jobs().LatestDeployment(ctx, x.JobID, q)
	if err != nil {
		return err
	}
	if d == nil || d.JobVersion != job.Version || !d.Active() && d.ID != x.DeploymentID {
		p.goal = goalStarted
		return nil
	}
	p.goal = goalRollout
	p.step("Monitoring deployment %q", short8(d.ID, p.verbose))
	m.poll(ctx, func(q *api.QueryOptions) (update, *api.QueryMeta, error) {
		d, meta, err := m.c.Deployments().Get(ctx, d.ID.String(), q)
		return update{deployment: d}, meta, err
	})
	return nil
}

// maxAddresses bounds the allocations whose addresses are shown at the end.
const maxAddresses = 5

// addresses shows where what was started can be reached.
func (m *monitor) addresses(ctx context.Context) {
	if m.p.goal == goalStopped {
		return
	}
	for _, id := range m.p.running(maxAddresses) {
		a, _, err := m.c.Allocations().Get(ctx, id.String(), nil)
		if err != nil || a.AllocatedResources == nil {
			return // it is only a courtesy
		}
		for _, port := range a.AllocatedResources.Shared.Ports {
			m.p.line("%s: port %s at %s", a.Name, port.Label, net.JoinHostPort(port.HostIP, strconv.Itoa(port.Value)))
		}
	}
}

// monitorRollout follows a deployment until it ends.
func (e *env) monitorRollout(ctx context.Context, c *api.Client, id structs.ID, verbose bool) error {
	p, q := newProgress(e, verbose), &api.QueryOptions{}
	p.step("Monitoring deployment %q", short8(id, verbose))
	for {
		d, meta, err := c.Deployments().Get(ctx, id.String(), q)
		if err != nil {
			return err
		}
		p.rollout(d)
		if done, code := p.rolloutOutcome(); done && code != 0 {
			return exitError{code}
		} else if done {
			return nil
		}
		q = &api.QueryOptions{WaitIndex: max(meta.LastIndex, 1)}
	}
}
