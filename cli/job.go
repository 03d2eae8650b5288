package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"berth/api"
)

func (e *env) jobCommand() *cobra.Command {
	return e.group("job", "run jobs and look at them", e.jobRun(), e.jobStatus(), e.jobStop(), e.jobPlan(), e.jobValidate(), e.jobInspect(),
		e.jobHistory(), e.jobInit(), e.jobEval(), e.jobRevert(), e.jobScale(), e.jobAllocs(), e.jobDeployments(), e.jobPromote(),
		e.jobDispatch(), e.fmtCommand(), e.group("periodic", "launch periodic jobs by hand", e.periodicForce()))
}

func (e *env) jobInspect() *cobra.Command {
	var s shown
	var hcl bool
	c := &cobra.Command{Use: "inspect JOB", Short: "print a job as the servers have it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			stub, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			q := &api.QueryOptions{Namespace: stub.Namespace}
			if hcl {
				sub, _, err := client.Jobs().Submission(cmd.Context(), stub.ID, stub.Version, q)
				if err != nil {
					return err
				}
				_, err = io.WriteString(e.out, sub.Source)
				return err
			}
			j, _, err := client.Jobs().Get(cmd.Context(), stub.ID, q)
			if err != nil {
				return err
			}
			if s.template == "" {
				s.json = true
			}
			_, err = e.print(s, map[string]any{"Job": j})
			return err
		}}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON (the default)")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	c.Flags().BoolVar(&hcl, "hcl", false, "print the file it was run from")
	return c
}

func (e *env) jobHistory() *cobra.Command {
	c := &cobra.Command{Use: "history JOB", Short: "list the versions of a job", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			stub, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			resp, _, err := client.Jobs().Versions(cmd.Context(), stub.ID, true, &api.QueryOptions{Namespace: stub.Namespace})
			if err != nil {
				return err
			}
			for i, j := range resp.Versions {
				if i > 0 {
					e.say("")
				}
				e.pairs([][2]string{{"Version", fmt.Sprint(j.Version)}, {"Stable", fmt.Sprint(j.Stable)}, {"Submit Date", clock(j.SubmitTime)}})
				if i < len(resp.Diffs) {
					e.say("Diff")
					e.diff(resp.Diffs[i], nil, true)
				}
			}
			return nil
		}}
	return c
}
