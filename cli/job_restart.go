package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

// restarter restarts the allocations of a job, some at a time.
type restarter struct {
	e                   *env
	c                   *api.Client
	size, wait, onError string
	groups, tasks       []string
	reschedule          bool
	noDelay, yes, whole bool
	allTasks            bool
	pause               time.Duration
	ask                 bool // before each batch but the first
	failed              int
	told                int // how many allocations were told to restart or to stop
}

func (e *env) jobRestart() *cobra.Command {
	r := &restarter{e: e}
	c := &cobra.Command{
		Use: "restart JOB", Short: "restart the allocations of a job, some at a time", Args: cobra.ExactArgs(1),
		Long: "Restarts the running tasks of a job where they are, or with -reschedule stops its allocations so that others take their places.\n" +
			"The next batch begins when what was restarted runs again. Health is not looked at: deployments do that.",
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if err = r.check(); err != nil {
				return err
			}
			if r.c, err = e.client(); err != nil {
				return err
			}
			return r.run(cmd.Context(), args[0])
		},
	}
	f := c.Flags()
	f.StringVar(&r.size, "batch-size", "1", "how many at a time: a number, or a part of all as 25%, rounded up")
	f.StringVar(&r.wait, "batch-wait", "0s", "how long to wait between batches; ask asks")
	f.StringSliceVar(&r.groups, "group", nil, "only allocations of this group; may be given several times")
	f.StringSliceVar(&r.tasks, "task", nil, "only this task; may be given several times")
	f.BoolVar(&r.allTasks, "all-tasks", false, "all tasks in the order of their lives, also those that have ended, as prestart tasks")
	f.BoolVar(&r.reschedule, "reschedule", false, "stop the allocations, so that others take their places, on other nodes perhaps")
	f.BoolVar(&r.noDelay, "no-shutdown-delay", false, "with -reschedule: skip the shutdown delays")
	f.StringVar(&r.onError, "on-error", "ask", "what to do when one cannot be restarted: ask, or fail at once")
	f.BoolVar(&r.yes, "yes", false, "answer yes to questions: go on after errors and without waiting, unless -on-error and -batch-wait say otherwise")
	f.BoolVar(&r.whole, "verbose", false, "show whole ids")
	return c
}

// check finds what is wrong with the flags.
func (r *restarter) check() error {
	if r.onError != "ask" && r.onError != "fail" {
		return fmt.Errorf("-on-error is %q; it must be ask or fail", r.onError)
	}
	if _, err := batchSize(r.size, 1); err != nil {
		return err
	}
	if r.ask = r.wait == "ask"; !r.ask {
		d, err := time.ParseDuration(r.wait)
		if err != nil || d < 0 {
			return fmt.Errorf("-batch-wait is %q; it must be a duration as 30s, or ask", r.wait)
		}
		r.pause = d
	}
	switch {
	case r.reschedule && len(r.tasks) > 0:
		return errors.New("-task and -reschedule exclude each other: an allocation is stopped with all its tasks")
	case r.allTasks && len(r.tasks) > 0:
		return errors.New("-all-tasks and -task exclude each other: say which tasks, or all")
	case r.allTasks && r.reschedule:
		return errors.New("-all-tasks and -reschedule exclude each other: an allocation that takes another's place runs all tasks anyway")
	case r.noDelay && !r.reschedule:
		return errors.New("-no-shutdown-delay goes with -reschedule: a restart in place does not wait for it")
	}
	return nil
}

// batchSize is how many of all go at a time.
func batchSize(text string, all int) (int, error) {
	digits, percent := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(digits)
	switch {
	case err != nil || n < 1:
		return 0, fmt.Errorf("-batch-size is %q; it must be a number from 1, or a part as 25%%", text)
	case percent && n > 100:
		return 0, fmt.Errorf("-batch-size is %q; a part is at most 100%%", text)
	case percent:
		return (all*n + 99) / 100, nil
	}
	return n, nil
}

