package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"berth/agent"
)

func (e *env) operatorRecover() *cobra.Command {
	o := agent.Options{Stdout: e.out, Stderr: e.err}
	o.LogLevel = "WARN"
	var peers []string
	c := &cobra.Command{
		Use: "recover", Short: "make a cluster of the servers that are left, on a server that does not run", Args: cobra.NoArgs,
		Long: "Makes the servers named the whole cluster. It is for a cluster that lost the majority of its servers for good, or whose\n" +
			"servers all came back with other addresses. Stop every server first.\n\n" +
			"Without -peer this server goes on alone, and the others join it again with empty data directories. With -peer, once\n" +
			"for every server, run the same command on each of them.",
		RunE: func(*cobra.Command, []string) error {
			got, err := agent.Recover(o, peers)
			if err != nil {
				return err
			}
			rows := [][]string{{"ID", "Address", "Voter"}}
			for _, p := range got.After {
				rows = append(rows, []string{p.ID.String(), p.Addr, fmt.Sprint(!p.NonVoter)})
			}
			e.say("The cluster had %d servers; it is made of these now, as of index %d:", len(got.Before), got.Index)
			e.table(rows)
			e.say("Start the agent again.")
			return nil
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.ConfigPaths, "config", nil, "the agent's configuration file, or directory of such; may be repeated")
	f.StringVar(&o.DataDir, "data-dir", "", "the agent's data directory")
	f.StringVar(&o.BindAddr, "bind", "", "the agent's address")
	f.StringArrayVar(&peers, "peer", nil, "a server: ID=HOST:PORT, with \",nonvoter\" behind it if it has no vote; may be repeated")
	return c
}
