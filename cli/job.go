package cli

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func (e *env) jobCommand() *cobra.Command {
	return e.group("job", "run jobs and look at them", e.jobRun(), e.jobStatus(), e.jobStop(), e.jobStart(), e.jobSuspend(), e.jobResume(), e.jobPlan(), e.jobValidate(), e.jobInspect(),
		e.jobHistory(), e.jobInit(), e.jobEval(), e.jobRestart(), e.jobRevert(), e.jobScale(), e.jobAllocs(), e.jobDeployments(), e.jobPromote(),
		e.jobDispatch(), e.tagCommand(), e.fmtCommand(), e.group("periodic", "launch periodic jobs by hand", e.periodicForce()))
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
	var diffs, full bool
	var version, base uint64
	var tag string
	c := &cobra.Command{Use: "history JOB", Short: "list the versions of a job", Args: cobra.ExactArgs(1),
		Long: "Lists the versions of a job that are kept, the newest first. -p compares each with the one before, -diff-version and -diff-tag\n" +
			"compare all with one: what is shown leads from that to the version it stands below.",
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
			if cmd.Flags().Changed("diff-version") {
				q, diffs = q.With("diff_version", strconv.FormatUint(base, 10)), true
			}
			if tag != "" {
				q, diffs = q.With("diff_tag", tag), true
			}
			resp, _, err := client.Jobs().Versions(cmd.Context(), stub.ID, diffs, q)
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("version") {
				_, err := e.versions(resp, full, func(*structs.Job) bool { return true })
				return err
			}
			some, err := e.versions(resp, full, func(j *structs.Job) bool { return j.Version == version })
			if err != nil {
				return err
			}
			if !some {
				return fmt.Errorf("job %q has no version %d that is kept; `berth job history %s` lists them", stub.ID, version, stub.ID)
			}
			return nil
		}}
	c.Flags().BoolVarP(&diffs, "p", "p", false, "show what each version changed of the one before")
	c.Flags().Uint64Var(&version, "version", 0, "show only this version")
	c.Flags().Uint64Var(&base, "diff-version", 0, "show what each version changed of this one")
	c.Flags().StringVar(&tag, "diff-tag", "", "show what each version changed of the one with this tag")
	c.Flags().BoolVar(&full, "full", false, "show each version whole, as JSON")
	c.MarkFlagsMutuallyExclusive("diff-version", "diff-tag")
	return c
}

// versions prints those versions of a job that are wanted, each with its difference where the answer has one, or whole; false when
// none is.
func (e *env) versions(resp *api.JobVersionsResponse, full bool, wanted func(*structs.Job) bool) (some bool, err error) {
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
		if full {
			if _, err := e.print(shown{json: true}, j); err != nil {
				return some, err
			}
		}
	}
	return some, nil
}