func (r *restarter) run(ctx context.Context, name string) error {
	stub, err := r.e.meantJob(ctx, r.c, name, r.yes)
	if err != nil {
		return err
	}
	q := &api.QueryOptions{Namespace: stub.Namespace}
	job, _, err := r.c.Jobs().Get(ctx, stub.ID, q)
	if err != nil {
		return err
	}
	if err := r.fits(job); err != nil {
		return err
	}
	list, _, err := r.c.Jobs().Allocations(ctx, stub.ID, false, q)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(a *structs.AllocListStub) bool { return !r.wanted(job, a) })
	slices.SortFunc(list, func(a, b *structs.AllocListStub) int {
		return cmp.Or(cmp.Compare(a.TaskGroup, b.TaskGroup), cmp.Compare(a.CreateIndex, b.CreateIndex), a.ID.Compare(b.ID))
	})
	if len(list) == 0 {
		r.e.say("No allocations to restart: nothing of job %q that is meant runs (`berth why %s` tells why)", stub.ID, stub.ID)
		return nil
	}
	size, err := batchSize(r.size, len(list))
	if err != nil {
		return err
	}
	batches := slices.Collect(slices.Chunk(list, size))
	r.e.say("Restarting %s of job %q in %s", plural(len(list), "allocation"), stub.ID, batchesOf(len(batches)))
	err = r.batches(ctx, batches)
	if ctx.Err() != nil {
		r.e.say("Interrupted after %d of %s; the others were left alone", r.told, plural(len(list), "allocation"))
	}
	return err
}

// fits finds flags that are not about the job.
func (r *restarter) fits(job *structs.Job) error {
	if r.reschedule && !structs.InQueues(job.Type) {
		return fmt.Errorf("job %q is of type %s: its allocations belong to their nodes; restart them without -reschedule", job.ID, job.Type)
	}
	for _, name := range r.groups {
		if !slices.ContainsFunc(job.TaskGroups, func(g *structs.TaskGroup) bool { return g.Name == name }) {
			return fmt.Errorf("job %q has no group %q: its groups are %s", job.ID, name, strings.Join(namesOfGroups(job), ", "))
		}
	}
	for _, name := range r.tasks {
		if !slices.ContainsFunc(job.TaskGroups, func(g *structs.TaskGroup) bool { return r.ofGroup(g.Name) && hasTask(g, name) }) {
			return fmt.Errorf("job %q has no task %q in the groups that are meant: their tasks are %s", job.ID, name, strings.Join(r.tasksOf(job), ", "))
		}
	}
	return nil
}

func namesOfGroups(job *structs.Job) []string {
	names := make([]string, 0, len(job.TaskGroups))
	for _, g := range job.TaskGroups {
		names = append(names, g.Name)
	}
	return names
}

// tasksOf names the tasks of the groups that are meant.
func (r *restarter) tasksOf(job *structs.Job) []string {
	var names []string
	for _, g := range job.TaskGroups {
		for _, t := range g.Tasks {
			if r.ofGroup(g.Name) && !slices.Contains(names, t.Name) {
				names = append(names, t.Name)
			}
		}
	}
	return names
}

func (r *restarter) ofGroup(name string) bool {
	return len(r.groups) == 0 || slices.Contains(r.groups, name)
}

func hasTask(g *structs.TaskGroup, name string) bool {
	return slices.ContainsFunc(g.Tasks, func(t *structs.Task) bool { return t.Name == name })
}

// wanted reports an allocation that runs, and is meant by the flags.
func (r *restarter) wanted(job *structs.Job, a *structs.AllocListStub) bool {
	if a.DesiredStatus != structs.AllocDesiredRun || a.ClientStatus != structs.AllocClientRunning || !r.ofGroup(a.TaskGroup) {
		return false
	}
	return len(r.tasks) == 0 || slices.ContainsFunc(job.TaskGroups, func(g *structs.TaskGroup) bool {
		return g.Name == a.TaskGroup && slices.ContainsFunc(r.tasks, func(t string) bool { return hasTask(g, t) })
	})
}

func (r *restarter) batches(ctx context.Context, batches [][]*structs.AllocListStub) error {
	for i, batch := range batches {
		if i > 0 {
			if on, err := r.between(ctx, fmt.Sprintf("%d of %s", i+1, batchesOf(len(batches)))); err != nil || !on {
				return err
			}
		}
		err := r.batch(ctx, batch)
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil || r.onError == "fail":
			return err
		}
		r.failed++
		r.e.say("%v", err)
		if i+1 < len(batches) && !r.yes {
			on, err := r.e.confirm(ctx, "Go on with the next batch? [y/N] ")
			if err != nil {
				return err
			}
			if !on {
				return exitError{1}
			}
		}
	}
	if r.failed > 0 {
		return fmt.Errorf("%s failed", batchesOf(r.failed))
	}
	r.e.say("All is restarted")
	return nil
}

