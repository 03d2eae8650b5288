package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"berth/api"
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
	return e.group("eval", "look at evaluations", list, status)
}
