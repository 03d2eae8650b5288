package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"berth/api"
)

func (e *env) operatorRebalance() *cobra.Command {
	var s shown
	var dry, yes bool
	var moves int
	var gain float64
	c := &cobra.Command{
		Use: "rebalance -dry-run|-move", Short: "show moves that would make placements better, or make them", Args: cobra.NoArgs,
		Long: "Looks for allocations of services that would be placed better elsewhere now, and shows the moves that gain most, each\n" +
			"with the scores of its two nodes. No group loses more at once than its migrate block and its disruption budgets allow.\n\n" +
			"With -dry-run nothing is moved. With -move the allocations are asked to leave, and placed anew by the scheduler; at most -max\n" +
			"are on the move at once, those of earlier calls included, so that the command may be given again and again.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			var got *api.Rebalance
			if dry {
				got, _, err = client.Operator().Rebalance(cmd.Context(), moves, gain, nil)
			} else {
				got, _, err = client.Operator().RebalanceNow(cmd.Context(), moves, gain, nil)
			}
			if err != nil {
				return err
			}
			if done, err := e.print(s, got); done {
				return err
			}
			if got.Moving > 0 {
				e.say("%d allocations are on the move already.", got.Moving)
			}
			if len(got.Moves) == 0 && got.Moving >= max(moves, 1) {
				return nil
			}
			if len(got.Moves) == 0 {
				e.say("No move would make a placement better by that much.")
				return nil
			}
			rows := [][]string{{"Allocation", "ID", "From", "To", "Gain", "Score before", "Score after"}}
			for _, m := range got.Moves {
				rows = append(rows, []string{m.Name, m.AllocID.Short(), m.FromName, m.ToName, fmt.Sprintf("%.3f", m.Gain), fmt.Sprintf("%.3f", m.Before), fmt.Sprintf("%.3f", m.After)})
			}
			e.table(rows)
			if got.Truncated {
				e.say("\nThere are more allocations than were looked at.")
			}
			return nil
		},
	}
	f := c.Flags()
	f.BoolVar(&dry, "dry-run", false, "show the moves")
	f.BoolVar(&yes, "move", false, "make them")
	c.MarkFlagsMutuallyExclusive("dry-run", "move")
	c.MarkFlagsOneRequired("dry-run", "move")
	f.IntVar(&moves, "max", 5, "how many moves to show, or allocations to have on the move, at most")
	f.Float64Var(&gain, "min-gain", 0.05, "by how much the score of a move must be better; scores are between -1 and 1")
	f.BoolVar(&s.json, "json", false, "print JSON")
	f.StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}
