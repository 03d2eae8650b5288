package placing

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"berth/bench"
	"berth/structs"
)

// Huge places two million allocations, 10,000 a job, on 6,100 nodes through one server: minutes, and gigabytes of memory.
func Huge(ctx context.Context, dir string) (figures []bench.Figure, err error) {
	const nodes, jobs, count = 6100, 200, 10_000
	return fill(ctx, dir, nodes, jobs, count)
}

func fill(ctx context.Context, dir string, nodes, jobs, count int) (figures []bench.Figure, err error) {
	b, err := serve(ctx, dir, nodes)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	c := b.count()
	defer c.feed.Close()
	begin := time.Now()
	registered := make(chan error, 1)
	go func() {
		registered <- many(ctx, 4, jobs, func(ctx context.Context, i int) error {
			return b.register(ctx, Job(fmt.Sprint("job-", i), count, func(j *structs.Job) { j.Type, j.Update = structs.JobTypeBatch, nil }))
		})
	}()
	err = c.until(ctx, func() bool { return c.total == jobs*count })
	took := time.Since(begin)
	if err := errors.Join(err, <-registered); err != nil {
		return nil, err
	}
	memory, err := bench.RSS(os.Getpid())
	if err != nil {
		return nil, err
	}
	on := fmt.Sprintf("one server, %d nodes: %d allocations", nodes, jobs*count)
	return []bench.Figure{
		{What: on, Unit: "min", Goal: 5, Measured: took.Minutes()},
		{What: on + ", resident memory", Unit: "GB", Goal: 12, Measured: float64(memory) / 1e9, Note: "log, nodes and clients of the case included"},
	}, nil
}
