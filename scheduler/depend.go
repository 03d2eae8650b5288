package scheduler

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"berth/scheduler/budget"
	"berth/scheduler/reconcile"
	"berth/structs"
)

// depends is what the job's version waits for.
type depends struct {
	begun map[string]bool    // groups that have begun: they do not look back
	waits []*structs.JobWait // conditions that do not hold
	texts []string           // the same in words
	fails string             // the first failure that the job does not wait out, empty for none
}

// noteDepends looks at the jobs that the job depends on. Nothing is looked at where there are none.
func (r *Run) noteDepends(allocs []*structs.Allocation) {
	if r.job.Stopped() || len(r.job.DependsOn) == 0 {
		return
	}
	r.depends = &depends{begun: map[string]bool{}}
	v := versionOf{job: r.job}
	for _, a := range allocs {
		if !r.depends.begun[a.TaskGroup] && v.has(a) {
			r.depends.begun[a.TaskGroup] = true
		}
	}
	for _, d := range r.job.DependsOn {
		key := d.Key(r.job)
		found, held, failed := ConditionOf(r.in.State, key, d.Condition)
		if held {
			continue
		}
		w := &structs.JobWait{Namespace: key.Namespace, Job: key.ID, Condition: d.Condition, Found: found}
		if key.Namespace != r.job.Namespace { // who may read this job knows how it is written, and not how the other one is
			w.Found, found = "", "cannot be "+d.Condition
		}
		r.depends.waits = append(r.depends.waits, w)
		r.depends.texts = append(r.depends.texts, WaitText(r.job.Namespace, w))
		if failed && d.OnFailure == structs.DependFail && r.depends.fails == "" {
			r.depends.fails = fmt.Sprintf("job %s, on which it depends, %s", jobText(r.job.Namespace, key), found)
		}
	}
}

// awaits are the groups of which the version may not be placed yet, and whether it does not wait.
func (d *depends) awaits(job *structs.Job) (groups map[string]bool, gaveUp bool) {
	if d == nil || len(d.waits) == 0 {
		return nil, false
	}
	groups = map[string]bool{}
	for _, g := range job.TaskGroups {
		if !d.begun[g.Name] {
			groups[g.Name] = true
		}
	}
	return groups, d.fails != "" && len(groups) > 0
}

// noteGaveUp says in the deployment of the version that it gave up: the watcher of deployments fails it, and goes back if that is asked for.
func (r *Run) noteGaveUp() {
	if len(r.dropped) == 0 {
		return
	}
	why := structs.DeploymentDescGaveUp + ": " + r.depends.fails
	if d := r.rec.Deployment; d != nil {
		d.StatusDescription = why
		return
	}
	d := r.in.State.LatestDeployment(r.job.Namespace, r.job.ID)
	if d == nil || d.Status != structs.DeploymentRunning || d.GaveUp() || d.JobVersion != r.job.Version || d.JobCreateIndex != r.job.CreateIndex {
		return
	}
	r.rec.DeploymentUpdates = append(r.rec.DeploymentUpdates, &structs.DeploymentStatusUpdate{
		DeploymentID: d.ID, Status: structs.DeploymentRunning, StatusDescription: why,
	})
}

// WaitText says what a job of a namespace waits for, in words that follow "it waits for".
func WaitText(namespace string, w *structs.JobWait) string {
	text := fmt.Sprintf("job %s to be %s", jobText(namespace, structs.JobKey{Namespace: w.Namespace, ID: w.Job}), w.Condition)
	if w.Found == "" {
		return text
	}
	return text + " (" + w.Found + ")"
}

// jobText names a job to one of a namespace.
func jobText(namespace string, key structs.JobKey) string {
	if key.Namespace != namespace {
		return fmt.Sprintf("%q of namespace %s", key.ID, key.Namespace)
	}
	return fmt.Sprintf("%q", key.ID)
}

// versionOf tells which allocations count for the current version of a job.
type versionOf struct {
	job     *structs.Job
	changes map[versionGroup]structs.Change
}

type versionGroup struct {
	job   *structs.Job
	group string
}

// has reports an allocation that was made for the version, or that the version leaves running as it is.
func (v *versionOf) has(a *structs.Allocation) bool {
	if a.Job == nil || a.Job.CreateIndex != v.job.CreateIndex {
		return false
	}
	if a.JobVersion == v.job.Version || a.Terminal() {
		return a.JobVersion == v.job.Version
	}
	key := versionGroup{a.Job, a.TaskGroup}
	change, known := v.changes[key]
	if !known {
		if v.changes == nil {
			v.changes = map[versionGroup]structs.Change{}
		}
		change = structs.GroupChange(a.Job, v.job, a.TaskGroup)
		v.changes[key] = change
	}
	return change != structs.ChangeDestructive
}

// everywhere reports a job that runs on every node that fits.
func everywhere(j *structs.Job) bool {
	return j.Type == structs.JobTypeSystem || j.Type == structs.JobTypeSysBatch
}

