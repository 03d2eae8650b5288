package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func (e *env) evalCommand() *cobra.Command {
	var s shown
	list := &cobra.Command{Use: "list", Short: "list evaluations", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		all, _, err := client.Evaluations().List(cmd.Context(), &api.QueryOptions{Namespace: "*"})
		if err != nil {
			return err
		}
		if done, err := e.print(s, all); done {
			return err
		}
		e.evalTable(all, s.verbose)
		return nil
	}}
	status := &cobra.Command{Use: "status EVAL", Short: "how an evaluation is", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		x, err := e.findEval(cmd.Context(), client, args[0])
		if err != nil {
			return err
		}
		if done, err := e.print(s, x); done {
			return err
		}
		e.pairs([][2]string{{"ID", short8(x.ID, s.verbose)}, {"Create Time", ago(x.CreateTime)}, {"Modify Time", ago(x.ModifyTime)}, {"Status", x.Status},
			{"Status Description", x.StatusDescription}, {"Type", x.Type}, {"TriggeredBy", x.TriggeredBy}, {"Job ID", x.JobID},
			{"Priority", fmt.Sprint(x.Priority)}, {"Placement Failures", fmt.Sprint(len(x.FailedTGAllocs) > 0)}})
		if len(x.FailedTGAllocs) > 0 || len(x.Explanations) > 0 {
			e.head("Failed Placements")
			e.placementFailures(x)
		}
		allocs, _, err := client.Evaluations().Allocations(cmd.Context(), x.ID.String(), nil)
		if err != nil {
			return err
		}
		if len(allocs) > 0 {
			e.head("Placed Allocations")
			e.allocTable(allocs, s.verbose)
		}
		return nil
	}}
	for _, c := range []*cobra.Command{list, status} {
		c.Flags().BoolVar(&s.verbose, "verbose", false, "show whole ids")
		c.Flags().BoolVar(&s.json, "json", false, "print JSON")
		c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	}
	return group("eval", "look at evaluations", list, status)
}

func (e *env) deploymentCommand() *cobra.Command {
	var s shown
	var groups []string
	list := &cobra.Command{Use: "list", Short: "list deployments", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		all, _, err := client.Deployments().List(cmd.Context(), nil)
		if err != nil {
			return err
		}
		if done, err := e.print(s, all); done {
			return err
		}
		e.deploymentsTable(all, s.verbose)
		return nil
	}}
	status := e.deploymentAction("status DEPLOYMENT", "how a deployment is", func(_ context.Context, _ *api.Client, d *structs.Deployment) error {
		if done, err := e.print(s, d); done {
			return err
		}
		e.pairs([][2]string{{"ID", short8(d.ID, s.verbose)}, {"Job ID", d.JobID}, {"Job Version", fmt.Sprint(d.JobVersion)}, {"Status", d.Status}, {"Description", d.StatusDescription}})
		e.head("Deployed")
		e.deploymentTable(d)
		return nil
	})
	promote := e.deploymentAction("promote DEPLOYMENT", "let the canaries replace the rest", func(ctx context.Context, c *api.Client, d *structs.Deployment) error {
		resp, _, err := c.Deployments().Promote(ctx, d.ID.String(), groups, nil)
		if err != nil {
			return err
		}
		return e.monitor(ctx, c, resp.EvalID, s.verbose)
	})
	promote.Flags().StringArrayVar(&groups, "group", nil, "group to promote; all without one")
	fail := e.deploymentAction("fail DEPLOYMENT", "end a deployment as failed", func(ctx context.Context, c *api.Client, d *structs.Deployment) error {
		resp, _, err := c.Deployments().Fail(ctx, d.ID.String(), nil)
		if err != nil {
			return err
		}
		e.say("Deployment %q failed", short8(d.ID, s.verbose))
		if resp.EvalID.IsZero() {
			return nil
		}
		return e.monitor(ctx, c, resp.EvalID, s.verbose)
	})
	pause := e.deploymentAction("pause DEPLOYMENT", "stop a deployment where it is", func(ctx context.Context, c *api.Client, d *structs.Deployment) error {
		_, _, err := c.Deployments().Pause(ctx, d.ID.String(), true, nil)
		if err == nil {
			e.say("Deployment %q paused", short8(d.ID, s.verbose))
		}
		return err
	})
	resume := e.deploymentAction("resume DEPLOYMENT", "let a paused deployment go on", func(ctx context.Context, c *api.Client, d *structs.Deployment) error {
		_, _, err := c.Deployments().Pause(ctx, d.ID.String(), false, nil)
		if err == nil {
			e.say("Deployment %q resumed", short8(d.ID, s.verbose))
		}
		return err
	})
	for _, c := range []*cobra.Command{list, status, promote, fail, pause, resume} {
		c.Flags().BoolVar(&s.verbose, "verbose", false, "show whole ids")
		c.Flags().BoolVar(&s.json, "json", false, "print JSON")
		c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
		c.Flags().Bool("detach", false, "do not wait")
	}
	return group("deployment", "look at rollouts and steer them", list, status, promote, fail, pause, resume)
}

