package placing

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"

	"berth/bench"
	"berth/internal/idgen"
	"berth/server"
	"berth/server/heartbeat"
	"berth/state"
	"berth/structs"
)

// served is one server with its log on disk, in this process.
type served struct {
	*server.Server
	cancel context.CancelFunc
	done   chan error
	ids    *idgen.SeededSource
}

// serve starts a server with simulated nodes, which never report anything and are never missed.
func serve(ctx context.Context, dir string, nodes int) (*served, error) {
	dir, err := os.MkdirTemp(dir, "s")
	if err != nil {
		return nil, err
	}
	day := 24 * time.Hour
	s, err := server.New(server.Config{
		Name: "bench", Datacenter: "dc1", DataDir: filepath.Join(dir, "server"), Addr: "127.0.0.1:4647", Logger: hclog.NewNullLogger(),
		Heartbeat: heartbeat.Config{MinTTL: day, Grace: day, FailoverTTL: day},
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	b := &served{Server: s, cancel: cancel, done: make(chan error, 1), ids: idgen.Seeded(11)}
	go func() { b.done <- s.Run(ctx) }()
	select {
	case <-s.Ready():
	case err := <-b.done:
		cancel()
		return nil, errors.Join(errors.New("the server ended before it was ready"), err)
	}
	if err := b.addNodes(ctx, nodes); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *served) close() error {
	b.cancel()
	if err := <-b.done; err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (b *served) addNodes(ctx context.Context, n int) error {
	return many(ctx, 64, n, func(ctx context.Context, i int) error {
		_, err := b.Propose(ctx, structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: Node(b.ids, i)})
		return err
	})
}

// many calls f for 0 to n-1 from some goroutines and waits for all.
func many(ctx context.Context, clients, n int, f func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range clients {
		g.Go(func() error {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := f(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// register proposes a job with its evaluation, as the API does.
func (b *served) register(ctx context.Context, j *structs.Job) error {
	now := time.Now().UnixNano()
	e := &structs.Evaluation{ID: b.NewID(), Namespace: j.Namespace, JobID: j.ID, Type: j.Type, Priority: j.Priority,
		TriggeredBy: structs.EvalTriggerJobRegister, Status: structs.EvalStatusPending, CreateTime: now, ModifyTime: now}
	_, err := b.Propose(ctx, structs.CmdJobRegister, &structs.JobRegisterCommand{Job: j, Eval: e})
	return err
}

// counter follows the allocations: when the first and the last one of some were there.
type counter struct {
	feed  *state.Follower
	first map[string]time.Time // by job
	seen  map[string]int
	total int
}

func (b *served) count() *counter {
	return &counter{feed: b.State().Follow(state.TableAllocs), first: map[string]time.Time{}, seen: map[string]int{}}
}

// until waits until ok; it is asked after every change.
func (c *counter) until(ctx context.Context, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for !ok() {
		changes, err := c.feed.Next(ctx)
		if err != nil {
			return fmt.Errorf("%d allocations are there: %w", c.total, err)
		}
		now := time.Now()
		for _, a := range changes.Allocs {
			if a.Deleted || a.Object.CreateIndex != a.Object.ModifyIndex {
				continue
			}
			if c.seen[a.Object.JobID]++; c.seen[a.Object.JobID] == 1 {
				c.first[a.Object.JobID] = now
			}
			c.total++
		}
	}
	return nil
}

// Served measures through a server with its log below dir.
func Served(ctx context.Context, dir string, log func(string)) ([]bench.Figure, error) {
	var figures []bench.Figure
	for _, nodes := range []int{100, 5000} {
		for _, measure := range []func(context.Context, string, int) ([]bench.Figure, error){oneLarge, manyJobs, dispatches} {
			log(fmt.Sprintf("placing on %d nodes through a server", nodes))
			more, err := measure(ctx, dir, nodes)
			figures = append(figures, more...)
			if err != nil {
				return figures, err
			}
		}
	}
	log("placing on 10,000 idle nodes")
	more, err := idle(ctx, dir)
	return append(figures, more...), err
}

// oneLarge places one job of 10,000, and beside it one of a single task every few milliseconds.
func oneLarge(ctx context.Context, dir string, nodes int) (figures []bench.Figure, err error) {
	best, first, beside := time.Hour, time.Hour, time.Hour
	for range 3 {
		all, one, worst, err := largeRound(ctx, dir, nodes)
		if err != nil {
			return nil, err
		}
		best, first, beside = min(best, all), min(first, one), min(beside, worst)
	}
	on := fmt.Sprintf("one server, %d nodes: ", nodes)
	return []bench.Figure{
		{What: on + "10,000 allocations of one job", Unit: "s", Goal: 1, Measured: best.Seconds(), Nomad: 34},
		{What: on + "the first of these visible", Unit: "ms", Goal: 50, Measured: ms(first), Nomad: 34_000},
		{What: on + "a job of one task beside them, worst", Unit: "ms", Goal: 50, Measured: ms(beside), Nomad: 8800},
	}, nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func largeRound(ctx context.Context, dir string, nodes int) (all, first, beside time.Duration, err error) {
	b, err := serve(ctx, dir, nodes)
	if err != nil {
		return 0, 0, 0, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	c := b.count()
	defer c.feed.Close()
	const count, singles = 10_000, 5
	begin := time.Now()
	if err := b.register(ctx, Job("large", count)); err != nil {
		return 0, 0, 0, err
	}
	// The small ones come while it is being placed.
	var begins [singles]time.Time
	small := make(chan error, 1)
	go func() {
		for i := range singles {
			begins[i] = time.Now()
			if err := b.register(ctx, Job(fmt.Sprint("small-", i), 1)); err != nil {
				small <- err
				return
			}
		}
		small <- nil
	}()
	err = c.until(ctx, func() bool { return c.seen["large"] == count })
	all = time.Since(begin)
	if err = errors.Join(err, <-small); err != nil {
		return 0, 0, 0, err
	}
	if err := c.until(ctx, func() bool { return c.total == count+singles }); err != nil {
		return 0, 0, 0, err
	}
	for i := range singles {
		beside = max(beside, c.first[fmt.Sprint("small-", i)].Sub(begins[i]))
	}
	return all, c.first["large"].Sub(begin), beside, nil
}

// manyJobs registers 1,000 jobs of 10 from 16 clients.
func manyJobs(ctx context.Context, dir string, nodes int) ([]bench.Figure, error) {
	best, err := crowd(ctx, dir, nodes, 1000, 10, func(int, *structs.Job) {})
	return []bench.Figure{{What: fmt.Sprintf("one server, %d nodes: 1,000 jobs of 10 from 16 clients", nodes), Unit: "s", Goal: 2, Measured: best.Seconds(), Nomad: 40}}, err
}

// dispatches registers 5,000 instances of a parameterized job, as dispatching does.
func dispatches(ctx context.Context, dir string, nodes int) ([]bench.Figure, error) {
	best, err := crowd(ctx, dir, nodes, 5000, 1, func(i int, j *structs.Job) {
		j.Type, j.Update = structs.JobTypeBatch, nil
		j.ID = fmt.Sprintf("resize/dispatch-1767225600-%08x", i)
		j.ParentID, j.Dispatched, j.Payload = "resize", true, []byte("a small payload")
		j.ParameterizedJob = &structs.ParameterizedJobConfig{Payload: "optional"}
	})
	return []bench.Figure{{What: fmt.Sprintf("one server, %d nodes: 5,000 dispatches", nodes), Unit: "s", Goal: 3, Measured: best.Seconds(), Nomad: 37}}, err
}

func crowd(ctx context.Context, dir string, nodes, jobs, count int, change func(int, *structs.Job)) (time.Duration, error) {
	best := time.Hour
	for range 3 {
		took, err := crowdRound(ctx, dir, nodes, jobs, count, change)
		if err != nil {
			return 0, err
		}
		best = min(best, took)
	}
	return best, nil
}

func crowdRound(ctx context.Context, dir string, nodes, jobs, count int, change func(int, *structs.Job)) (took time.Duration, err error) {
	b, err := serve(ctx, dir, nodes)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	c := b.count()
	defer c.feed.Close()
	all := make([]*structs.Job, jobs)
	for i := range all {
		all[i] = Job(fmt.Sprint("job-", i), count, func(j *structs.Job) { change(i, j) })
	}
	begin := time.Now()
	registered := make(chan error, 1)
	go func() {
		registered <- many(ctx, 16, jobs, func(ctx context.Context, i int) error { return b.register(ctx, all[i]) })
	}()
	err = c.until(ctx, func() bool { return c.total == jobs*count })
	took = time.Since(begin)
	return took, errors.Join(err, <-registered)
}

// idle measures from the registration of a job of one task to its allocation, on 10,000 nodes that do nothing else.
func idle(ctx context.Context, dir string) (figures []bench.Figure, err error) {
	b, err := serve(ctx, dir, 10_000)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	c := b.count()
	defer c.feed.Close()
	var took []time.Duration
	for i := range 500 {
		j := Job(fmt.Sprint("job-", i), 1)
		begin := time.Now()
		if err := b.register(ctx, j); err != nil {
			return nil, err
		}
		if err := c.until(ctx, func() bool { return c.total == i+1 }); err != nil {
			return nil, err
		}
		took = append(took, time.Since(begin))
	}
	return []bench.Figure{{What: "one server, 10,000 idle nodes: register to placed, p99", Unit: "ms", Goal: 25, Measured: ms(bench.Percentile(took, 0.99))}}, nil
}
