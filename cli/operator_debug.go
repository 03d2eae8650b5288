package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"berth/cli/bundle"
	"berth/internal/version"
)

func (e *env) operatorDebug() *cobra.Command {
	o := bundle.Options{Version: version.String(), Tell: e.say}
	var servers, nodes, topics, output string
	c := &cobra.Command{
		Use: "debug", Short: "collect what is needed to look into a cluster later, in one archive", Args: cobra.NoArgs,
		Long: "Asks servers and nodes for a while and writes one tar.gz: members, raft, autopilot, the lists of jobs, allocations, evaluations,\n" +
			"deployments and nodes at every interval, and of each agent how it is configured, its machine, figures, log and profiles. Profiles and\n" +
			"the machine are shown by agents with access control, or with enable_debug = true. index.json in the archive lists the files, and why one is missing.\n\n" +
			"Secrets of configurations and environments are left out by the agents; names of jobs, nodes and addresses are in it, and so is\n" +
			"what logs say. Look before you pass it on. An interrupt ends it early; what was collected is kept.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.Duration <= 0 || o.Interval <= 0:
				return errors.New("-duration and -interval must be longer than nothing")
			case o.Interval > o.Duration:
				return fmt.Errorf("-interval=%s is longer than -duration=%s", o.Interval, o.Duration)
			case o.Profile < 0 || o.Profile > 5*time.Minute || o.Profile > 0 && o.Profile < time.Second:
				return errors.New("-pprof-duration must be 0, or 1s to 5m")
			}
			o.Servers, o.Nodes = listed(servers), listed(nodes)
			if topics != "none" {
				o.Topics = strings.Split(topics, ",")
			}
			client, err := e.client()
			if err != nil {
				return err
			}
			root := "berth-debug-" + time.Now().UTC().Format("2006-01-02T150405Z")
			if output == "" {
				output = root + ".tar.gz"
			}
			f, err := os.OpenFile(output, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return newFileFault(output, err)
			}
			_, err = bundle.Capture(cmd.Context(), client, o, root, f)
			if cerr := f.Close(); err == nil {
				err = cerr
			}
			if err != nil {
				_ = os.Remove(output) // it holds nothing
				return err
			}
			abs, err := filepath.Abs(output)
			if err != nil {
				return err
			}
			e.say("Created debug archive: %s", abs)
			return nil
		},
	}
	f := c.Flags()
	f.DurationVar(&o.Duration, "duration", 2*time.Minute, "how long logs are followed")
	f.DurationVar(&o.Interval, "interval", 30*time.Second, "how often lists and figures are taken")
	f.DurationVar(&o.Profile, "pprof-duration", time.Second, "how long processors are profiled; 0 does not")
	f.StringVar(&o.LogLevel, "log-level", "DEBUG", "level of the logs")
	f.StringVar(&servers, "server-id", "all", "servers to look into: names or ids with commas between, leader, or all")
	f.StringVar(&nodes, "node-id", "all", "nodes to look into: ids with commas between, all, or none")
	f.IntVar(&o.MaxNodes, "max-nodes", 10, "at most so many nodes of all; 0 is no limit")
	f.StringVar(&topics, "event-topic", "Evaluation:*,Deployment:*,Node:*",
		"topics of the events to follow, with commas between, or none; Job, Allocation and * bring whole jobs, with the secrets in their environment")
	f.BoolVar(&o.Stale, "stale", false, "let any server answer, leader or not: for a cluster without one")
	f.StringVar(&output, "output", "", "the archive's file; without it one is named after the time")
	return c
}

// listed splits a list; nil stands for all.
func listed(text string) []string {
	switch text {
	case "all", "":
		return nil
	case "none":
		return []string{}
	}
	return strings.Split(text, ",")
}
