package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (e *env) systemCommand() *cobra.Command {
	gc := &cobra.Command{Use: "gc", Short: "remove everything that is over", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		return client.SystemGC(cmd.Context())
	}}
	return e.group("system", "the cluster as a whole", gc)
}

func (e *env) serverCommand() *cobra.Command {
	var s shown
	members := &cobra.Command{Use: "members", Short: "list the servers", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		m, err := client.Agent().Members(cmd.Context())
		if err != nil {
			return err
		}
		if done, err := e.print(s, m); done {
			return err
		}
		leader, err := client.Leader(cmd.Context())
		rows := [][]string{{"Name", "Address", "Port", "Status", "Leader", "Build", "Datacenter", "Region"}}
		for _, x := range m.Members {
			rows = append(rows, []string{x.Name, x.Addr, fmt.Sprint(x.Port), x.Status, fmt.Sprint(err == nil && leader != ""), x.Tags["build"], x.Tags["dc"], x.Tags["region"]})
		}
		e.table(rows)
		return nil
	}}
	members.Flags().BoolVar(&s.json, "json", false, "print JSON")
	members.Flags().BoolVar(&s.verbose, "verbose", false, "show everything")
	return e.group("server", "the servers", members)
}

func (e *env) operatorCommand() *cobra.Command {
	var algorithm string
	var oversubscribe bool
	get := &cobra.Command{Use: "get-config", Short: "print the scheduler's configuration", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		resp, _, err := client.Operator().SchedulerConfiguration(cmd.Context(), nil)
		if err != nil {
			return err
		}
		_, err = e.print(shown{json: true}, resp.SchedulerConfig)
		return err
	}}
	set := &cobra.Command{Use: "set-config", Short: "change the scheduler's configuration", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		resp, _, err := client.Operator().SchedulerConfiguration(cmd.Context(), nil)
		if err != nil {
			return err
		}
		cfg := resp.SchedulerConfig
		if algorithm != "" {
			cfg.SchedulerAlgorithm = algorithm
		}
		if cmd.Flags().Changed("memory-oversubscription") {
			cfg.MemoryOversubscriptionEnabled = oversubscribe
		}
		done, _, err := client.Operator().SetSchedulerConfiguration(cmd.Context(), cfg, &cfg.ModifyIndex, nil)
		if err != nil {
			return err
		}
		if !done.Updated {
			return fmt.Errorf("somebody changed the configuration meanwhile: look at it and try again")
		}
		e.say("Scheduler configuration updated!")
		return nil
	}}
	set.Flags().StringVar(&algorithm, "scheduler-algorithm", "", "binpack or spread")
	set.Flags().BoolVar(&oversubscribe, "memory-oversubscription", false, "let tasks use memory_max")
	peers := &cobra.Command{Use: "list-peers", Short: "list the voters", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		cfg, err := client.Operator().RaftConfiguration(cmd.Context(), nil)
		if err != nil {
			return err
		}
		rows := [][]string{{"Node", "ID", "Address", "State", "Voter", "RaftProtocol"}}
		for _, s := range cfg.Servers {
			rows = append(rows, []string{s.Node, s.ID, s.Address, map[bool]string{true: "leader", false: "follower"}[s.Leader], fmt.Sprint(s.Voter), s.RaftProtocol})
		}
		e.table(rows)
		return nil
	}}
	return e.group("operator", "for whoever runs the cluster", e.group("scheduler", "how placements are chosen", get, set), e.group("raft", "the log's members", peers))
}
