package structs

import "fmt"

// Conditions of a Dependency.
const (
	// DependComplete: every allocation the job asks for has ended well. For batch and sysbatch jobs.
	DependComplete = "complete"
	// DependHealthy: as many allocations serve as the job asks for: they run, and are healthy where health is judged.
	DependHealthy = "healthy"
	// DependStarted: an allocation of each group has started.
	DependStarted = "started"
)

// What a job does when a job it depends on has failed.
const (
	DependWait = "wait" // on, until it is mended
	DependFail = "fail" // its evaluation fails
)

// dependsMax bounds how many jobs a job may depend on.
const dependsMax = 32

// Dependency is a job that must have come far enough before anything new of a job's version is placed. What runs goes on, and what
// has begun once does not look back. Beside the contract.
type Dependency struct {
	Job string
	// Namespace is the job's own when empty.
	Namespace string
	Condition string // DependComplete, DependHealthy or DependStarted
	OnFailure string // DependWait (default) or DependFail
}

// Key names the job that the dependency of a job is.
func (d *Dependency) Key(of *Job) JobKey {
	if d.Namespace == "" {
		return JobKey{of.Namespace, d.Job}
	}
	return JobKey{d.Namespace, d.Job}
}

// JobWait is a job for which an evaluation waits, as it was found.
type JobWait struct {
	Namespace, Job string
	Condition      string
	Found          string // "2 of 3 allocations have ended well"; empty of a job of another namespace
}

func canonicalizeDependencies(list []*Dependency) {
	for _, d := range list {
		if d != nil {
			setString(&d.OnFailure, DependWait)
		}
	}
}

func (c *checker) checkDependencies() {
	j, at := c.job, (*place)(nil)
	if len(j.DependsOn) > dependsMax {
		c.fault(at.in("DependsOn"), "the job depends on %d others; at most %d are allowed", len(j.DependsOn), dependsMax)
		return
	}
	seen := map[JobKey]bool{}
	for i, d := range j.DependsOn {
		p := at.item("DependsOn", i)
		key := d.Key(j)
		switch {
		case d.Job == "":
			c.fault(p.in("Job"), "job is missing; it must be the id of the job to wait for")
		case key == j.Key():
			c.fault(p.in("Job"), "the job depends on itself")
		case seen[key]:
			c.fault(p.in("Job"), "job %q is depended on twice", clip(d.Job)).Hint = "keep the condition that comes last"
		}
		seen[key] = true
		if d.Namespace != "" && !word(d.Namespace, 128, "") {
			c.fault(p.in("Namespace"), "namespace is %q; it must be 1 to 128 letters, digits, - or _", clip(d.Namespace))
		}
		c.oneOf(p.in("Condition"), "condition", d.Condition, DependComplete, DependHealthy, DependStarted)
		c.oneOf(p.in("OnFailure"), "on_failure", d.OnFailure, DependWait, DependFail)
	}
}

// CheckDependencies tells why a job cannot be registered beside the others that job finds (nil for none): it would wait for itself by way of them, or
// for something that can never be. Jobs that are stopped wait for nothing. Nil when nothing is wrong.
func CheckDependencies(j *Job, job func(JobKey) *Job) error {
	if j.Stop || len(j.DependsOn) == 0 {
		return nil
	}
	for _, d := range j.DependsOn {
		if other := job(d.Key(j)); other != nil && !other.Stop {
			if never := NeverHolds(other, d.Condition); never != "" {
				return fmt.Errorf("depends on job %q, which %s", d.Job, never)
			}
		}
	}
	w := dependencyWalk{start: j, job: job, seen: map[JobKey]bool{j.Key(): true}}
	if path := w.backFrom(j); path != "" {
		return fmt.Errorf("would wait for itself: %s depends on %s", j.ID, path)
	}
	return nil
}

// NeverHolds says why a condition can never hold of a job as it is; empty when it can.
func NeverHolds(j *Job, condition string) string {
	switch {
	case j.IsParameterized():
		return "is a template of dispatches and never runs itself"
	case j.IsPeriodic():
		return "is a schedule of launches and never runs itself"
	case condition == DependComplete && (j.Type == JobTypeService || j.Type == JobTypeSystem):
		return fmt.Sprintf("is a %s job and never completes", j.Type)
	}
	return ""
}

type dependencyWalk struct {
	start *Job
	job   func(JobKey) *Job
	seen  map[JobKey]bool
}

// backFrom finds a way from a job back to the start: "a, a on b, b on start"; empty if there is none. Each job is looked at once.
func (w *dependencyWalk) backFrom(j *Job) string {
	type step struct {
		job  *Job
		path string
	}
	for todo := []step{{job: j}}; len(todo) > 0; todo = todo[1:] {
		at := todo[0]
		for _, d := range at.job.DependsOn {
			key := d.Key(at.job)
			name := d.Job
			if key.Namespace != w.start.Namespace && at.job != w.start {
				name = "a job of another namespace" // whoever registers this one knows what it is written to depend on, and no more
			}
			path := at.path + name
			if key == w.start.Key() {
				return path
			}
			next := w.job(key)
			if w.seen[key] || next == nil || next.Stop {
				continue
			}
			w.seen[key] = true
			todo = append(todo, step{next, fmt.Sprintf("%s, %s on ", path, name)})
		}
	}
	return ""
}
