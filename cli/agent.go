package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"berth/agent"
	"berth/agent/config"
)

func (e *env) agentCommand() *cobra.Command {
	o := agent.Options{Stdout: e.out, Stderr: e.err}
	c := &cobra.Command{
		Use: "agent", Short: "run an agent: server, node or both", Args: cobra.NoArgs,
		Long: "Runs an agent until Ctrl-C. With -dev it is server and node in one, on loopback, and keeps nothing; otherwise -config\n" +
			"names its configuration, and tasks go on when it ends.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !o.Dev && !o.Server && !o.Client && len(o.ConfigPaths) == 0 && o.DataDir == "" && o.JoinToken == "" {
				return errors.New("the agent is not told what to be: give -dev to try things, -config with a file, or -server with -data-dir")
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

func (e *env) configCommand() *cobra.Command {
	return e.group("config", "configurations of agents", &cobra.Command{
		Use: "validate PATH...", Short: "check the configuration of an agent; no agent is needed", Args: cobra.MinimumNArgs(1),
		Long: "Reads files and directories as `berth agent -config` would, in their order, and says what is wrong, and what has no effect here. Files\n" +
			"that they name, such as certificates, are not read, and nothing is started.",
		Example: "  berth config validate /etc/berth",
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := config.Load(config.Flags{ConfigPaths: args})
			if err != nil {
				return err
			}
			for _, w := range cfg.Warnings {
				e.say("without effect: %s", w)
			}
			e.say("Configuration is valid: %s", strings.Join(cfg.Files, ", "))
			return nil
		},
	})
}
