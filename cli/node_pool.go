package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/jobspec"
	"berth/structs"
)

func (e *env) poolCommand() *cobra.Command {
	return e.group("pool", "sets of nodes that jobs name", e.poolList(), e.poolInfo(), e.poolNodes(), e.poolJobs(), e.poolApply(), e.poolInit(), e.poolDelete())
}

func (e *env) poolList() *cobra.Command {
	var s shown
	var filter string
	return lister(&cobra.Command{Use: "list", Short: "list the node pools", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		all, _, err := client.NodePools().List(cmd.Context(), &api.QueryOptions{Filter: filter})
		if err != nil {
			return err
		}
		if done, err := e.print(s, all); done {
			return err
		}
		describedTable(e, all, func(p *structs.NodePool) (string, string) { return p.Name, p.Description })
		return nil
	}}, &s, &filter)
}

// findPool takes a whole name, or the beginning of one that no other has.
func (e *env) findPool(cmd *cobra.Command, c *api.Client, name string) (*structs.NodePool, error) {
	all, _, err := c.NodePools().List(cmd.Context(), &api.QueryOptions{Prefix: name})
	if err != nil {
		return nil, err
	}
	return named(all, func(p *structs.NodePool) string { return p.Name }, name, "node pool", "node pools")
}

func (e *env) poolInfo() *cobra.Command {
	var s shown
	return lister(&cobra.Command{Use: "info NAME", Short: "what a node pool says", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		p, err := e.findPool(cmd, client, args[0])
		if err != nil {
			return err
		}
		if done, err := e.print(s, p); done {
			return err
		}
		e.pairs([][2]string{{"Name", p.Name}, {"Description", dash(p.Description)}})
		e.head("Metadata")
		if len(p.Meta) == 0 {
			e.say("No metadata")
		}
		e.metadata(p.Meta)
		e.head("Scheduler Configuration")
		if p.SchedulerConfiguration == nil {
			e.say("No scheduler configuration")
			return nil
		}
		over := "the cluster's"
		if v := p.SchedulerConfiguration.MemoryOversubscriptionEnabled; v != nil {
			over = fmt.Sprint(*v)
		}
		e.pairs([][2]string{{"Scheduler Algorithm", dash(p.SchedulerConfiguration.SchedulerAlgorithm)}, {"Memory Oversubscription Enabled", over}})
		return nil
	}}, &s, nil)
}

func (e *env) poolNodes() *cobra.Command {
	var s shown
	var filter string
	c := lister(&cobra.Command{Use: "nodes NAME", Short: "list the nodes of a pool", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		p, err := e.findPool(cmd, client, args[0])
		if err != nil {
			return err
		}
		all, _, err := client.NodePools().Nodes(cmd.Context(), p.Name, &api.QueryOptions{Filter: filter})
		if err != nil {
			return err
		}
		if done, err := e.print(s, all); done {
			return err
		}
		if len(all) == 0 {
			e.say("No nodes")
			return nil
		}
		rows := [][]string{{"ID", "Node Pool", "DC", "Name", "Class", "Drain", "Eligibility", "Status"}}
		for _, n := range all {
			rows = append(rows, []string{short8(n.ID, s.verbose), n.NodePool, n.Datacenter, n.Name, dash(n.NodeClass), fmt.Sprint(n.Drain), n.SchedulingEligibility, string(n.Status)})
		}
		e.table(rows)
		return nil
	}}, &s, &filter)
	c.Flags().BoolVar(&s.verbose, "verbose", false, "show whole ids")
	return c
}

func (e *env) poolJobs() *cobra.Command {
	var s shown
	var filter string
	return lister(&cobra.Command{Use: "jobs NAME", Short: "list the jobs of a pool", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		p, err := e.findPool(cmd, client, args[0])
		if err != nil {
			return err
		}
		all, _, err := client.NodePools().Jobs(cmd.Context(), p.Name, &api.QueryOptions{Filter: filter})
		if err != nil {
			return err
		}
		if done, err := e.print(s, all); done {
			return err
		}
		if len(all) == 0 {
			e.say("No jobs")
			return nil
		}
		rows := [][]string{{"ID", "Namespace", "Type", "Priority", "Status"}}
		for _, j := range all {
			rows = append(rows, []string{j.ID, j.Namespace, j.Type, fmt.Sprint(j.Priority), j.Status})
		}
		e.table(rows)
		return nil
	}}, &s, &filter)
}

func (e *env) poolApply() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "apply FILE", Short: "make a node pool, or change it", Args: cobra.ExactArgs(1),
		Long: "Makes a node pool, or changes it, as FILE describes it (- is standard input). `berth node pool init` writes one to begin with.",
		RunE: func(cmd *cobra.Command, args []string) error {
			pool, err := described(cmd.Context(), e, args[0], asJSON, jobspec.NodePool)
			if err != nil {
				return err
			}
			client, err := e.client()
			if err != nil {
				return err
			}
			if _, err := client.NodePools().Apply(cmd.Context(), pool, nil); err != nil {
				return err
			}
			e.say("Successfully applied node pool %q!", pool.Name)
			return nil
		}}
	c.Flags().BoolVar(&asJSON, "json", false, "the file has the JSON of the API")
	return c
}

const poolTemplate = `node_pool "example" {
  description = "Example node pool"

  # meta is arbitrary key-value data about the pool.
  meta {
    environment = "test"
    owner       = "sre"
  }
}
`

func (e *env) poolInit() *cobra.Command {
	return &cobra.Command{Use: "init [FILE]", Short: "write the description of a node pool to begin with", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			file := "pool.nomad.hcl"
			if len(args) == 1 {
				file = args[0]
			}
			if err := writeNew(file, []byte(poolTemplate)); err != nil {
				return err
			}
			e.say("wrote %s; apply it with `berth node pool apply %s`", file, file)
			return nil
		}}
}

func (e *env) poolDelete() *cobra.Command {
	return e.deleter(&cobra.Command{Short: "remove a node pool that has neither nodes nor jobs"}, "node pool",
		func(ctx context.Context, c *api.Client, name string) error {
			_, err := c.NodePools().Delete(ctx, name, nil)
			return err
		})
}
