// Command berthbench prints the figures of a build beside their goals. It needs root, as the agent does.
//
//	berthbench -binary ./berth
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"berth/bench"
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
	flag.Parse()
	if os.Geteuid() != 0 {
		return fmt.Errorf("containers need root: run with sudo")
	}
	c.Binary = *binary
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	figures, err := bench.Run(ctx, c)
	bench.Print(os.Stdout, figures)
	return err
}
