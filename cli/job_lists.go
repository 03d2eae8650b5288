package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"berth/api"
)

func (e *env) jobAllocs() *cobra.Command {
	var s shown
	var all bool
	c := &cobra.Command{Use: "allocs JOB", Short: "list the allocations of a job", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			j, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			allocs, _, err := client.Jobs().Allocations(cmd.Context(), j.ID, all, &api.QueryOptions{Namespace: j.Namespace})
			if err != nil {
				return err
			}
			if done, err := e.print(s, allocs); done {
				return err
			}
			e.allocTable(allocs, s.verbose)
			return nil
		}}
	c.Flags().BoolVar(&all, "all", false, "those of earlier jobs of the name too")
	c.Flags().BoolVar(&s.verbose, "verbose", false, "show whole ids")
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}

func (e *env) jobDeployments() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "deployments JOB", Short: "list the deployments of a job", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			j, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			list, _, err := client.Jobs().Deployments(cmd.Context(), j.ID, true, &api.QueryOptions{Namespace: j.Namespace})
			if err != nil {
				return err
			}
			if done, err := e.print(s, list); done {
				return err
			}
			e.deploymentsTable(list, s.verbose)
			return nil
		}}
	c.Flags().BoolVar(&s.verbose, "verbose", false, "show whole ids")
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}

func (e *env) jobPromote() *cobra.Command {
	var groups []string
	c := &cobra.Command{Use: "promote JOB", Short: "promote the canaries of a job's deployment", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			j, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			d, _, err := client.Jobs().LatestDeployment(cmd.Context(), j.ID, &api.QueryOptions{Namespace: j.Namespace})
			if err != nil {
				return err
			}
			if d == nil {
				return fmt.Errorf("job %q has no deployment", j.ID)
			}
			resp, _, err := client.Deployments().Promote(cmd.Context(), d.ID.String(), groups, nil)
			if err != nil {
				return err
			}
			return e.monitor(cmd.Context(), client, resp.EvalID, false)
		}}
	c.Flags().StringArrayVar(&groups, "group", nil, "group to promote; all without one")
	return c
}
