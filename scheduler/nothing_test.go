package scheduler_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"berth/scheduler"
	"berth/structs"
)

// checkNothing holds what is said without a decision against the decision.
func (w *world) checkNothing(e, blocked *structs.Evaluation, out *scheduler.Outcome) {
	job := w.jobs[e.JobID]
	if job == nil || !scheduler.AsksNothing(job) || blocked != nil || w.LatestDeployment("", e.JobID).Active() ||
		len(slices.Collect(w.AllocsByJob("", e.JobID))) > 0 {
		return
	}
	w.nothings++
	plain := *e
	plain.AnnotatePlan = false // who asks for annotations asks for a decision
	if len(out.Plans) > 0 || len(out.Evals) != 1 {
		w.faults = append(w.faults, "job "+e.JobID+" asks for nothing, and something was decided")
		return
	}
	got := *out.Evals[0]
	got.AnnotatePlan, got.PlanAnnotations = false, nil
	if diff := cmp.Diff(scheduler.Nothing(job, &plain, w.index, w.now), &got); diff != "" {
		w.faults = append(w.faults, "job "+e.JobID+" asks for nothing, said and decided: "+diff)
	}
}

// Nothing is decided for a job without instances, of any kind of block; one instance, or another kind of job, is another matter.
func TestAsksNothing(t *testing.T) {
	for line, nothing := range map[string]bool{
		"job web count=0": true, "job web count=0 type=batch": true, "job web count=1": false, "job web count=0 type=system": false,
		"job web count=0 type=sysbatch": false, "job web count=0 depends=db:started": false,
	} {
		sc := &script{w: newWorld(1)}
		for _, l := range []string{"job db count=0", line} {
			if err := tell(sc, l); err != nil {
				t.Fatal(err)
			}
		}
		if got := scheduler.AsksNothing(sc.w.jobs["web"]); got != nothing {
			t.Errorf("%s: %v", line, got)
		}
		want := 1 // db
		if nothing {
			want = 2
		}
		if sc.w.nothings != want {
			t.Errorf("%s: %d evaluations were compared, want %d", line, sc.w.nothings, want)
		}
	}
	for what, change := range map[string]func(j *structs.Job){
		"stopped": func(j *structs.Job) { j.Stop = true }, "suspended": func(j *structs.Job) { j.Suspended = true },
		"periodic":      func(j *structs.Job) { j.Periodic = &structs.PeriodicConfig{} },
		"parameterized": func(j *structs.Job) { j.ParameterizedJob = &structs.ParameterizedJobConfig{} },
		"no groups":     func(j *structs.Job) { j.TaskGroups = nil },
		"one of two": func(j *structs.Job) {
			j.TaskGroups = append(j.TaskGroups, &structs.TaskGroup{Name: "b", Count: new(1)})
		},
	} {
		j := &structs.Job{Type: structs.JobTypeService, TaskGroups: []*structs.TaskGroup{{Name: "a", Count: new(0)}}}
		if !scheduler.AsksNothing(j) {
			t.Fatal("a group of none asks for something")
		}
		if change(j); scheduler.AsksNothing(j) {
			t.Errorf("%s asks for nothing", what)
		}
	}
}
