package httpapi

import (
	"fmt"
	"strings"

	"berth/api"
	"berth/scheduler"
	"berth/structs"
)

// dependFacts tell of the jobs that a job depends on, but for those that it is said to wait for.
func dependFacts(s teller, j *structs.Job) []api.WhyFact {
	said := map[structs.JobKey]bool{}
	for e := range s.EvalsByJob(j.Namespace, j.ID) {
		if e.Status == structs.EvalStatusBlocked {
			for _, w := range e.WaitsForJobs {
				said[structs.JobKey{Namespace: w.Namespace, ID: w.Job}] = true
			}
		}
	}
	var facts []api.WhyFact
	for _, d := range j.DependsOn {
		if key := d.Key(j); !s.reads(key.Namespace) {
			facts = append(facts, api.WhyFact{Label: "depends on " + d.Job, Value: fmt.Sprintf("to be %s: it is of namespace %s, whose jobs you may not read", d.Condition, key.Namespace)})
			continue
		}
		found, held, _ := scheduler.ConditionOf(s, d.Key(j), d.Condition)
		if said[d.Key(j)] && !held {
			continue
		}
		facts = append(facts, api.WhyFact{Label: "depends on " + d.Job, Value: fmt.Sprintf("to be %s: %s", d.Condition, map[bool]string{true: "it is, ", false: "not yet, "}[held]+found)})
	}
	return facts
}

// current is an explanation with what is found now of the jobs that its evaluation waits for: the evaluation has what it found when it was
// decided.
func current(s teller, e *structs.Evaluation, x *structs.Explanation) *structs.Explanation {
	if x == nil || len(e.WaitsForJobs) == 0 {
		return x
	}
	now := *x
	for _, w := range e.WaitsForJobs {
		if !s.reads(w.Namespace) {
			continue
		}
		at := *w
		at.Found, _, _ = scheduler.ConditionOf(s, structs.JobKey{Namespace: w.Namespace, ID: w.Job}, w.Condition)
		now.Summary = strings.Replace(now.Summary, scheduler.WaitText(e.Namespace, w), scheduler.WaitText(e.Namespace, &at), 1)
	}
	return &now
}
