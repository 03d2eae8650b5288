package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/bench"
	"berth/bench/placing"
	"berth/structs"
)

// Placed measures placing through three servers: what a caller of the leader's API sees.
func Placed(ctx context.Context, c Config) (figures []bench.Figure, err error) {
	for _, nodes := range []int{100, 5000} {
		for _, f := range []func(*cluster, context.Context, int) ([]bench.Figure, error){(*cluster).oneLarge, (*cluster).manyJobs, (*cluster).dispatches} {
			more, err := c.measure(ctx, func(k *cluster, ctx context.Context) ([]bench.Figure, error) { return f(k, ctx, nodes) })
			figures = append(figures, more...)
			if err != nil {
				return figures, err
			}
		}
	}
	more, err := c.measure(ctx, (*cluster).idlePlaced)
	return append(figures, more...), err
}

// register gives the body of a registration.
func register(j *structs.Job) (string, error) {
	text, err := json.Marshal(&structs.JobRegisterRequest{Job: j})
	return string(text), err
}

// submit registers, or dispatches, and gives the evaluation.
func (c *caller) submit(path, body string) (eval string, err error) {
	text, _, err := c.ask(http.MethodPut, path, body, false)
	if err != nil {
		return "", err
	}
	var answer struct{ EvalID string }
	return answer.EvalID, json.Unmarshal(text, &answer)
}

// placed waits until an evaluation is complete, and has placed everything.
func (c *caller) placed(eval string) error {
	for index := uint64(0); ; {
		text, now, err := c.ask(http.MethodGet, fmt.Sprintf("/v1/evaluation/%s?index=%d", eval, index), "", false)
		if err != nil {
			return err
		}
		var e struct {
			Status         string
			FailedTGAllocs map[string]any
		}
		if err := json.Unmarshal(text, &e); err != nil {
			return err
		}
		switch {
		case e.Status == structs.EvalStatusComplete && len(e.FailedTGAllocs) == 0:
			return nil
		case e.Status != structs.EvalStatusPending:
			return fmt.Errorf("evaluation %s is %s: %s", eval, e.Status, text)
		}
		index = now
	}
}

