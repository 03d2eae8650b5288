package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/internal/cron"
	"berth/structs"
)

func (e *env) jobStatus() *cobra.Command {
	var s shown
	var brief, evals, all bool
	c := &cobra.Command{Use: "status [JOB]", Short: "what jobs there are, or how one is", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return e.listJobs(cmd.Context(), client, s)
			}
			stub, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			return e.showJob(cmd.Context(), client, stub, s, brief, evals, all)
		}}
	f := c.Flags()
	f.BoolVar(&s.verbose, "verbose", false, "show whole ids")
	f.BoolVar(&s.json, "json", false, "print JSON")
	f.StringVarP(&s.template, "template", "t", "", "Go template")
	f.BoolVar(&brief, "short", false, "only the job itself")
	f.BoolVar(&evals, "evals", false, "show evaluations too")
	f.BoolVar(&all, "all-allocs", false, "show allocations of earlier jobs of the name too")
	return c
}

func (e *env) listJobs(ctx context.Context, c *api.Client, s shown) error {
	jobs, _, err := c.Jobs().List(ctx, nil)
	if err != nil {
		return err
	}
	if done, err := e.print(s, jobs); done {
		return err
	}
	if len(jobs) == 0 {
		e.say("No running jobs")
		return nil
	}
	rows := [][]string{{"ID", "Type", "Priority", "Status", "Submit Date"}}
	if e.cfg.Namespace == "*" {
		rows[0] = slices.Insert(rows[0], 1, "Namespace")
	}
	for _, j := range jobs {
		status := standing(j.Status, j.Stop, j.Suspended)
		kind := j.Type
		if j.Periodic {
			kind += "/periodic"
		}
		if j.ParameterizedJob {
			kind += "/parameterized"
		}
		row := []string{j.ID, kind, fmt.Sprint(j.Priority), status, clock(j.SubmitTime)}
		if e.cfg.Namespace == "*" {
			row = slices.Insert(row, 1, j.Namespace)
		}
		rows = append(rows, row)
	}
	e.table(rows)
	return nil
}

func (e *env) showJob(ctx context.Context, c *api.Client, stub *structs.JobListStub, s shown, brief, evals, all bool) error {
	q := &api.QueryOptions{Namespace: stub.Namespace}
	j, _, err := c.Jobs().Get(ctx, stub.ID, q)
	if err != nil {
		return err
	}
	if done, err := e.print(s, j); done {
		return err
	}
	status := standing(j.Status, j.Stop, j.Suspended)
	facts := [][2]string{{"ID", j.ID}, {"Name", j.Name}, {"Submit Date", clock(j.SubmitTime)}, {"Type", j.Type}, {"Priority", fmt.Sprint(j.Priority)},
		{"Datacenters", strings.Join(j.Datacenters, ",")}, {"Namespace", j.Namespace}, {"Node Pool", j.NodePool}, {"Status", status},
		{"Periodic", fmt.Sprint(j.IsPeriodic())}, {"Parameterized", fmt.Sprint(j.IsParameterized())}}
	if j.ParentID != "" {
		facts = append(facts, [2]string{"Parent Job", j.ParentID})
	}
	if next := cron.NextLaunch(j, time.Now()); !next.IsZero() {
		facts = append(facts, [2]string{"Next Periodic Launch", fmt.Sprintf("%s (%s)", next.Format(time.RFC3339), ago(next.UnixNano()))})
	} else if j.IsPeriodic() {
		facts = append(facts, [2]string{"Next Periodic Launch", "none"})
	}
	e.pairs(facts)
	if brief {
		return nil
	}
	if j.IsPeriodic() || j.IsParameterized() {
		return e.showChildren(ctx, c, j, stub)
	}
	if err := e.jobSummary(stub); err != nil {
		return err
	}
	list, _, err := c.Jobs().Evaluations(ctx, j.ID, q)
	if err != nil {
		return err
	}
	e.jobEvals(list, evals, s.verbose)
	if err := e.jobDeployment(ctx, c, j, q, s.verbose); err != nil {
		return err
	}
	allocs, _, err := c.Jobs().Allocations(ctx, j.ID, all, q)
	if err != nil {
		return err
	}
	e.head("Allocations")
	if len(allocs) == 0 {
		e.say("No allocations placed")
		return nil
	}
	e.allocTable(allocs, s.verbose)
	e.lastFailure(allocs, s.verbose)
	return nil
}

// lastFailure tells of the newest allocation that failed what failed.
func (e *env) lastFailure(allocs []*structs.AllocListStub, verbose bool) {
	var last *structs.AllocListStub
	for _, a := range allocs {
		if a.ClientStatus == structs.AllocClientFailed && (last == nil || a.ModifyIndex > last.ModifyIndex) {
			last = a
		}
	}
	if last == nil {
		return
	}
	for _, name := range sortedKeys(last.TaskStates) {
		st := last.TaskStates[name]
		if st == nil || !st.Failed {
			continue
		}
		e.head("Last Failure")
		for _, ev := range slices.DeleteFunc(slices.Clone(st.Events), func(ev *structs.TaskEvent) bool { return !tells(st, ev) }) {
			e.say("%s  task %q of %s: %s: %s", clock(ev.Time), name, short8(last.ID, verbose), ev.Type, eventText(ev))
		}
		e.next("More: berth alloc status %s, berth alloc logs -stderr %s", last.ID.Short(), last.ID.Short())
		return
	}
}

func (e *env) jobSummary(stub *structs.JobListStub) error {
	if stub.JobSummary == nil {
		return nil
	}
	e.head("Summary")
	rows := [][]string{{"Task Group", "Queued", "Starting", "Running", "Failed", "Complete", "Lost", "Unknown"}}
	for _, name := range sortedKeys(stub.JobSummary.Summary) {
		g := stub.JobSummary.Summary[name]
		rows = append(rows, []string{name, fmt.Sprint(g.Queued), fmt.Sprint(g.Starting), fmt.Sprint(g.Running), fmt.Sprint(g.Failed),
			fmt.Sprint(g.Complete), fmt.Sprint(g.Lost), fmt.Sprint(g.Unknown)})
	}
	e.table(rows)
	return nil
}

// jobEvals lists evaluations if asked, and always what the newest one could not place.
func (e *env) jobEvals(list []*structs.Evaluation, asked, verbose bool) {
	if asked && len(list) > 0 {
		e.head("Evaluations")
		e.evalTable(list, verbose)
	}
	var last *structs.Evaluation // the newest that is over, whatever the order
	for _, x := range list {
		if x.Terminal() && x.Status != structs.EvalStatusCancelled && (last == nil || x.CreateIndex > last.CreateIndex) {
			last = x
		}
	}
	if last != nil && last.Status == structs.EvalStatusFailed && len(last.Explanations) > 0 {
		e.head("Last Evaluation Failed")
		e.placementFailures(last)
	}
	for _, x := range list {
		if x.Status == structs.EvalStatusBlocked && (len(x.FailedTGAllocs) > 0 || len(x.Explanations) > 0) {
			e.head(placementHead("Placement Failure", x))
			e.placementFailures(x)
			return
		}
	}
}

func (e *env) jobDeployment(ctx context.Context, c *api.Client, j *structs.Job, q *api.QueryOptions, verbose bool) error {
	d, _, err := c.Jobs().LatestDeployment(ctx, j.ID, q)
	if err != nil || d == nil {
		return err
	}
	e.head("Latest Deployment")
	e.pairs([][2]string{{"ID", short8(d.ID, verbose)}, {"Status", d.Status}, {"Description", d.StatusDescription}})
	e.head("Deployed")
	e.deploymentTable(d)
	return nil
}
