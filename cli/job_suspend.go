package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func (e *env) jobStart() *cobra.Command {
	var detach, verbose, yes bool
	c := &cobra.Command{Use: "start JOB...", Short: "start jobs that were stopped, as they were", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			client, err := e.client()
			if err != nil {
				return err
			}
			for _, arg := range args {
				stub, err := e.meantJob(ctx, client, arg, yes)
				if err != nil {
					return err
				}
				q := &api.QueryOptions{Namespace: stub.Namespace}
				j, _, err := client.Jobs().Get(ctx, stub.ID, q)
				if err != nil {
					return err
				}
				if !j.Stop {
					return fmt.Errorf("job %q is not stopped", j.ID)
				}
				req := &structs.JobRegisterRequest{Job: j, EnforceIndex: true, JobModifyIndex: j.JobModifyIndex}
				if req.Submission, _, err = client.Jobs().Submission(ctx, j.ID, j.Version, q); err != nil && !api.IsNotFound(err) {
					return err
				}
				j.Stop = false
				resp, _, err := client.Jobs().Register(ctx, req, &api.WriteOptions{Namespace: j.Namespace})
				if err != nil {
					return err
				}
				if resp.EvalID.IsZero() {
					e.say("Job %q is started", j.ID)
					e.nextLaunch(j)
					continue
				}
				if err := e.follow(cmd, client, resp.EvalID, detach, verbose); err != nil {
					return err
				}
			}
			return nil
		}}
	c.Flags().BoolVar(&detach, "detach", false, "do not wait")
	c.Flags().BoolVar(&verbose, "verbose", false, "show whole ids")
	c.Flags().BoolVar(&yes, "yes", false, "answer yes to questions")
	return c
}

// follow shows what becomes of an evaluation, or only names it.
func (e *env) follow(cmd *cobra.Command, client *api.Client, eval structs.ID, detach, verbose bool) error {
	if detach {
		e.say("%s", eval)
		return nil
	}
	return e.monitor(cmd.Context(), client, eval, verbose)
}

func (e *env) jobSuspend() *cobra.Command {
	return e.suspension("suspend JOB...", "set jobs aside: what runs ends, what ended well stays so", true)
}

func (e *env) jobResume() *cobra.Command {
	return e.suspension("resume JOB...", "take suspended jobs up again, under the same indexes", false)
}

func (e *env) suspension(use, short string, suspend bool) *cobra.Command {
	var detach, verbose bool
	c := &cobra.Command{Use: use, Short: short, Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			for _, arg := range args {
				j, err := e.findJob(cmd.Context(), client, arg)
				if err != nil {
					return err
				}
				resp, _, err := client.Jobs().Suspend(cmd.Context(), j.ID, suspend, &api.WriteOptions{Namespace: j.Namespace})
				if err != nil {
					return err
				}
				if resp.EvalID.IsZero() {
					e.say("Job %q is %s", j.ID, map[bool]string{true: "suspended: nothing is launched of it", false: "taken up again"}[suspend])
				} else if err := e.follow(cmd, client, resp.EvalID, detach, verbose); err != nil {
					return err
				}
				if suspend && !detach {
					e.next("    next: berth job resume %s", structs.JobArgs(j.Namespace, j.ID))
				}
			}
			return nil
		}}
	c.Flags().BoolVar(&detach, "detach", false, "do not wait")
	c.Flags().BoolVar(&verbose, "verbose", false, "show whole ids")
	return c
}

// standing is a job's status, and whether somebody stopped or suspended it.
func standing(status string, stop, suspended bool) string {
	switch {
	case stop:
		return status + " (stopped)"
	case suspended:
		return status + " (suspended)"
	}
	return status
}