// oneLarge places one job of 10,000, and jobs of one task beside it, one after the other.
func (k *cluster) oneLarge(ctx context.Context, nodes int) (_ []bench.Figure, err error) {
	lead, err := k.ready(ctx, nodes)
	if err != nil {
		return nil, err
	}
	const count = 10_000
	k.Tell(fmt.Sprintf("placing %d allocations on %d nodes", count, nodes))
	lines, err := k.lines(ctx, lead, 3)
	if err != nil {
		return nil, err
	}
	body, err := register(placing.Job("large", count))
	if err != nil {
		return nil, err
	}
	var over atomic.Bool
	var first, all, beside time.Duration
	singles := 0
	begin := time.Now()
	eval, err := lines[0].submit("/v1/jobs", body)
	if err != nil {
		return nil, err
	}
	g, _ := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer over.Store(true)
		err := lines[0].placed(eval)
		all = time.Since(begin)
		return err
	})
	g.Go(func() error {
		for index := uint64(0); ; {
			text, now, err := lines[1].ask(http.MethodGet, fmt.Sprintf("/v1/job/large/summary?index=%d", index), "", false)
			if err != nil {
				return err
			}
			var s structs.JobSummary
			if err := json.Unmarshal(text, &s); err != nil {
				return err
			}
			for _, line := range s.Summary {
				if line.Starting > 0 {
					first = time.Since(begin)
					return nil
				}
			}
			index = now
		}
	})
	g.Go(func() error {
		for ; !over.Load(); singles++ {
			body, err := register(placing.Job(fmt.Sprint("small-", singles), 1))
			if err != nil {
				return err
			}
			at := time.Now()
			eval, err := lines[2].submit("/v1/jobs", body)
			if err == nil {
				err = lines[2].placed(eval)
			}
			if err != nil {
				return err
			}
			beside = max(beside, time.Since(at))
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	on := fmt.Sprintf("3 servers, %d nodes: ", nodes)
	return []bench.Figure{
		{What: on + "10,000 allocations of one job", Unit: "s", Goal: 1, Measured: all.Seconds(), Nomad: 34},
		{What: on + "the first of these visible", Unit: "ms", Goal: 50, Measured: ms(first), Nomad: 34_000},
		{What: on + "a job of one task beside them, worst", Unit: "ms", Goal: 50, Measured: ms(beside), Nomad: 8800, Note: fmt.Sprintf("of %d", singles)},
	}, nil
}

// manyJobs registers 1,000 jobs of 10 from 16 callers.
func (k *cluster) manyJobs(ctx context.Context, nodes int) ([]bench.Figure, error) {
	bodies := make([]string, 1000)
	for i := range bodies {
		var err error
		if bodies[i], err = register(placing.Job(fmt.Sprint("job-", i), 10)); err != nil {
			return nil, err
		}
	}
	took, err := k.crowd(ctx, nodes, "/v1/jobs", bodies, nil)
	return []bench.Figure{{What: fmt.Sprintf("3 servers, %d nodes: 1,000 jobs of 10 from 16 clients", nodes), Unit: "s", Goal: 2, Measured: took.Seconds(), Nomad: 40}}, err
}

// dispatches makes 5,000 instances of a parameterized job.
func (k *cluster) dispatches(ctx context.Context, nodes int) ([]bench.Figure, error) {
	template, err := register(placing.Job("resize", 1, func(j *structs.Job) {
		j.Type, j.Update = structs.JobTypeBatch, nil
		j.ParameterizedJob = &structs.ParameterizedJobConfig{Payload: structs.DispatchPayloadOptional}
	}))
	if err != nil {
		return nil, err
	}
	bodies := make([]string, 5000)
	for i := range bodies {
		bodies[i] = `{"Payload":"YSBzbWFsbCBwYXlsb2Fk"}`
	}
	took, err := k.crowd(ctx, nodes, "/v1/job/resize/dispatch", bodies, func(c *caller) error {
		_, _, err := c.ask(http.MethodPut, "/v1/jobs", template, false)
		return err
	})
	return []bench.Figure{{What: fmt.Sprintf("3 servers, %d nodes: 5,000 dispatches", nodes), Unit: "s", Goal: 3, Measured: took.Seconds(), Nomad: 37}}, err
}

// crowd sends requests from 16 callers and waits until all of them are placed.
func (k *cluster) crowd(ctx context.Context, nodes int, path string, bodies []string, first func(*caller) error) (time.Duration, error) {
	lead, err := k.ready(ctx, nodes)
	if err != nil {
		return 0, err
	}
	lines, err := k.lines(ctx, lead, 16)
	if err != nil {
		return 0, err
	}
	if first != nil {
		if err := first(lines[0]); err != nil {
			return 0, err
		}
	}
	k.Tell(fmt.Sprintf("%d requests that place, %d nodes", len(bodies), nodes))
	var next atomic.Int64
	var all sync.WaitGroup
	errs := make([]error, len(lines))
	begin := time.Now()
	for w, c := range lines {
		all.Go(func() {
			var evals []string
			for i := int(next.Add(1)) - 1; i < len(bodies) && errs[w] == nil; i = int(next.Add(1)) - 1 {
				var eval string
				eval, errs[w] = c.submit(path, bodies[i])
				evals = append(evals, eval)
			}
			for i := len(evals) - 1; i >= 0 && errs[w] == nil; i-- { // the last is likely to be the last
				errs[w] = c.placed(evals[i])
			}
		})
	}
	all.Wait()
	return time.Since(begin), errors.Join(errs...)
}

// idlePlaced measures from the registration of a job of one task to its placement, on 10,000 nodes that do nothing else.
func (k *cluster) idlePlaced(ctx context.Context) ([]bench.Figure, error) {
	lead, err := k.ready(ctx, 10_000)
	if err != nil {
		return nil, err
	}
	lines, err := k.lines(ctx, lead, 1)
	if err != nil {
		return nil, err
	}
	k.Tell("placing single tasks on 10,000 nodes")
	var took []time.Duration
	for i := range 300 {
		body, err := register(placing.Job(fmt.Sprint("job-", i), 1))
		if err != nil {
			return nil, err
		}
		begin := time.Now()
		eval, err := lines[0].submit("/v1/jobs", body)
		if err == nil {
			err = lines[0].placed(eval)
		}
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(begin))
	}
	return []bench.Figure{{What: "3 servers, 10,000 idle nodes: register to placed, p99", Unit: "ms", Goal: 25, Measured: ms(bench.Percentile(took, 0.99)),
		Note: fmt.Sprintf("p50 %.1f", ms(bench.Percentile(took, 0.5)))}}, nil
}

// ready registers nodes and gives the leader.
func (k *cluster) ready(ctx context.Context, nodes int) (int, error) {
	k.Tell(fmt.Sprintf("registering %d nodes", nodes))
	if _, err := k.addNodes(ctx, nodes); err != nil {
		return 0, err
	}
	return k.leader(ctx)
}

// lines are connections to a server's API; the cluster closes them.
func (k *cluster) lines(ctx context.Context, at, n int) ([]*caller, error) {
	out := make([]*caller, n)
	for i := range out {
		c, err := dial(ctx, k.lan.Hosts[at])
		if err != nil {
			return nil, err
		}
		k.open = append(k.open, c)
		out[i] = c
	}
	return out, nil
}
