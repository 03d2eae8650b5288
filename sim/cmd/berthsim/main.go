// Command berthsim simulates clusters from seeds and ends with exit code 1 when a checker found something.
//
//	berthsim -seeds 1000      tries the seeds 1 to 1000
//	berthsim -seed 7 -v       replays one, with every event
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
	nodes := flag.Int("nodes", 50, "nodes of the cluster")
	flag.Parse()
	ok := false
	if *seed != 0 {
		ok = replay(*seed, *nodes, *verbose)
	} else {
		ok = try(*first, *seeds, *nodes)
	}
	if !ok {
		os.Exit(1)
	}
}

func replay(seed uint64, nodes int, verbose bool) bool {
	c := sim.DefaultConfig(seed)
	c.Nodes = nodes
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	if verbose {
		c.Trace = out
	}
	return show(out, sim.Run(c))
}

// try runs seeds on all processors; each run is one goroutine's.
func try(first uint64, count, nodes int) bool {
	begin := time.Now()
	next := make(chan uint64)
	reports := make(chan *sim.Report)
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Go(func() {
			for seed := range next {
				c := sim.DefaultConfig(seed)
				c.Nodes = nodes
				reports <- sim.Run(c)
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
			ok = show(os.Stdout, r)
		}
	}
	fmt.Printf("%d seeds, %d events, %s of virtual time in %s\n", count, events, virtual, time.Since(begin).Round(time.Millisecond))
	return ok
}

func show(out interface{ Write([]byte) (int, error) }, r *sim.Report) bool {
	fmt.Fprintln(out, r)
	for _, p := range r.Problems {
		fmt.Fprintln(out, "  "+p)
	}
	if len(r.Problems) > 0 {
		fmt.Fprintf(out, "  replay: make sim SEED=%d\n", r.Seed)
	}
	return len(r.Problems) == 0
}
