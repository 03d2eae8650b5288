package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func (e *env) deploymentCommand() *cobra.Command {
	var s shown
	var groups []string
	var watch, detach bool
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
	status := e.deploymentAction("status DEPLOYMENT", "how a deployment is", func(ctx context.Context, c *api.Client, d *structs.Deployment) error {
		if watch {
			return e.monitorRollout(ctx, c, d.ID, s.verbose)
		}
		if done, err := e.print(s, d); done {
			return err
		}
		e.pairs([][2]string{{"ID", short8(d.ID, s.verbose)}, {"Job ID", d.JobID}, {"Job Version", fmt.Sprint(d.JobVersion)}, {"Status", d.Status}, {"Description", d.StatusDescription}})
		e.head("Deployed")
		e.deploymentTable(d)
		return nil
	})
	status.Flags().BoolVar(&watch, "monitor", false, "follow it until it ends")
	promote := e.deploymentAction("promote DEPLOYMENT", "let the canaries replace the rest", func(ctx context.Context, c *api.Client, d *structs.Deployment) error {
		resp, _, err := c.Deployments().Promote(ctx, d.ID.String(), groups, nil)
		if err != nil {
			return err
		}
		if detach {
			e.say("Evaluation ID: %s", resp.EvalID)
			return nil
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
		if detach || resp.EvalID.IsZero() {
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
		c.Flags().BoolVar(&detach, "detach", false, "do not wait")
	}
	return e.group("deployment", "look at rollouts and steer them", list, status, promote, fail, pause, resume)
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
