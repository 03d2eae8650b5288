// Command berthsim simulates clusters from seeds and ends with exit code 1 when a checker found something.
//
//	berthsim -seeds 1000      tries the seeds 1 to 1000
//	berthsim -seed 7 -v       replays one, with every event
//	berthsim -full            clusters that are full: six nodes, preemption for all
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"berth/sim"
)

func main() {
	seed := flag.Uint64("seed", 0, "replay this seed")
	first := flag.Uint64("first", 1, "the first of several seeds")
	seeds := flag.Int("seeds", 200, "how many seeds to try")
	verbose := flag.Bool("v", false, "print every event of -seed")
	nodes := flag.Int("nodes", 0, "nodes of the cluster; 50 if not given, 6 of a full one")
	full := flag.Bool("full", false, "clusters that are full: few nodes for as many jobs, and preemption for all")
	flag.Parse()
	ok, m := false, model{nodes: *nodes, full: *full}
	if *seed != 0 {
		ok = m.replay(*seed, *verbose)
	} else {
		ok = m.try(*first, *seeds)
	}
	if !ok {
		os.Exit(1)
	}
}

// model is what the clusters are like.
type model struct {
	nodes int // 0 is as many as such a cluster has
	full  bool
}

func (m model) config(seed uint64) sim.Config {
	c := sim.DefaultConfig(seed)
	if m.full {
		c = sim.FullConfig(seed)
	}
	if m.nodes > 0 {
		c.Nodes = m.nodes
	}
	return c
}

func (m model) replay(seed uint64, verbose bool) bool {
	c := m.config(seed)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	if verbose {
		c.Trace = out
	}
	return m.show(out, sim.Run(c))
}

// try runs seeds on all processors; each run is one goroutine's.
func (m model) try(first uint64, count int) bool {
	begin := time.Now()
	next := make(chan uint64)
	reports := make(chan *sim.Report)
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Go(func() {
			for seed := range next {
				reports <- sim.Run(m.config(seed))
			}
		})
	}
	go func() {
		for i := range count {
			next <- first + uint64(i)
		}
		close(next)
		workers.Wait()
		close(reports)
	}()
	ok, events, virtual := true, 0, time.Duration(0)
	for r := range reports {
		events, virtual = events+r.Events, virtual+r.Virtual
		if len(r.Problems) > 0 {
			ok = m.show(os.Stdout, r)
		}
	}
	fmt.Printf("%d seeds, %d events, %s of virtual time in %s\n", count, events, virtual, time.Since(begin).Round(time.Millisecond))
	return ok
}

func (m model) show(out interface{ Write([]byte) (int, error) }, r *sim.Report) bool {
	fmt.Fprintln(out, r)
	for _, p := range r.Problems {
		fmt.Fprintln(out, "  "+p)
	}
	if len(r.Problems) > 0 {
		with := ""
		if m.full {
			with = " FULL=1"
		}
		fmt.Fprintf(out, "  replay: make sim SEED=%d%s\n", r.Seed, with)
	}
	return len(r.Problems) == 0
}
