package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"berth/bench"
	"berth/bench/placing"
	"berth/structs"
)

// Times of the memory figures.
const (
	idleTime = 30 * time.Second  // before the memory of idle servers is looked at
	calmTime = 20 * time.Second  // after a burst: a busy server gives back what it needed no sooner than it has been idle for 10 s
	pastTime = 150 * time.Second // the same where nothing may be left: readers of events who were away for 90 s are told of it until then, and Go collects every two minutes
)

// Memory measures what three servers hold: idle, with 10,000 allocations, and when these are gone; and the list of them.
func Memory(ctx context.Context, c Config) ([]bench.Figure, error) {
	return c.measure(ctx, (*cluster).memory)
}

func (k *cluster) memory(ctx context.Context) ([]bench.Figure, error) {
	k.Tell(fmt.Sprintf("%s idle", idleTime))
	if err := wait(ctx, idleTime); err != nil {
		return nil, err
	}
	idle := 0.0
	for i := range k.agents {
		now, err := k.resident(i)
		if err != nil {
			return nil, err
		}
		idle = max(idle, now)
	}
	figures := []bench.Figure{{What: "3 servers, idle: resident memory of the largest", Unit: "MB", Goal: 60, Measured: idle, Nomad: 116}}
	f, err := k.addNodes(ctx, 100)
	if err != nil {
		return figures, err
	}
	lead, err := k.leader(ctx)
	if err != nil {
		return figures, err
	}
	if err := wait(ctx, calmTime); err != nil {
		return figures, err
	}
	before, err := k.residents()
	if err != nil {
		return figures, err
	}
	lines, err := k.lines(ctx, lead, 1)
	if err != nil {
		return figures, err
	}
	body, err := register(placing.Job("large", 10_000))
	if err != nil {
		return figures, err
	}
	k.Tell("placing 10,000 allocations")
	eval, err := lines[0].submit("/v1/jobs", body)
	if err == nil {
		err = lines[0].placed(eval)
	}
	if err == nil {
		err = wait(ctx, calmTime)
	}
	if err != nil {
		return figures, err
	}
	full, err := k.resident(lead)
	if err != nil {
		return figures, err
	}
	had := float64(before[lead].All()) / 1e6
	figures = append(figures, bench.Figure{What: "10,000 allocations cost the leader", Unit: "MB", Goal: 30, Measured: full - had, Nomad: 400,
		Note: fmt.Sprintf("%.0f before, %.0f after", had, full)})
	byNode, took, err := lines[0].list()
	if err != nil {
		return figures, err
	}
	figures = append(figures, bench.Figure{What: "list of 10,000 allocations, 99 of 100", Unit: "ms", Goal: 100, Measured: ms(bench.Percentile(took, 0.99)), Nomad: 409,
		Note: fmt.Sprintf("one reader, p50 %.0f", ms(bench.Percentile(took, 0.5)))})
	k.Tell("purging them")
	if _, _, err = lines[0].ask(http.MethodDelete, "/v1/job/large?purge=true", "", false); err == nil {
		err = f.end(ctx, byNode)
	}
	if err == nil {
		_, _, err = lines[0].ask(http.MethodPut, "/v1/system/gc", "{}", false)
	}
	if err == nil {
		err = wait(ctx, pastTime)
	}
	if err != nil {
		return figures, err
	}
	gone, err := k.residents()
	if err != nil {
		return figures, err
	}
	leader, follower := above(before[lead], gone[lead], "leader"), bench.Figure{Measured: -1}
	for i := range gone {
		if f := above(before[i], gone[i], "the follower that keeps most"); i != lead && f.Measured > follower.Measured {
			follower = f
		}
	}
	return append(figures, leader, follower), nil
}

// above is how much more memory a server has than it had, in all; the note says what of it is its own.
func above(before, gone bench.Resident, who string) bench.Figure {
	return bench.Figure{What: who + ", 150 s after they are purged, above before", Unit: "MB", Goal: 10, Measured: max(0, float64(gone.All()-before.All())/1e6),
		Note: fmt.Sprintf("%.0f; anonymous %+.1f, files and program %+.1f", float64(gone.All())/1e6, float64(gone.Own-before.Own)/1e6, float64(gone.Files-before.Files)/1e6)}
}

// list reads all allocations a hundred times.
func (c *caller) list() (map[structs.ID][]structs.ID, []time.Duration, error) {
	var took []time.Duration
	var text []byte
	for range 100 {
		begin := time.Now()
		var err error
		if text, _, err = c.ask(http.MethodGet, "/v1/allocations", "", false); err != nil {
			return nil, nil, err
		}
		took = append(took, time.Since(begin))
	}
	var all []struct{ ID, NodeID structs.ID }
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, nil, err
	}
	byNode := map[structs.ID][]structs.ID{}
	for _, a := range all {
		byNode[a.NodeID] = append(byNode[a.NodeID], a.ID)
	}
	if len(all) != 10_000 {
		return nil, nil, fmt.Errorf("the list has %d allocations", len(all))
	}
	return byNode, took, nil
}

// resident is a server's memory in MB.
func (k *cluster) resident(i int) (float64, error) {
	n, err := bench.RSS(k.agents[i].Pid())
	return float64(n) / 1e6, err
}

// residents are the servers' memory.
func (k *cluster) residents() ([]bench.Resident, error) {
	var all []bench.Resident
	for _, a := range k.agents {
		r, err := bench.ResidentOf(a.Pid())
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// wait lets time pass.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
