package structs

import (
	"strings"
	"testing"
)

// A graph of jobs: "web: db load" depends on both.
func graph(lines ...string) map[JobKey]*Job {
	jobs := map[JobKey]*Job{}
	for _, line := range lines {
		id, deps, _ := strings.Cut(line, ":")
		j := &Job{ID: id, Namespace: "default", Type: JobTypeBatch}
		if strings.HasPrefix(id, "-") {
			j.ID, j.Stop = id[1:], true
		}
		for _, d := range strings.Fields(deps) {
			name, namespace, _ := strings.Cut(d, "@")
			j.DependsOn = append(j.DependsOn, &Dependency{Job: name, Namespace: namespace, Condition: DependComplete})
		}
		jobs[j.Key()] = j
	}
	return jobs
}

func TestJobsDoNotWaitForThemselves(t *testing.T) {
	for _, c := range []struct {
		job   string
		among []string
		want  string // empty: it is well
	}{
		{"a: b", nil, ""},
		{"a: b", []string{"b: c", "c:"}, ""},
		{"a: b c", []string{"b: d", "c: d", "d:"}, ""},
		{"a: b", []string{"b: a"}, "would wait for itself: a depends on b, b on a"},
		{"a: x b", []string{"x:", "b: c", "c: y d", "d: a"}, "a depends on b, b on c, c on d, d on a"},
		{"a: b", []string{"b: c", "c: b"}, ""}, // not its own circle
		{"a: b", []string{"-b: a"}, ""},        // what is stopped waits for nothing
		{"-a: b", []string{"b: a"}, ""},
		{"a: b", []string{"b: a@other"}, ""},
		{"a: b@default", []string{"b: a@default"}, "a depends on b, b on a"},
	} {
		jobs := graph(c.among...)
		var j *Job
		for _, only := range graph(c.job) {
			j = only
		}
		err := CheckDependencies(j, func(key JobKey) *Job { return jobs[key] })
		if got := err != nil; got != (c.want != "") || got && !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%s among %v: %v, want %q", c.job, c.among, err, c.want)
		}
	}
}

// What the list of a job says is looked at by itself.
func TestDependenciesAreChecked(t *testing.T) {
	j := &Job{ID: "web", Namespace: "default", DependsOn: []*Dependency{
		{Job: "", Condition: DependHealthy}, {Job: "web", Condition: DependHealthy}, {Job: "web", Namespace: "default", Condition: DependHealthy},
		{Job: "web", Namespace: "other", Condition: DependHealthy}, // another job
		{Job: "db", Condition: DependHealthy}, {Job: "db", Namespace: "other", Condition: DependHealthy}, {Job: "db", Condition: DependStarted},
		{Job: "a", Namespace: "no name", Condition: DependStarted}, {Job: "b", Condition: "ready"}, {Job: "c", Condition: DependComplete, OnFailure: "retry"},
	}}
	faults := func() (got []string) {
		j.Canonicalize()
		for _, f := range j.Validate(DefaultLimits()) {
			if strings.Contains(f.Path, "DependsOn") {
				got = append(got, f.Error())
			}
		}
		return got
	}
	want := []string{"job is missing", "depends on itself", "depends on itself", `job "db" is depended on twice`, "namespace is", "condition", "on_failure"}
	got := faults()
	for i := range max(len(want), len(got)) {
		if i >= len(got) || i >= len(want) || !strings.Contains(got[i], want[i]) {
			t.Fatalf("faults %q, want %q", got, want)
		}
	}
	for _, n := range []int{dependsMax, dependsMax + 1} {
		j.DependsOn = nil
		for i := range n {
			j.DependsOn = append(j.DependsOn, &Dependency{Job: "job-" + number(i), Condition: DependHealthy})
		}
		if got := faults(); (len(got) == 1) != (n > dependsMax) || len(got) > 1 {
			t.Errorf("%d dependencies: %q", n, got)
		}
	}
}

func TestNobodyWaitsForWhatCannotBe(t *testing.T) {
	for _, c := range []struct {
		job       Job
		condition string
		want      string
	}{
		{Job{Type: JobTypeService}, DependComplete, "is a service job and never completes"},
		{Job{Type: JobTypeService}, DependHealthy, ""},
		{Job{Type: JobTypeSystem}, DependComplete, "is a system job and never completes"},
		{Job{Type: JobTypeSysBatch}, DependComplete, ""},
		{Job{Type: JobTypeBatch, Periodic: &PeriodicConfig{}}, DependComplete, "is a schedule of launches and never runs itself"},
		{Job{Type: JobTypeBatch, ParameterizedJob: &ParameterizedJobConfig{}}, DependStarted, "is a template of dispatches and never runs itself"},
		{Job{Type: JobTypeBatch, ParameterizedJob: &ParameterizedJobConfig{}, Dispatched: true}, DependComplete, ""},
	} {
		if got := NeverHolds(&c.job, c.condition); got != c.want {
			t.Errorf("%+v %s: %q, want %q", c.job, c.condition, got, c.want)
		}
		j := &Job{ID: "web", DependsOn: []*Dependency{{Job: "x", Condition: c.condition}}}
		if err := CheckDependencies(j, func(JobKey) *Job { return &c.job }); (err != nil) != (c.want != "") {
			t.Errorf("%+v: %v", c.job, err)
		}
		c.job.Stop = true // it may become another when it is started
		if err := CheckDependencies(j, func(JobKey) *Job { return &c.job }); err != nil {
			t.Errorf("%+v: %v", c.job, err)
		}
	}
}