func batchesOf(n int) string {
	if n == 1 {
		return "1 batch"
	}
	return fmt.Sprintf("%d batches", n)
}

// between waits before a batch, or asks; false to stop there.
func (r *restarter) between(ctx context.Context, batch string) (bool, error) {
	switch {
	case r.ask && r.yes:
		return true, nil
	case r.ask:
		on, err := r.e.confirm(ctx, batch+": go on? [y/N] ")
		if err == nil && !on {
			r.e.say("The others were left alone")
		}
		return on, err
	case r.pause > 0:
		r.e.say("Waiting %s before %s", r.pause, batch)
	}
	timer := time.NewTimer(r.pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// batch restarts some at once, and returns when they run again.
func (r *restarter) batch(ctx context.Context, batch []*structs.AllocListStub) error {
	waits := make([]func() error, 0, len(batch))
	var errs []error
	for _, a := range batch {
		began := r.inPlace
		if r.reschedule {
			began = r.elsewhere
		}
		wait, err := began(ctx, a)
		if err != nil {
			errs = append(errs, fmt.Errorf("allocation %s: %w", short8(a.ID, r.whole), err))
			continue
		}
		waits = append(waits, func() error {
			if err := wait(); err != nil {
				return fmt.Errorf("allocation %s: %w", short8(a.ID, r.whole), err)
			}
			return nil
		})
	}
	for _, wait := range waits {
		errs = append(errs, wait())
	}
	return errors.Join(errs...)
}

// inPlace restarts the tasks of an allocation.
func (r *restarter) inPlace(ctx context.Context, stub *structs.AllocListStub) (wait func() error, err error) {
	id := stub.ID.String()
	a, _, err := r.c.Allocations().Get(ctx, id, nil)
	if err != nil {
		return nil, err
	}
	if a.DesiredStatus != structs.AllocDesiredRun || a.ClientTerminal() { // since it was listed
		r.e.say("  %s on %s: it has ended meanwhile", short8(stub.ID, r.whole), stub.NodeName)
		return func() error { return nil }, nil
	}
	before := map[string]time.Time{}
	for name, s := range a.TaskStates {
		if s.State == structs.TaskStateRunning && (len(r.tasks) == 0 || slices.Contains(r.tasks, name)) {
			before[name] = s.StartedAt
		}
	}
	if len(before) == 0 {
		return nil, errors.New("none of its tasks that are meant runs")
	}
	tasks := r.tasks
	if len(tasks) == 0 {
		tasks = []string{""} // all that run
	}
	r.told++
	r.e.say("  %s on %s: its tasks are restarted", short8(stub.ID, r.whole), stub.NodeName)
	for _, task := range tasks {
		if _, runs := before[task]; task != "" && !runs {
			continue
		}
		if err := r.c.Allocations().Restart(ctx, id, task, r.allTasks, nil); err != nil {
			return nil, err
		}
	}
	return func() error {
		return r.follow(ctx, id, func(a *api.Allocation) (bool, error) {
			switch {
			case a.DesiredStatus != structs.AllocDesiredRun:
				return false, errors.New("it does not run again: it was told to stop meanwhile")
			case a.ClientStatus == structs.AllocClientComplete:
				r.e.say("  %s on %s: its work is done, it has ended", short8(stub.ID, r.whole), stub.NodeName)
				return true, nil
			case a.ClientTerminal():
				return false, fmt.Errorf("it does not run again: it is %s (`berth alloc status %s` tells more)", a.ClientStatus, short8(stub.ID, r.whole))
			}
			for name, started := range before {
				if s := a.TaskStates[name]; s == nil || s.State != structs.TaskStateRunning || !s.StartedAt.After(started) {
					return false, nil
				}
			}
			return true, nil
		})
	}, nil
}

// elsewhere stops an allocation and waits for the one that takes its place.
func (r *restarter) elsewhere(ctx context.Context, stub *structs.AllocListStub) (wait func() error, err error) {
	resp, _, err := r.c.Allocations().Stop(ctx, stub.ID.String(), r.noDelay, nil)
	if err != nil {
		return nil, err
	}
	r.told++
	r.e.say("  %s on %s: it is stopped", short8(stub.ID, r.whole), stub.NodeName)
	return func() error {
		if err := r.decided(ctx, resp.EvalID.String()); err != nil {
			return err
		}
		next, err := r.successor(ctx, stub)
		if err != nil {
			return err
		}
		if next.IsZero() {
			r.e.say("  %s: nothing takes its place", short8(stub.ID, r.whole))
			return nil
		}
		return r.follow(ctx, next.String(), func(a *api.Allocation) (bool, error) {
			switch {
			case a.ClientStatus == structs.AllocClientComplete && a.DesiredStatus == structs.AllocDesiredRun:
				r.e.say("  %s on %s ran in its place, and has ended", short8(next, r.whole), a.NodeName)
				return true, nil
			case a.ClientTerminal() || a.DesiredStatus != structs.AllocDesiredRun:
				return false, fmt.Errorf("%s, which takes its place, does not run: it is %s", short8(next, r.whole), a.ClientStatus)
			case a.ClientStatus != structs.AllocClientRunning:
				return false, nil
			}
			r.e.say("  %s on %s runs in its place", short8(next, r.whole), a.NodeName)
			return true, nil
		})
	}, nil
}

// successorLook is how often a job is looked at that has nothing new: it may have been stopped while one of its allocations waits for room.
const successorLook = 10 * time.Second

// successor waits for the allocation that takes the place of a stopped one, by its name: one that had to wait for room is not tied to what was
// before. None, once nothing is left to be decided about the job.
func (r *restarter) successor(ctx context.Context, stub *structs.AllocListStub) (structs.ID, error) {
	q := &api.QueryOptions{Namespace: stub.Namespace}
	for said := false; ; {
		evals, _, err := r.c.Jobs().Evaluations(ctx, stub.JobID, &api.QueryOptions{Namespace: stub.Namespace})
		if err != nil {
			return structs.ID{}, err
		}
		open := slices.ContainsFunc(evals, func(e *structs.Evaluation) bool { return !e.Terminal() })
		if !open {
			q.WaitIndex = 0
		}
		list, meta, err := r.c.Jobs().Allocations(ctx, stub.JobID, false, q)
		if err != nil {
			return structs.ID{}, err
		}
		i := slices.IndexFunc(list, func(a *structs.AllocListStub) bool {
			return a.Name == stub.Name && a.CreateIndex > stub.CreateIndex && a.DesiredStatus == structs.AllocDesiredRun
		})
		switch {
		case i >= 0:
			return list[i].ID, nil
		case !open:
			return structs.ID{}, nil
		case !said && slices.ContainsFunc(evals, func(e *structs.Evaluation) bool { return e.Status == structs.EvalStatusBlocked }):
			said = true
			r.e.say("  %s: what takes its place has to wait (`berth why %s` tells for what)", short8(stub.ID, r.whole), stub.JobID)
		}
		q.WaitIndex, q.WaitTime = meta.LastIndex, successorLook
	}
}

// decided waits until an evaluation is over.
func (r *restarter) decided(ctx context.Context, id string) error {
	q := &api.QueryOptions{}
	for {
		eval, meta, err := r.c.Evaluations().Get(ctx, id, q)
		switch {
		case err != nil:
			return err
		case eval.Status == structs.EvalStatusFailed:
			return fmt.Errorf("its evaluation failed: %s", eval.StatusDescription)
		case eval.Terminal():
			return nil
		}
		q = &api.QueryOptions{WaitIndex: meta.LastIndex}
	}
}

// follow reads an allocation each time it changes, until that is enough.
func (r *restarter) follow(ctx context.Context, id string, enough func(*api.Allocation) (bool, error)) error {
	q := &api.QueryOptions{}
	for {
		a, meta, err := r.c.Allocations().Get(ctx, id, q)
		if err != nil {
			return err
		}
		if done, err := enough(a); done || err != nil {
			return err
		}
		q = &api.QueryOptions{WaitIndex: meta.LastIndex}
	}
}
