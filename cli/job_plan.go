package cli

import (
	"fmt"

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
				e.plan(args[0], resp)
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

func (e *env) plan(path string, p *api.PlanResponse) {
	if p.Diff != nil {
		e.diff(p.Diff)
		e.say("")
	}
	if p.Annotations != nil {
		for _, name := range sortedKeys(p.Annotations.DesiredTGUpdates) {
			u := p.Annotations.DesiredTGUpdates[name]
			e.say("Task Group %q: %s", name, counts(u))
		}
	}
	e.say("")
	e.say("%s", e.paint("1", "Scheduler dry-run:"))
	if len(p.FailedTGAllocs) == 0 && len(p.Explanations) == 0 {
		e.say("- %s", e.paint("32", "All tasks successfully allocated."))
	} else {
		e.say("- %s", e.paint("33", "WARNING: Failed to place all allocations."))
		e.placementFailures(&structs.Evaluation{FailedTGAllocs: p.FailedTGAllocs, Explanations: p.Explanations})
	}
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

// mark is the sign and colour of a type of difference.
func (e *env) mark(kind string) string {
	switch kind {
	case structs.DiffAdded:
		return e.paint("32", "+ ")
	case structs.DiffDeleted:
		return e.paint("31", "- ")
	case structs.DiffEdited:
		return e.paint("33", "+/- ")
	}
	return ""
}

// diff prints the differences of a job as a tree.
func (e *env) diff(d *structs.JobDiff) {
	e.say("%sJob: %q", e.mark(d.Type), d.ID)
	e.fields("", d.Fields)
	e.objects("", d.Objects)
	for _, g := range d.TaskGroups {
		if g.Type == structs.DiffNone {
			continue
		}
		e.say("%sTask Group: %q", e.mark(g.Type), g.Name)
		e.fields("  ", g.Fields)
		e.objects("  ", g.Objects)
		for _, t := range g.Tasks {
			if t.Type == structs.DiffNone {
				continue
			}
			e.say("  %sTask: %q", e.mark(t.Type), t.Name)
			e.fields("    ", t.Fields)
			e.objects("    ", t.Objects)
		}
	}
}

func (e *env) fields(indent string, fields []*structs.FieldDiff) {
	for _, f := range fields {
		switch f.Type {
		case structs.DiffAdded:
			e.say("%s  %s%s: %q", indent, e.mark(f.Type), f.Name, f.New)
		case structs.DiffDeleted:
			e.say("%s  %s%s: %q", indent, e.mark(f.Type), f.Name, f.Old)
		case structs.DiffEdited:
			e.say("%s  %s%s: %q => %q", indent, e.mark(f.Type), f.Name, f.Old, f.New)
		}
	}
}

func (e *env) objects(indent string, objects []*structs.ObjectDiff) {
	for _, o := range objects {
		if o.Type == structs.DiffNone {
			continue
		}
		e.say("%s  %s%s {", indent, e.mark(o.Type), o.Name)
		e.fields(indent+"  ", o.Fields)
		e.objects(indent+"  ", o.Objects)
		e.say("%s  }", indent)
	}
}