func (e *env) deploymentAction(use, short string, do func(context.Context, *api.Client, *structs.Deployment) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		d, err := e.findDeployment(cmd.Context(), client, args[0])
		if err != nil {
			return err
		}
		return do(cmd.Context(), client, d)
	}}
}

func (e *env) imageCommand() *cobra.Command {
	load := &cobra.Command{Use: "load FILE", Short: "load the images of an OCI or docker archive into the node", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			in := e.in
			if args[0] != "-" {
				st, err := os.Stat(args[0])
				if err != nil {
					return fmt.Errorf("the archive cannot be read: %w", err)
				}
				if st.IsDir() {
					return fmt.Errorf("%s is a directory; name an archive, such as `docker save` writes", args[0])
				}
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("the archive cannot be read: %w", err)
				}
				defer f.Close()
				in = f
			}
			resp, err := client.LoadImage(cmd.Context(), in, structs.ID{})
			if err != nil {
				return err
			}
			for _, name := range resp.Images {
				e.say("%s", name)
			}
			return nil
		}}
	return group("image", "images of this machine's node", load)
}

func (e *env) systemCommand() *cobra.Command {
	gc := &cobra.Command{Use: "gc", Short: "remove everything that is over", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		return client.SystemGC(cmd.Context())
	}}
	return group("system", "the cluster as a whole", gc)
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
	return group("server", "the servers", members)
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
	return group("operator", "for whoever runs the cluster", group("scheduler", "how placements are chosen", get, set), group("raft", "the log's members", peers))
}

func (e *env) whyCommand() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "why JOB|ALLOC|NODE", Short: "why something is as it is", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		client, err := e.client()
		if err != nil {
			return err
		}
		w, err := e.findWhy(ctx, client, args[0])
		if err != nil {
			return err
		}
		if done, err := e.print(s, w); done {
			return err
		}
		e.showWhy(w)
		return nil
	}}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	return c
}

// findWhy asks for a job of that name, else for an allocation or node whose id begins so.
func (e *env) findWhy(ctx context.Context, c *api.Client, name string) (*api.Why, error) {
	if w, _, err := c.WhyJob(ctx, name, nil); err == nil || !api.IsNotFound(err) {
		return w, err
	}
	if a, err := e.findAlloc(ctx, c, name); err == nil {
		w, _, err := c.WhyAllocation(ctx, a.ID.String(), nil)
		return w, err
	}
	if n, err := e.findNode(ctx, c, name); err == nil {
		w, _, err := c.WhyNode(ctx, n.ID.String(), nil)
		return w, err
	}
	if j, err := e.findJob(ctx, c, name); err == nil {
		w, _, err := c.WhyJob(ctx, j.ID, &api.QueryOptions{Namespace: j.Namespace})
		return w, err
	}
	return nil, fmt.Errorf("there is no job, allocation or node %q", name)
}

func (e *env) showWhy(w *api.Why) {
	e.say("%s", e.paint("1", w.Summary))
	if len(w.Waiting) > 0 {
		e.head("Waiting for")
		for _, x := range w.Waiting {
			e.say("  %s: %s (since %s)", x.Subject, x.Reason, ago(x.Since))
			if x.Metrics != nil {
				e.metric(x.Metrics)
			}
			if x.Explanation != nil {
				e.explanation(x.Explanation)
			}
		}
	}
	e.head("Facts")
	var facts [][2]string
	for _, f := range w.Facts {
		facts = append(facts, [2]string{f.Label, f.Value})
	}
	e.pairs(facts)
	if len(w.History) > 0 {
		e.head("What happened, newest first")
		for _, h := range w.History {
			e.say("  %-12s %s: %s", ago(h.Time), h.Subject, h.Message)
		}
	}
	for i, n := range w.Next {
		if i == 0 {
			e.say("")
		}
		e.say("next: %s", n)
	}
}
