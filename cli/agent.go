package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"berth/agent"
)

func (e *env) agentCommand() *cobra.Command {
	o := agent.Options{Stdout: e.out, Stderr: e.err}
	c := &cobra.Command{
		Use: "agent", Short: "run an agent: server, node or both", Args: cobra.NoArgs,
		Long: "Runs an agent until Ctrl-C. With -dev it is server and node in one, on loopback, and keeps nothing; otherwise -config\n" +
			"names its configuration, and tasks go on when it ends.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !o.Dev && len(o.ConfigPaths) == 0 && o.DataDir == "" {
				return errors.New("the agent is not told what to be: give -dev to try things, or -config with a file")
			}
			if cmd.Flags().Changed("region") {
				o.Region = e.cfg.Region
			}
			err := agent.Run(cmd.Context(), o)
			if errors.Is(err, context.Canceled) && cmd.Context().Err() != nil {
				return nil // it was told to end, and did
			}
			return err
		},
	}
	f := c.Flags()
	f.BoolVar(&o.Dev, "dev", false, "server and node on this machine, for trying things")
	f.StringArrayVar(&o.ConfigPaths, "config", nil, "configuration file, or directory of such; may be repeated")
	f.StringVar(&o.DataDir, "data-dir", "", "directory that keeps state and images")
	f.StringVar(&o.JoinToken, "join-token", "", "token that lets this machine join a cluster; it says as what and where")
	f.StringVar(&o.BindAddr, "bind", "", "address to listen on")
	f.StringVar(&o.LogLevel, "log-level", "", "TRACE, DEBUG, INFO, WARN or ERROR")
	f.StringVar(&o.NodeName, "node", "", "name of this agent")
	f.StringVar(&o.Datacenter, "dc", "", "datacenter of this agent")
	f.BoolVar(&o.Server, "server", false, "be a server")
	f.BoolVar(&o.Client, "client", false, "be a node")
	f.IntVar(&o.BootstrapExpect, "bootstrap-expect", 0, "how many servers form the cluster together")
	f.StringArrayVar(&o.RetryJoin, "retry-join", nil, "address of the gossip of a server to join; may be repeated")
	f.StringVar(&o.Encrypt, "encrypt", "", "key of gossip (base64)")
	f.StringArrayVar(&o.Servers, "servers", nil, "address of the cluster port of a server, for a node; may be repeated")
	return c
}
