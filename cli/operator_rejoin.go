package cli

import (
	"github.com/spf13/cobra"

	"berth/agent"
)

func (e *env) operatorRejoin() *cobra.Command {
	o := agent.Options{Stdout: e.out, Stderr: e.err}
	o.LogLevel = "WARN"
	var force bool
	c := &cobra.Command{
		Use: "rejoin", Short: "make a server whose files are damaged get everything from the others, on a server that does not run", Args: cobra.NoArgs,
		Long: "For one server of several whose log or snapshot is damaged, or whose state differs from the others'. What it had is kept in a\n" +
			"directory beside; it comes back as a new server, without a vote until it has caught up. It never forms a cluster: if it was\n" +
			"the only server, start an empty one and restore a snapshot instead. Asks first, unless -force is given or nobody is there to answer.\n" +
			"One that was interrupted is run again: it goes on where it was, and the agent does not start before.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !force && e.asks() {
				if err := e.agreed(cmd.Context(), "This server forgets everything it has and gets it from the others. Go on? [y/N] "); err != nil {
					return err
				}
			}
			got, err := agent.Rejoin(o)
			if got != nil {
				e.say("Server %s joins as %s. What it had is in %s.", got.Before, got.ID, got.Kept)
			}
			if err != nil {
				return err
			}
			e.say("Start the agent again. `berth operator raft list-peers` shows when it is there.")
			return nil
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.ConfigPaths, "config", nil, "the agent's configuration file, or directory of such; may be repeated")
	f.StringVar(&o.DataDir, "data-dir", "", "the agent's data directory")
	f.StringVar(&o.BindAddr, "bind", "", "the agent's address")
	f.BoolVar(&force, "force", false, "do not ask")
	return c
}
