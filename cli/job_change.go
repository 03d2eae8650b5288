package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"berth/api"
)

func (e *env) jobStop() *cobra.Command {
	var o api.StopOptions
	var detach, verbose, yes bool
	c := &cobra.Command{Use: "stop JOB...", Short: "stop jobs", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			for _, arg := range args {
				j, err := e.meantJob(cmd.Context(), client, arg, yes)
				if err != nil {
					return err
				}
				resp, _, err := client.Jobs().Stop(cmd.Context(), j.ID, o, &api.WriteOptions{Namespace: j.Namespace})
				if err != nil {
					return err
				}
				if resp.EvalID.IsZero() {
					e.say("Job %q is stopped: nothing is launched of it; what was launched runs on", j.ID)
					continue
				}
				if detach {
					e.say("%s", resp.EvalID)
					continue
				}
				if err := e.monitor(cmd.Context(), client, resp.EvalID, verbose); err != nil {
					return err
				}
			}
			return nil
		}}
	f := c.Flags()
	f.BoolVar(&o.Purge, "purge", false, "forget the job as well")
	f.BoolVar(&detach, "detach", false, "do not wait")
	f.BoolVar(&verbose, "verbose", false, "show whole ids")
	f.BoolVar(&yes, "yes", false, "answer yes to questions")
	f.BoolVar(&o.NoShutdownDelay, "no-shutdown-delay", false, "skip the shutdown delays")
	return c
}

func (e *env) jobEval() *cobra.Command {
	var force, detach bool
	c := &cobra.Command{Use: "eval JOB", Short: "look at a job again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			j, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			resp, _, err := client.Jobs().Evaluate(cmd.Context(), j.ID, force, &api.WriteOptions{Namespace: j.Namespace})
			if err != nil {
				return err
			}
			if detach {
				e.say("Created eval ID: %q", resp.EvalID)
				return nil
			}
			return e.monitor(cmd.Context(), client, resp.EvalID, false)
		}}
	c.Flags().BoolVar(&force, "force-reschedule", false, "replace failed allocations whatever the policy says")
	c.Flags().BoolVar(&detach, "detach", false, "do not wait")
	return c
}

func (e *env) jobRevert() *cobra.Command {
	var detach bool
	c := &cobra.Command{Use: "revert JOB VERSION|TAG", Short: "go back to an earlier version", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			j, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			version, err := versionOf(cmd.Context(), client, j.Namespace, j.ID, args[1])
			if err != nil {
				return err
			}
			resp, _, err := client.Jobs().Revert(cmd.Context(), j.ID, version, nil, &api.WriteOptions{Namespace: j.Namespace})
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
	return c
}

func (e *env) jobScale() *cobra.Command {
	var detach bool
	c := &cobra.Command{Use: "scale JOB [GROUP] COUNT", Short: "change the count of a group", Args: cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			stub, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			w := &api.WriteOptions{Namespace: stub.Namespace}
			var count int64
			if _, err := fmt.Sscan(args[len(args)-1], &count); err != nil {
				return fmt.Errorf("count %q is not a number", args[len(args)-1])
			}
			name := ""
			if len(args) == 3 {
				name = args[1]
			} else {
				j, _, err := client.Jobs().Get(cmd.Context(), stub.ID, &api.QueryOptions{Namespace: stub.Namespace})
				if err != nil {
					return err
				}
				if len(j.TaskGroups) != 1 {
					return fmt.Errorf("job %q has %d groups: name the one to scale", j.ID, len(j.TaskGroups))
				}
				name = j.TaskGroups[0].Name
			}
			resp, _, err := client.Jobs().Scale(cmd.Context(), stub.ID, &api.ScalingRequest{Count: &count, Target: map[string]string{"Group": name, "Job": stub.ID}}, w)
			if err != nil {
				return err
			}
			if detach || resp.EvalID.IsZero() {
				e.say("%s", resp.EvalID)
				return nil
			}
			return e.monitor(cmd.Context(), client, resp.EvalID, false)
		}}
	c.Flags().BoolVar(&detach, "detach", false, "do not wait")
	return c
}
