package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
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
	var diffs bool
	var version uint64
	c := &cobra.Command{Use: "history JOB", Short: "list the versions of a job", Args: cobra.ExactArgs(1),
		Long: "Lists the versions of a job that are kept, the newest first.",
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			stub, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			resp, _, err := client.Jobs().Versions(cmd.Context(), stub.ID, diffs, &api.QueryOptions{Namespace: stub.Namespace})
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("version") {
				e.versions(resp, func(*structs.Job) bool { return true })
				return nil
			}
			if !e.versions(resp, func(j *structs.Job) bool { return j.Version == version }) {
				return fmt.Errorf("job %q has no version %d that is kept; `berth job history %s` lists them", stub.ID, version, stub.ID)
			}
			return nil
		}}
	c.Flags().BoolVarP(&diffs, "p", "p", false, "show what each version changed of the one before")
	c.Flags().Uint64Var(&version, "version", 0, "show only this version")
	return c
}

// versions prints those versions of a job that are wanted, each with its difference where the answer has one; false when
// none is.
func (e *env) versions(resp *api.JobVersionsResponse, wanted func(*structs.Job) bool) bool {
	some := false
	for i, j := range resp.Versions {
		if !wanted(j) {
			continue
		}
		if some {
			e.say("")
		}
		some = true
		pairs := [][2]string{{"Version", fmt.Sprint(j.Version)}, {"Stable", fmt.Sprint(j.Stable)}, {"Submit Date", clock(j.SubmitTime)}}
		if t := j.VersionTag; t != nil {
			pairs = append(pairs, [2]string{"Tag Name", t.Name}, [2]string{"Tag Description", t.Description})
		}
		e.pairs(pairs)
		if i < len(resp.Diffs) {
			e.say("Diff")
			e.diff(resp.Diffs[i], nil, true)
		}
	}
	return some
}
