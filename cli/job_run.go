package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func (e *env) jobRun() *cobra.Command {
	var s source
	var detach, verbose, output, preserveCounts, preserveResources bool
	var check string
	var priority int
	c := &cobra.Command{
		Use: "run FILE", Short: "run a job, or update it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			res, err := e.read(cmd.Context(), args[0], s)
			if err != nil {
				return err
			}
			req := &structs.JobRegisterRequest{Job: res.Job, Submission: res.Submission, PreserveCounts: preserveCounts,
				PreserveResources: preserveResources, EvalPriority: priority}
			if output {
				_, err := e.print(shown{json: true}, map[string]any{"Job": res.Job})
				return err
			}
			if check != "" {
				if _, err := fmt.Sscan(check, &req.JobModifyIndex); err != nil {
					return fmt.Errorf("-check-index %q is not a number", check)
				}
				req.EnforceIndex = true
			}
			client, err := e.client()
			if err != nil {
				return err
			}
			resp, _, err := client.Jobs().Register(cmd.Context(), req, &api.WriteOptions{Namespace: res.Job.Namespace})
			if err != nil {
				return err
			}
			if resp.Warnings != "" {
				e.say("%s\n", e.paint("33", "Job warnings: "+resp.Warnings))
			}
			if resp.EvalID.IsZero() {
				e.say("Job registration successful")
				e.nextLaunch(res.Job)
				return nil
			}
			if detach {
				e.say("Job registration successful\nEvaluation ID: %s", resp.EvalID)
				return nil
			}
			return e.monitor(cmd.Context(), client, resp.EvalID, verbose)
		},
	}
	s.flags(c)
	f := c.Flags()
	f.BoolVar(&detach, "detach", false, "do not wait for what becomes of it")
	f.BoolVar(&verbose, "verbose", false, "show whole ids")
	f.BoolVar(&output, "output", false, "print the job as JSON instead of sending it")
	f.BoolVar(&preserveCounts, "preserve-counts", false, "keep the counts of a job that runs")
	f.BoolVar(&preserveResources, "preserve-resources", false, "keep the resources of a job that runs")
	f.StringVar(&check, "check-index", "", "only if the job is at this modify index; 0: only if there is no such job")
	f.IntVar(&priority, "eval-priority", 0, "priority of the evaluation, 1 to 100")
	return c
}

func (e *env) jobValidate() *cobra.Command {
	var s source
	c := &cobra.Command{Use: "validate FILE", Short: "check a job file; no agent is needed", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := e.read(cmd.Context(), args[0], s); err != nil {
				return err
			}
			e.say("%s", e.paint("32", "Job validation successful"))
			return nil
		}}
	s.flags(c)
	return c
}
