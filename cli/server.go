package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"berth/api"
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
		leaders := map[string]string{} // by region
		for _, x := range m.Members {
			region := x.Tags["region"]
			if _, asked := leaders[region]; asked || x.Status != "alive" {
				continue
			}
			leaders[region] = leaderOf(cmd.Context(), client, region)
		}
		rows := [][]string{{"Name", "Address", "Port", "Status", "Leader", "Build", "Datacenter", "Region"}}
		for _, x := range m.Members {
			rows = append(rows, []string{x.Name, x.Addr, fmt.Sprint(x.Port), x.Status, fmt.Sprint(leads(x, leaders[x.Tags["region"]])), x.Tags["build"], x.Tags["dc"], x.Tags["region"]})
		}
		e.table(rows)
		return nil
	}}
	f := members.Flags()
	f.BoolVar(&s.json, "json", false, "print JSON")
	f.StringVarP(&s.template, "template", "t", "", "Go template")
	f.BoolVar(&s.verbose, "verbose", false, "show everything")
	return e.group("server", "the servers", members, e.serverJoin(), e.serverForceLeave())
}

func (e *env) serverJoin() *cobra.Command {
	return &cobra.Command{Use: "join ADDRESS...|TOKEN", Short: "join servers by the address of their gossip (port 4648), or a region by its token", Args: cobra.MinimumNArgs(1),
		Long: "Makes this agent's server join others of its region, by the address of their gossip (port 4648). With a token that\n" +
			"`berth operator join-token create -role region` printed in another region it joins the two regions: they trust each other's\n" +
			"certificates from then on, and each sends the other the requests that name it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && strings.HasPrefix(args[0], regionToken) {
				return e.joinRegion(cmd, args[0])
			}
			client, err := e.client()
			if err != nil {
				return err
			}
			resp, err := client.Agent().Join(cmd.Context(), args...)
			if err != nil {
				return err
			}
			if resp.Error != "" {
				return errors.New(resp.Error)
			}
			e.say("Joined %d servers successfully", resp.NumJoined)
			return nil
		}}
}

func (e *env) serverForceLeave() *cobra.Command {
	var prune bool
	c := &cobra.Command{Use: "force-leave NAME", Short: "take a failed server as one that left", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			return client.Agent().ForceLeave(cmd.Context(), args[0], prune)
		}}
	c.Flags().BoolVar(&prune, "prune", false, "forget it at once")
	return c
}

// leaderTime bounds how long a region is asked who leads it: one that was just cut off does not answer.
const leaderTime = 2 * time.Second

// leaderOf is the address of a region's leader, "" where there is none now or nobody tells: a list of members is true all the same.
func leaderOf(ctx context.Context, c *api.Client, region string) string {
	ctx, cancel := context.WithTimeout(ctx, leaderTime)
	defer cancel()
	leader, err := c.Leader(ctx, &api.QueryOptions{Region: region})
	if err != nil {
		return ""
	}
	return leader
}

// leads reports whether a server is the one at the leader's address. Members are known by their host, and perhaps the port of
// their log.
func leads(x *api.AgentMember, leader string) bool {
	host, port, err := net.SplitHostPort(leader)
	return err == nil && x.Addr == host && (x.Tags["port"] == "" || x.Tags["port"] == port)
}
