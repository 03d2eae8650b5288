package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"berth/structs"
)

func (e *env) disruptionBudgetCommand() *cobra.Command {
	return e.group("disruption-budget", "how many allocations of several jobs may be taken at once", e.budgetList(), e.budgetApply(), e.budgetDelete())
}

func (e *env) budgetList() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "list", Short: "list disruption budgets, and how they stand", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		all, _, err := client.DisruptionBudgets().List(cmd.Context(), nil)
		if err != nil {
			return err
		}
		if done, err := e.print(s, all); done {
			return err
		}
		if len(all) == 0 {
			e.say("No disruption budgets")
			return nil
		}
		rows := [][]string{{"Name", "Of", "Rule", "Available", "Expected", "Must Stay", "May Leave Now"}}
		for _, b := range all {
			rows = append(rows, []string{b.Name, budgetOf(&b.DisruptionBudget), b.Disruption.String(), fmt.Sprint(b.Available), fmt.Sprint(b.Expected),
				fmt.Sprint(b.Least), fmt.Sprint(b.Spare)})
		}
		e.table(rows)
		return nil
	}}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}

// budgetOf says whose allocations a budget means.
func budgetOf(b *structs.DisruptionBudget) string {
	var parts []string
	if b.Job != "" {
		parts = append(parts, "job="+b.Job)
	}
	if b.Group != "" {
		parts = append(parts, "group="+b.Group)
	}
	for _, key := range sortedKeys(b.Meta) {
		parts = append(parts, "meta."+key+"="+b.Meta[key])
	}
	return strings.Join(parts, " ")
}

func (e *env) budgetApply() *cobra.Command {
	b := &structs.DisruptionBudget{}
	var meta []string
	c := &cobra.Command{
		Use: "apply -min-available N|-max-unavailable N NAME", Short: "create or change a disruption budget", Args: cobra.ExactArgs(1),
		Long: "Bounds how many allocations drains, preemption, NoExecute taints and rebalancing may take at once of all groups that are meant,\n" +
			"over the jobs of a namespace. A group's own bound is the disruption block of the job file.",
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			b.Name = args[0]
			if b.Meta, err = keyValues(meta); err != nil {
				return err
			}
			if _, err := client.DisruptionBudgets().Apply(cmd.Context(), b, nil, nil); err != nil {
				return err
			}
			e.say("Disruption budget %q applied", b.Name)
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&b.MinAvailable, "min-available", "", "how many must stay available: a number, or a share as 50%")
	f.StringVar(&b.MaxUnavailable, "max-unavailable", "", "how many may be missing: a number, or a share as 25%")
	f.StringVar(&b.Job, "job", "", "ids of jobs; * stands for any text")
	f.StringVar(&b.Group, "group", "", "names of groups; * stands for any text")
	f.StringArrayVar(&meta, "meta", nil, "key=value that the job or group has; may be repeated")
	f.StringVar(&b.Description, "description", "", "what it is for")
	c.MarkFlagsMutuallyExclusive("min-available", "max-unavailable")
	c.MarkFlagsOneRequired("min-available", "max-unavailable")
	return c
}

func (e *env) budgetDelete() *cobra.Command {
	return &cobra.Command{Use: "delete NAME", Short: "remove a disruption budget", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		if _, err := client.DisruptionBudgets().Delete(cmd.Context(), args[0], nil); err != nil {
			return err
		}
		e.say("Disruption budget %q deleted", args[0])
		return nil
	}}
}
