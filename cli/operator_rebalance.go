package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func (e *env) operatorRebalance() *cobra.Command {
	var s shown
	var dry bool
	var moves int
	var gain float64
	c := &cobra.Command{
		Use: "rebalance -dry-run", Short: "show moves that would make placements better", Args: cobra.NoArgs,
		Long: "Looks for allocations of services that would be placed better elsewhere now, and shows the moves that gain most, each\n" +
			"with the scores of its two nodes. No group loses more at once than its migrate block allows. Nothing is moved: to move\n" +
			"one, stop it with berth alloc stop.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !dry {
				return errors.New("say -dry-run: this command shows moves and makes none; berth alloc stop moves an allocation")
			}
			client, err := e.client()
			if err != nil {
				return err
			}
			got, _, err := client.Operator().Rebalance(cmd.Context(), moves, gain, nil)
			if err != nil {
				return err
			}
			if done, err := e.print(s, got); done {
				return err
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
	f.BoolVar(&dry, "dry-run", false, "show the moves (required)")
	f.IntVar(&moves, "max", 10, "how many moves to show at most")
	f.Float64Var(&gain, "min-gain", 0.05, "by how much the score of a move must be better; scores are between -1 and 1")
	f.BoolVar(&s.json, "json", false, "print JSON")
	f.StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}
