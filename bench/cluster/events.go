package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"berth/bench"
)

// readers are how many follow the events of the leader.
const readers = 10

// followed registers jobs as registrations does, while readers follow all events of the leader. A reader that is cut off is an error.
func (k *cluster) followed(ctx context.Context) (figures []bench.Figure, err error) {
	lead, err := k.leader(ctx)
	if err != nil {
		return nil, err
	}
	k.Tell(fmt.Sprintf("registering jobs while %d follow the events", readers))
	following, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	failed := make([]error, readers)
	begun := make(chan struct{}, 2*readers)
	for i := range readers {
		all.Go(func() {
			failed[i] = k.follow(following, lead, begun)
			begun <- struct{}{} // also when it never began
		})
	}
	defer func() {
		stop()
		all.Wait()
		err = errors.Join(append(failed, err)...)
	}()
	for range readers {
		select {
		case <-begun:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	rate, p99, err := k.load(ctx, lead, func(c *caller, who, n int) error {
		_, _, err := c.ask(http.MethodPut, "/v1/jobs", job(fmt.Sprintf("seen-%d-%d", who, n), "8080"), false)
		return err
	})
	if err != nil {
		return nil, err
	}
	return []bench.Figure{
		{What: fmt.Sprintf("registrations while %d follow all events", readers), Unit: "1/s", Goal: 5000, Measured: rate, More: true, Note: "readers on the same cores"},
		{What: "registration then, 99 of 100", Unit: "ms", Goal: 50, Measured: float64(p99) / 1e6},
	}, nil
}

// follow reads a stream to the end of ctx. A stream that ends before is an error: its reader was too slow, or cut off.
func (k *cluster) follow(ctx context.Context, at int, begun chan<- struct{}) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+apiAddr+"/v1/event/stream?namespace=*", nil)
	if err != nil {
		return err
	}
	resp, err := k.client[at].Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	in := bufio.NewReaderSize(resp.Body, 1<<20)
	if _, err := in.ReadSlice('\n'); err != nil {
		return err
	}
	begun <- struct{}{}
	if _, err := io.Copy(io.Discard, in); ctx.Err() == nil {
		return fmt.Errorf("an event stream ended: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	return nil
}
