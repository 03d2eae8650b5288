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

func TestNobodyWaitsForWhatCannotBe(t *testing.T) {
	for _, c := range []struct {
		job       Job
		condition string
		want      string
	}{
		{Job{Type: JobTypeService}, DependComplete, "is a service job and never completes"},
		{Job{Type: JobTypeService}, DependHealthy, ""},
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
	}
}
