// Command berthbench prints the figures of a build beside their goals. It needs root, as the agent does.
//
//	berthbench -binary ./berth
//	berthbench -only placing        # needs no root
//	berthbench -only cluster        # leaders of three servers killed and stopped: minutes
//	berthbench -only requests       # what three servers answer
//	berthbench -only placed         # placing through three servers
//	berthbench -only memory         # what three servers hold
//	berthbench -only snapshot       # a million allocations saved and restored
//	berthbench -only huge           # two million allocations: minutes
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"berth/bench"
	"berth/bench/cluster"
	"berth/bench/language"
	"berth/bench/placing"
	"berth/bench/snapshot"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "berthbench:", err)
		os.Exit(1)
	}
}

func run() error {
	binary := flag.String("binary", "./berth", "the program to measure")
	c := bench.DefaultConfig("")
	flag.IntVar(&c.Starts, "starts", c.Starts, "agent starts to measure")
	flag.IntVar(&c.Jobs, "jobs", c.Jobs, "jobs to run")
	flag.DurationVar(&c.Idle, "idle", c.Idle, "idle time before the idle figures")
	flag.DurationVar(&c.Window, "window", c.Window, "time over which the idle processor use is taken")
	k := cluster.Config{Tell: func(what string) { fmt.Fprintln(os.Stderr, what) }}
	flag.IntVar(&k.Kills, "kills", 20, "leaders of a cluster to kill")
	flag.IntVar(&k.Stops, "stops", 10, "leaders of a cluster to stop")
	flag.DurationVar(&k.Load, "load", 5*time.Second, "time of each kind of request to a cluster")
	only := flag.String("only", "", "measure one part only: agent, language, placing, cluster, requests, placed, memory, snapshot or huge; without it agent, language and placing")
	flag.Parse()
	k.Binary = *binary
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	before, err := bench.Machine(os.TempDir())
	if err != nil {
		return err
	}
	var figures []bench.Figure
	switch *only {
	case "":
		figures, err = agent(ctx, c, *binary)
		if err == nil {
			var more []bench.Figure
			more, err = below(func(dir string) ([]bench.Figure, error) { return language.Measure(ctx, *binary, dir) })
			figures = append(figures, more...)
		}
		if err == nil {
			var more []bench.Figure
			more, err = place(ctx)
			figures = append(figures, more...)
		}
	case "agent":
		figures, err = agent(ctx, c, *binary)
	case "language":
		figures, err = below(func(dir string) ([]bench.Figure, error) { return language.Measure(ctx, *binary, dir) })
	case "placing":
		figures, err = place(ctx)
	case "cluster":
		figures, err = cluster.Failover(ctx, k)
	case "requests":
		figures, err = cluster.Requests(ctx, k)
	case "placed":
		figures, err = cluster.Placed(ctx, k)
	case "memory":
		figures, err = cluster.Memory(ctx, k)
	case "snapshot":
		figures, err = below(func(dir string) ([]bench.Figure, error) { return snapshot.Measure(ctx, dir, k.Tell) })
	case "huge":
		figures, err = below(func(dir string) ([]bench.Figure, error) { return placing.Huge(ctx, dir) })
	default:
		return fmt.Errorf("-only %s: say agent, language, placing, cluster, requests, placed, memory, snapshot or huge", *only)
	}
	bench.Print(os.Stdout, figures)
	after, machineErr := bench.Machine(os.TempDir())
	fmt.Printf("before: %s\nafter:  %s\n", before, after)
	return errors.Join(err, machineErr)
}

func agent(ctx context.Context, c bench.Config, binary string) ([]bench.Figure, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("containers need root: run with sudo, or with -only placing")
	}
	c.Binary = binary
	return bench.Run(ctx, c)
}

func place(ctx context.Context) ([]bench.Figure, error) {
	fmt.Fprintln(os.Stderr, "placing on fleets in memory")
	figures, err := placing.Core()
	if err != nil {
		return figures, err
	}
	more, err := below(func(dir string) ([]bench.Figure, error) {
		return placing.Served(ctx, dir, func(what string) { fmt.Fprintln(os.Stderr, what) })
	})
	return append(figures, more...), err
}

// below measures with a directory that is removed afterwards.
func below(measure func(dir string) ([]bench.Figure, error)) (figures []bench.Figure, err error) {
	dir, err := os.MkdirTemp("", "berthbench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return measure(dir)
}
