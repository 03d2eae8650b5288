package cli

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"berth/api"
)

func (e *env) raftPeers() *cobra.Command {
	var stale bool
	c := &cobra.Command{Use: "list-peers", Short: "list the voters", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		cfg, err := client.Operator().RaftConfiguration(cmd.Context(), &api.QueryOptions{Stale: stale})
		if err != nil {
			return err
		}
		rows := [][]string{{"Node", "ID", "Address", "State", "Voter", "RaftProtocol"}}
		for _, s := range cfg.Servers {
			state := "follower"
			if s.Leader {
				state = "leader"
			}
			rows = append(rows, []string{s.Node, s.ID, s.Address, state, fmt.Sprint(s.Voter), s.RaftProtocol})
		}
		e.table(rows)
		return nil
	}}
	c.Flags().BoolVar(&stale, "stale", false, "let any server answer: for a cluster without a leader")
	return c
}

// peerFlags name a server of the Raft cluster.
type peerFlags struct{ id, address string }

func (p *peerFlags) add(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&p.id, "peer-id", "", "the server's id")
	c.Flags().StringVar(&p.address, "peer-address", "", "the address of its cluster port, host:port")
	return c
}

func (p *peerFlags) check(optional bool) error {
	switch {
	case p.id != "" && p.address != "":
		return errors.New("give -peer-id or -peer-address, not both")
	case p.id == "" && p.address == "" && !optional:
		return errors.New("name the server: -peer-id=ID or -peer-address=HOST:PORT (`berth operator raft list-peers` lists them)")
	}
	return nil
}

func (e *env) raftRemovePeer() *cobra.Command {
	var p peerFlags
	return p.add(&cobra.Command{Use: "remove-peer", Short: "take a server out of the cluster", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		if err := p.check(false); err != nil {
			return err
		}
		client, err := e.client()
		if err != nil {
			return err
		}
		if err := client.Operator().RemovePeer(cmd.Context(), p.id, p.address); err != nil {
			return err
		}
		e.say("Removed peer %s", p.id+p.address)
		return nil
	}})
}

func (e *env) raftTransfer() *cobra.Command {
	var p peerFlags
	return p.add(&cobra.Command{Use: "transfer-leadership", Short: "make another server the leader", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		if err := p.check(true); err != nil {
			return err
		}
		client, err := e.client()
		if err != nil {
			return err
		}
		resp, err := client.Operator().TransferLeadership(cmd.Context(), p.id, p.address)
		if err != nil {
			return err
		}
		if resp.Noop {
			e.say("Server %s leads already", resp.From.Address)
			return nil
		}
		e.say("Leadership was given away by %s", resp.From.Address)
		return nil
	}})
}

func (e *env) autopilotConfig() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "get-config", Short: "show the autopilot's configuration", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		cfg, err := client.Operator().AutopilotConfiguration(cmd.Context())
		if err != nil {
			return err
		}
		if done, err := e.print(s, cfg); done {
			return err
		}
		e.pairs([][2]string{{"Cleanup Dead Servers", fmt.Sprint(cfg.CleanupDeadServers)}, {"Last Contact Threshold", cfg.LastContactThreshold},
			{"Max Trailing Logs", fmt.Sprint(cfg.MaxTrailingLogs)}, {"Min Quorum", fmt.Sprint(cfg.MinQuorum)},
			{"Server Stabilization Time", cfg.ServerStabilizationTime}})
		return nil
	}}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}

func (e *env) autopilotHealth() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "health", Short: "show how well the servers are", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		h, err := client.Operator().AutopilotHealth(cmd.Context())
		if err != nil {
			return err
		}
		if done, err := e.print(s, h); done {
			return err
		}
		e.pairs([][2]string{{"Healthy", fmt.Sprint(h.Healthy)}, {"Failure Tolerance", fmt.Sprint(h.FailureTolerance)}, {"Leader", h.Leader}})
		rows := [][]string{{"ID", "Name", "Address", "Status", "Version", "Voter", "Healthy", "Last Contact", "Last Term", "Last Index"}}
		for _, x := range h.Servers {
			rows = append(rows, []string{x.ID, x.Name, x.Address, x.SerfStatus, x.Version, fmt.Sprint(x.Voter), fmt.Sprint(x.Healthy), x.LastContact,
				fmt.Sprint(x.LastTerm), fmt.Sprint(x.LastIndex)})
		}
		e.table(rows)
		return nil
	}}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}

// keyBytes is the length of a new key of gossip: AES-256.
const keyBytes = 32

func (e *env) keyringGenerate() *cobra.Command {
	return &cobra.Command{Use: "generate", Short: "print a new key for server { encrypt = ... }", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		key := make([]byte, keyBytes)
		_, _ = rand.Read(key) // it never fails
		e.say("%s", base64.StdEncoding.EncodeToString(key))
		return nil
	}}
}

func (e *env) keyringList() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "list the keys, and how many servers have each", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		k, err := client.Agent().Keys(cmd.Context())
		if err != nil {
			return err
		}
		rows := [][]string{{"Key", "Servers", "Encrypt With It"}}
		for _, key := range slices.Sorted(maps.Keys(k.Keys)) {
			rows = append(rows, []string{key, fmt.Sprintf("%d/%d", k.Keys[key], k.NumNodes), fmt.Sprintf("%d/%d", k.PrimaryKeys[key], k.NumNodes)})
		}
		e.table(rows)
		return nil
	}}
}

func (e *env) keyringChange(operation, short string) *cobra.Command {
	return &cobra.Command{Use: operation + " KEY", Short: short, Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		_, err = client.Agent().ChangeKey(cmd.Context(), operation, args[0])
		return err
	}}
}