// awaitsJobs accounts for a placement that has to wait for other jobs; false when it need not.
func (r *Run) awaitsJobs(p *reconcile.Place) bool {
	d, name := r.depends, p.Group.Name
	if d == nil || len(d.waits) == 0 || p.Job.Version != r.job.Version || d.begun[name] {
		return false
	}
	x := &structs.Explanation{Since: r.in.Now.UnixNano()}
	if d.fails != "" {
		if r.dropped == nil {
			r.dropped = map[string]int{}
		}
		r.dropped[name]++
		x.Summary = fmt.Sprintf("%s/%s is not placed (%d missing): %s", p.Job.ID, name, r.dropped[name], d.fails)
		x.Unblocks = []string{"that job is mended, and then this one run or evaluated again (berth job eval)"}
		r.why[name] = x
		return true
	}
	r.unplaced[name]++
	r.waiting[name] = true
	r.holdDeadline(name)
	x.Summary = fmt.Sprintf("%s/%s needs %d more: it waits for %s", p.Job.ID, name, r.unplaced[name], strings.Join(d.texts, ", "))
	for _, w := range d.waits {
		x.Unblocks = append(x.Unblocks, fmt.Sprintf("job %q is %s", w.Job, w.Condition))
	}
	r.why[name] = x
	return true
}

// holdDeadline keeps the progress deadline of a group that waits for people or jobs from running: it begins with the first allocation.
func (r *Run) holdDeadline(group string) {
	if d := r.rec.Deployment; d != nil && d.TaskGroups[group] != nil {
		d.TaskGroups[group].RequireProgressBy = time.Time{}
	}
}

// waitsForJobs lists the jobs that something waits for.
func (r *Run) waitsForJobs() []*structs.JobWait {
	if r.depends == nil || r.depends.fails != "" {
		return nil
	}
	for name := range r.unplaced {
		if !r.depends.begun[name] {
			return r.depends.waits
		}
	}
	return nil
}

// sameWaits reports that two evaluations wait for the same jobs, found alike.
func sameWaits(a, b []*structs.JobWait) bool {
	return slices.EqualFunc(a, b, func(x, y *structs.JobWait) bool { return *x == *y })
}

// Jobs is what a condition is looked for in.
type Jobs interface {
	Job(namespace, id string) *structs.Job
	AllocsByJob(namespace, id string) iter.Seq[*structs.Allocation]
}

// ConditionOf looks whether a condition holds of a job: what was found, in words that follow the job's name; and when it does not hold,
// whether that is a failure that somebody must mend.
func ConditionOf(st Jobs, key structs.JobKey, condition string) (found string, held, failed bool) {
	job := st.Job(key.Namespace, key.ID)
	if job == nil {
		return "does not exist", false, false
	}
	if never := structs.NeverHolds(job, condition); never != "" {
		return never, false, true
	}
	c := countsOf(st, job)
	held, found = c.holds(job, condition)
	switch {
	case held:
		return found, true, false
	case job.Stop:
		return "is stopped: " + found, false, true
	case job.Status == structs.JobStatusDead:
		return "has failed: " + found, false, true
	}
	return found, false, false
}

// progress is how far the current version of a job has come.
type progress struct {
	groups []groupProgress
	others int // that should run and do not serve; of jobs that run on every node
}

type groupProgress struct{ want, started, serve, done int }

func countsOf(st Jobs, job *structs.Job) *progress {
	c := &progress{}
	at := map[string]int{}
	for _, g := range job.TaskGroups {
		at[g.Name] = len(c.groups)
		c.groups = append(c.groups, groupProgress{want: g.Desired()})
	}
	type slot struct {
		group string
		index uint32
		node  structs.ID // of a job that runs on every node
	}
	done, perNode := map[slot]bool{}, everywhere(job)
	v := versionOf{job: job}
	for a := range st.AllocsByJob(job.Namespace, job.ID) {
		i, known := at[a.TaskGroup]
		if !known || !v.has(a) {
			continue
		}
		g := &c.groups[i]
		ended := a.ClientStatus == structs.AllocClientComplete && !a.ServerTerminal()
		switch {
		case ended:
			s := slot{group: a.TaskGroup, index: a.Index}
			if perNode {
				s.node = a.NodeID
			}
			if !done[s] {
				done[s] = true
				g.done++
			}
			g.started++
		case a.ClientStatus == structs.AllocClientRunning && !a.ServerTerminal():
			g.started++
		}
		if budget.Serves(a) {
			g.serve++
		} else if !ended && !a.ServerTerminal() && a.NextAllocation.IsZero() {
			c.others++
		}
	}
	return c
}

// holds reports that a condition holds, and what was found.
func (c *progress) holds(job *structs.Job, condition string) (bool, string) {
	perNode := everywhere(job)
	want, have, all := 0, 0, true
	for i, g := range c.groups {
		n, needs := 0, g.want
		switch condition {
		case structs.DependComplete:
			n, needs = g.done, job.TaskGroups[i].Wanted()
		case structs.DependHealthy:
			if n = g.serve; job.Type == structs.JobTypeBatch || job.Type == structs.JobTypeSysBatch {
				n = g.started
			}
		case structs.DependStarted:
			n, needs = g.started, min(g.want, 1)
		}
		want, have, all = want+needs, have+min(n, needs), all && n >= needs
		if perNode && needs > 0 {
			have += max(n-needs, 0)
		}
	}
	verb := map[string]string{structs.DependComplete: "ended well", structs.DependHealthy: "serve", structs.DependStarted: "started"}[condition]
	if !perNode || condition == structs.DependStarted {
		return all, fmt.Sprintf("%d of %d %s", have, want, verb)
	}
	if condition == structs.DependComplete { // on every node: none is left to be placed
		all = all && job.Status == structs.JobStatusDead
	}
	return all && c.others == 0, fmt.Sprintf("%d %s, %d do not", have, verb, c.others)
}
