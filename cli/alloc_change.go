package cli

import (
	"github.com/spf13/cobra"
)

func (e *env) allocRestart() *cobra.Command {
	var task string
	var all bool
	c := &cobra.Command{Use: "restart ALLOC [TASK]", Short: "restart the tasks of an allocation", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			a, err := e.findAlloc(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				task = args[1]
			}
			return client.Allocations().Restart(cmd.Context(), a.ID.String(), task, all, nil)
		}}
	c.Flags().StringVar(&task, "task", "", "only this task")
	c.Flags().BoolVar(&all, "all-tasks", false, "all tasks in the order of their lives, also those that have ended, as prestart tasks")
	return c
}

func (e *env) allocSignal() *cobra.Command {
	var signal, task string
	c := &cobra.Command{Use: "signal ALLOC [TASK]", Short: "send a signal to the tasks of an allocation", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			a, err := e.findAlloc(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				task = args[1]
			}
			return client.Allocations().Signal(cmd.Context(), a.ID.String(), task, signal, nil)
		}}
	c.Flags().StringVarP(&signal, "signal", "s", "SIGKILL", "signal")
	c.Flags().StringVar(&task, "task", "", "only this task")
	return c
}

func (e *env) allocStop() *cobra.Command {
	var detach, noDelay bool
	c := &cobra.Command{Use: "stop ALLOC", Short: "stop an allocation; another one takes its place", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			a, err := e.findAlloc(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			resp, _, err := client.Allocations().Stop(cmd.Context(), a.ID.String(), noDelay, nil)
			if err != nil {
				return err
			}
			if detach {
				e.say("%s", resp.EvalID)
				return nil
			}
			return e.monitor(cmd.Context(), client, resp.EvalID, false)
		}}
	c.Flags().BoolVar(&detach, "detach", false, "do not wait")
	c.Flags().BoolVar(&noDelay, "no-shutdown-delay", false, "skip the shutdown delays")
	return c
}
