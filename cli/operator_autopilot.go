package cli

import (
	"errors"
	"time"

	"github.com/spf13/cobra"
)

func (e *env) autopilotSet() *cobra.Command {
	var contact, stable time.Duration
	var cleanup bool
	var trailing uint64
	var quorum uint
	c := &cobra.Command{Use: "set-config", Short: "change how servers that fail or come are treated", Args: cobra.NoArgs,
		Long: "Changes the autopilot's configuration for the whole cluster, from now on: what no flag names stays as it is. It wins over the\n" +
			"autopilot block of the servers' configuration files. If somebody else changed it meanwhile nothing is changed.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			cfg, err := client.Operator().AutopilotConfiguration(cmd.Context())
			if err != nil {
				return err
			}
			changed := cmd.Flags().Changed
			if changed("cleanup-dead-servers") {
				cfg.CleanupDeadServers = cleanup
			}
			if changed("last-contact-threshold") {
				cfg.LastContactThreshold = contact.String()
			}
			if changed("max-trailing-logs") {
				cfg.MaxTrailingLogs = trailing
			}
			if changed("min-quorum") {
				cfg.MinQuorum = quorum
			}
			if changed("server-stabilization-time") {
				cfg.ServerStabilizationTime = stable.String()
			}
			done, err := client.Operator().SetAutopilotConfiguration(cmd.Context(), cfg, true)
			if err != nil {
				return err
			}
			if !done {
				return errors.New("the configuration was changed by somebody else meanwhile: look at it, then try again")
			}
			e.say("Configuration updated!")
			return nil
		}}
	f := c.Flags()
	f.BoolVar(&cleanup, "cleanup-dead-servers", true, "remove servers that failed when a new one has taken their place")
	f.DurationVar(&contact, "last-contact-threshold", 200*time.Millisecond, "how long a healthy server may be out of the leader's touch")
	f.Uint64Var(&trailing, "max-trailing-logs", 250, "how many entries a healthy server may be behind")
	f.UintVar(&quorum, "min-quorum", 0, "how many voters dead servers are never removed below")
	f.DurationVar(&stable, "server-stabilization-time", 10*time.Second, "how long a new server must have been healthy before it gets a vote")
	return c
}
