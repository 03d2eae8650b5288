package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func (e *env) jobPlan() *cobra.Command {
	var src source
	var s shown
	var diff bool
	c := &cobra.Command{Use: "plan FILE", Short: "what running a job file would change", Args: cobra.ExactArgs(1),
		Long: "Says what running the file would change, and changes nothing. Exit code 0: nothing would be started or stopped; 1: something\n" +
			"would; 255: the plan could not be made.",
		RunE: func(cmd *cobra.Command, args []string) error {
			fail := func(err error) error {
				e.fail(err)
				return exitError{255}
			}
			res, err := e.read(cmd.Context(), args[0], src)
			if err != nil {
				if _, said := err.(exitError); said {
					return exitError{255}
				}
				return fail(err)
			}
			client, err := e.client()
			if err != nil {
				return fail(err)
			}
			resp, _, err := client.Jobs().Plan(cmd.Context(), &api.PlanRequest{Job: res.Job, Diff: diff}, &api.WriteOptions{Namespace: res.Job.Namespace})
			if err != nil {
				return fail(err)
			}
			done, err := e.print(s, resp)
			if err != nil {
				return fail(err)
			}
			if !done {
				e.plan(args[0], resp, s.verbose)
			}
			if moves(resp.Annotations) {
				return exitError{1}
			}
			return nil
		}}
	src.flags(c)
	c.Flags().BoolVar(&diff, "diff", true, "show the differences")
	c.Flags().BoolVar(&s.verbose, "verbose", false, "show whole ids")
	c.Flags().BoolVar(&s.json, "json-output", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}

// moves reports that something would be started or stopped.
func moves(a *structs.PlanAnnotations) bool {
	if a == nil {
		return false
	}
	for _, u := range a.DesiredTGUpdates {
		if u.Place+u.Stop+u.DestructiveUpdate+u.Migrate+u.Canary > 0 {
			return true
		}
	}
	return false
}

func (e *env) plan(path string, p *api.PlanResponse, verbose bool) {
	updates := map[string]*structs.DesiredUpdates{}
	if p.Annotations != nil {
		updates = p.Annotations.DesiredTGUpdates
	}
	if p.Diff != nil {
		e.diff(p.Diff, updates, verbose)
	} else {
		for _, name := range sortedKeys(updates) {
			e.say("Task Group: %q (%s)", name, counts(updates[name]))
		}
	}
	e.say("")
	e.say("%s", e.paint("1", "Scheduler dry-run:"))
	x := &structs.Evaluation{FailedTGAllocs: p.FailedTGAllocs, Explanations: p.Explanations}
	switch {
	case len(p.FailedTGAllocs) > 0:
		e.say("- %s", e.paint("33", "WARNING: Failed to place all allocations."))
	case len(waiting(x)) > 0:
		e.say("- %s", e.paint("33", "Nothing fails, but not all tasks are allocated at once."))
	default:
		e.say("- %s", e.paint("32", "All tasks successfully allocated."))
	}
	if at := p.NextPeriodicLaunch; !at.IsZero() {
		e.say("- If submitted now, next periodic launch would be at %s (%s).", at.Format(time.RFC3339), ago(at.UnixNano()))
	}
	e.placementFailures(x)
	e.plannedPlacements(p)
	e.plannedStops(p)
	e.preemptions(p)
	if p.Warnings != "" {
		e.say("\n%s", e.paint("33", "Job Warnings:\n"+p.Warnings))
	}
	e.say("\nJob Modify Index: %d\nTo submit the job with version verification run:\n\n  berth job run -check-index %d %s\n", p.JobModifyIndex, p.JobModifyIndex, path)
	e.say("The job is run only if nobody has changed it since.")
}

func counts(u *structs.DesiredUpdates) string {
	text := ""
	for _, c := range []struct {
		n    uint64
		what string
	}{{u.Place, "create"}, {u.DestructiveUpdate, "create/destroy update"}, {u.InPlaceUpdate, "in-place update"}, {u.Stop, "destroy"},
		{u.Migrate, "migrate"}, {u.Canary, "canary"}, {u.Preemptions, "preemption"}, {u.Ignore, "ignore"}} {
		if c.n == 0 {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d %s", c.n, c.what)
	}
	if text == "" {
		return "nothing changes"
	}
	return text
}
