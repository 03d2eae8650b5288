package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func when(t time.Time) string {
	if t.IsZero() {
		return "N/A"
	}
	return t.Local().Format(time.RFC3339)
}

func (e *env) nodeCommand() *cobra.Command {
	return e.group("node", "look at nodes and work with them", e.nodeStatus(), e.nodeEligibility(), e.nodeDrain(), e.nodeTaint(), e.poolCommand())
}

// ownNode is the node of the agent that is asked.
func (e *env) ownNode(ctx context.Context, c *api.Client) (string, error) {
	self, err := c.Agent().Self(ctx)
	if err != nil {
		return "", err
	}
	id := self.Stats["client"]["node_id"]
	if id == "" {
		return "", fmt.Errorf("the agent at %s has no node", c.Address())
	}
	return id, nil
}

// nodeArg is the node a command is about: -self, or its argument, which is a name or the beginning of an id.
func (e *env) nodeArg(ctx context.Context, c *api.Client, self bool, args []string) (*api.NodeListStub, error) {
	if self {
		id, err := e.ownNode(ctx, c)
		if err != nil {
			return nil, err
		}
		return e.findNode(ctx, c, id)
	}
	if len(args) == 0 {
		return nil, fmt.Errorf("name a node, or use -self; `berth node status` lists them")
	}
	all, _, err := c.Nodes().List(ctx, nil)
	if err != nil {
		return nil, err
	}
	var named []*api.NodeListStub
	for _, n := range all {
		if n.Name == args[0] {
			named = append(named, n)
		}
	}
	if len(named) == 1 {
		return named[0], nil
	}
	return e.findNode(ctx, c, args[0])
}

func (e *env) nodeStatus() *cobra.Command {
	var s shown
	var self, brief, allocs, stats bool
	c := &cobra.Command{Use: "status [NODE]", Short: "what nodes there are, or how one is", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			client, err := e.client()
			if err != nil {
				return err
			}
			if len(args) == 0 && !self {
				return e.listNodes(ctx, client, s, allocs)
			}
			stub, err := e.nodeArg(ctx, client, self, args)
			if err != nil {
				return err
			}
			n, _, err := client.Nodes().Get(ctx, stub.ID.String(), nil)
			if err != nil {
				return err
			}
			if done, err := e.print(s, n); done {
				return err
			}
			return e.showNode(ctx, client, n, s, brief, stats)
		}}
	f := c.Flags()
	f.BoolVar(&self, "self", false, "the node of the agent that is asked")
	f.BoolVar(&s.verbose, "verbose", false, "show everything")
	f.BoolVar(&s.json, "json", false, "print JSON")
	f.StringVarP(&s.template, "template", "t", "", "Go template")
	f.BoolVar(&brief, "short", false, "without allocations")
	f.BoolVar(&allocs, "allocs", false, "count running allocations")
	f.BoolVar(&stats, "stats", false, "show how busy the node is")
	return c
}

func (e *env) listNodes(ctx context.Context, c *api.Client, s shown, allocs bool) error {
	nodes, _, err := c.Nodes().List(ctx, nil)
	if err != nil {
		return err
	}
	if done, err := e.print(s, nodes); done {
		return err
	}
	if len(nodes) == 0 {
		e.say("No nodes are registered")
		return nil
	}
	rows := [][]string{{"ID", "Node Pool", "DC", "Name", "Class", "Drain", "Eligibility", "Status"}}
	if s.verbose {
		rows[0] = []string{"ID", "Node Pool", "DC", "Name", "Class", "Address", "Version", "Drain", "Eligibility", "Status"}
	}
	if allocs {
		rows[0] = append(rows[0], "Running Allocs")
	}
	for _, n := range nodes {
		row := []string{short8(n.ID, s.verbose), n.NodePool, n.Datacenter, n.Name, dash(n.NodeClass)}
		if s.verbose {
			row = append(row, dash(n.Address), dash(n.Version))
		}
		row = append(row, fmt.Sprint(n.Drain), n.SchedulingEligibility, string(n.Status))
		if allocs {
			list, _, err := c.Nodes().Allocations(ctx, n.ID.String(), nil)
			if err != nil {
				return err
			}
			running := 0
			for _, a := range list {
				if a.ClientStatus == structs.AllocClientRunning {
					running++
				}
			}
			row = append(row, fmt.Sprint(running))
		}
		rows = append(rows, row)
	}
	e.table(rows)
	return nil
}

func (e *env) showNode(ctx context.Context, c *api.Client, n *api.Node, s shown, brief, stats bool) error {
	rows := [][2]string{{"ID", n.ID.String()}, {"Name", n.Name}, {"Node Pool", n.NodePool}, {"Class", n.NodeClass}, {"DC", n.Datacenter},
		{"Address", n.HTTPAddr}, {"Drain", fmt.Sprint(n.Drain)}, {"Eligibility", n.SchedulingEligibility}, {"Status", string(n.Status)}}
	if n.StatusDescription != "" {
		rows = append(rows, [2]string{"Status Description", n.StatusDescription})
	}
	if n.StatusUpdatedAt > 0 {
		rows = append(rows, [2]string{"Since", ago(time.Unix(n.StatusUpdatedAt, 0).UnixNano())})
	}
	if d := n.DrainStrategy; d != nil && !d.ForceDeadline.IsZero() {
		rows = append(rows, [2]string{"Drain Deadline", when(d.ForceDeadline)})
	}
	e.pairs(rows)
	if n.DrainStrategy != nil || n.Evicts() {
		if err := e.leaving(ctx, c, n); err != nil {
			return err
		}
	}
	e.nodeParts(n)
	if brief {
		return nil
	}
	if err := e.nodeUse(ctx, c, n, s, stats); err != nil {
		return err
	}
	if s.verbose {
		e.head("Attributes")
		e.sortedPairs(n.Attributes)
		e.head("Meta")
		e.sortedPairs(n.Meta)
	}
	return nil
}

// nodeParts shows what a node has and what happened to it.
func (e *env) nodeParts(n *api.Node) {
	e.head("Drivers")
	rows := [][]string{{"Driver", "Detected", "Healthy", "Message"}}
	for _, name := range sortedKeys(n.Drivers) {
		d := n.Drivers[name]
		rows = append(rows, []string{name, fmt.Sprint(d.Detected), fmt.Sprint(d.Healthy), d.HealthDescription})
	}
	e.table(rows)
	if len(n.HostVolumes) > 0 {
		e.head("Host Volumes")
		rows := [][]string{{"Name", "ReadOnly", "Source"}}
		for _, name := range sortedKeys(n.HostVolumes) {
			v := n.HostVolumes[name]
			rows = append(rows, []string{name, fmt.Sprint(v.ReadOnly), v.Path})
		}
		e.table(rows)
	}
	if len(n.Taints) > 0 {
		e.head("Taints")
		e.taints(n.Taints)
	}
	e.head("Node Events")
	rows = [][]string{{"Time", "Subsystem", "Message"}}
	for i := len(n.Events) - 1; i >= 0; i-- {
		rows = append(rows, []string{when(n.Events[i].Timestamp), n.Events[i].Subsystem, n.Events[i].Message})
	}
	e.table(rows)
}
