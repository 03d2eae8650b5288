package cli

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func (e *env) evalCommand() *cobra.Command {
	return e.group("eval", "look at evaluations: what made the servers look at a job", e.evalList(), e.evalStatus())
}

func placementFailed(x *structs.Evaluation) string {
	switch {
	case x.Status == structs.EvalStatusBlocked:
		return "N/A - In Progress"
	case !x.Terminal():
		return "N/A"
	}
	return fmt.Sprint(len(x.FailedTGAllocs) > 0)
}

func (e *env) evalList() *cobra.Command {
	var s shown
	var job, status, filter, token string
	var perPage int
	cmd := &cobra.Command{
		Use: "list", Short: "list evaluations", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			q := &api.QueryOptions{Filter: filter, NextToken: token, PerPage: perPage, Params: map[string]string{}}
			if job != "" {
				q.Params["job"] = job
			}
			if status != "" {
				q.Params["status"] = status
			}
			all, meta, err := c.Evaluations().List(cmd.Context(), q)
			if err != nil {
				return err
			}
			if done, err := e.print(s, all); done {
				return err
			}
			if len(all) == 0 {
				e.say("No evals found")
				return nil
			}
			rows := [][]string{{"ID", "Priority", "Triggered By", "Job ID", "Namespace", "Node ID", "Status", "Placement Failures"}}
			for _, x := range all {
				rows = append(rows, []string{short8(x.ID, s.verbose), fmt.Sprint(x.Priority), x.TriggeredBy, x.JobID, x.Namespace,
					dash(short8(x.NodeID, s.verbose)), x.Status, placementFailed(x)})
			}
			e.table(rows)
			if meta.NextToken != "" {
				e.say("\nMore: add -page-token %s", meta.NextToken)
			}
			return nil
		},
	}
	e.showFlags(cmd, &s)
	f := cmd.Flags()
	f.StringVar(&job, "job", "", "only those of a job")
	f.StringVar(&status, "status", "", "only those in this state")
	f.StringVar(&filter, "filter", "", "expression that evaluations must match")
	f.IntVar(&perPage, "per-page", 0, "how many at most")
	f.StringVar(&token, "page-token", "", "where the last list ended")
	return cmd
}

func (e *env) evalStatus() *cobra.Command {
	var s shown
	var monitor bool
	cmd := &cobra.Command{
		Use: "status [EVALUATION]", Short: "show an evaluation", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return e.evalList().RunE(cmd, nil)
			}
			c, err := e.client()
			if err != nil {
				return err
			}
			stub, err := e.findEval(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if monitor {
				return e.monitor(cmd.Context(), c, stub.ID, s.verbose)
			}
			var q *api.QueryOptions
			x, _, err := c.Evaluations().Get(cmd.Context(), stub.ID.String(), q.With("related", "true"))
			if err != nil {
				return err
			}
			if done, err := e.print(s, x); done {
				return err
			}
			placed, _, err := c.Evaluations().Allocations(cmd.Context(), x.ID.String(), nil)
			if err != nil {
				return err
			}
			e.evalShow(x, placed, s)
			return nil
		},
	}
	e.showFlags(cmd, &s)
	cmd.Flags().BoolVar(&monitor, "monitor", false, "follow it until it is over")
	return cmd
}

func (e *env) evalShow(x *structs.Evaluation, placed []*structs.AllocListStub, s shown) {
	by := x.TriggeredBy
	rows := [][2]string{{"ID", short8(x.ID, s.verbose)}, {"Create Time", ago(x.CreateTime)}, {"Modify Time", ago(x.ModifyTime)}, {"Status", x.Status},
		{"Status Description", x.StatusDescription}, {"Type", x.Type}, {"TriggeredBy", by}, {"Job ID", x.JobID}, {"Namespace", x.Namespace},
		{"Priority", fmt.Sprint(x.Priority)}, {"Placement Failures", placementFailed(x)}}
	for _, r := range []struct {
		name string
		id   structs.ID
	}{{"Node ID", x.NodeID}, {"Deployment ID", x.DeploymentID}, {"Previous Eval", x.PreviousEval}, {"Next Eval", x.NextEval}, {"Blocked Eval", x.BlockedEval}} {
		if !r.id.IsZero() {
			rows = append(rows, [2]string{r.name, short8(r.id, s.verbose)})
		}
	}
	if !x.WaitUntil.IsZero() {
		rows = append(rows, [2]string{"Wait Until", moment(x.WaitUntil)})
	}
	e.pairs(rows)
	if a := x.PlanAnnotations; a != nil && len(a.DesiredTGUpdates) > 0 {
		e.head("Reconciler Annotations")
		table := [][]string{{"Task Group", "Ignore", "Place", "Stop", "InPlace", "Destructive"}}
		for _, name := range slices.Sorted(maps.Keys(a.DesiredTGUpdates)) {
			u := a.DesiredTGUpdates[name]
			table = append(table, []string{name, fmt.Sprint(u.Ignore), fmt.Sprint(u.Place), fmt.Sprint(u.Stop), fmt.Sprint(u.InPlaceUpdate), fmt.Sprint(u.DestructiveUpdate)})
		}
		e.table(table)
	}
	if len(x.FailedTGAllocs) > 0 || len(x.Explanations) > 0 {
		e.head(placementHead("Failed Placements", x))
		e.placementFailures(x)
	}
	if len(x.RelatedEvals) > 0 {
		e.head("Related Evaluations")
		table := [][]string{{"ID", "Priority", "Triggered By", "Node ID", "Status", "Description"}}
		for _, r := range x.RelatedEvals {
			table = append(table, []string{short8(r.ID, s.verbose), fmt.Sprint(r.Priority), r.TriggeredBy, dash(short8(r.NodeID, s.verbose)), r.Status, dash(r.StatusDescription)})
		}
		e.table(table)
	}
	if len(placed) > 0 {
		e.head("Placed Allocations")
		e.allocTable(placed, s.verbose)
	}
}
