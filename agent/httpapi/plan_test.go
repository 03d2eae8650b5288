package httpapi

import (
	"slices"
	"testing"

	"berth/api"
	"berth/structs"
)

// TestThePlanSaysWhatIsForced: the difference in a plan carries the contract's annotations and the counts of updates.
func TestThePlanSaysWhatIsForced(t *testing.T) {
	c := served(t)
	j := batchJob("noted")
	if _, _, err := c.Jobs().Register(t.Context(), &structs.JobRegisterRequest{Job: j}, nil); err != nil {
		t.Fatal(err)
	}
	next := j.Copy()
	next.TaskGroups[0].Tasks[0].Env = map[string]string{"A": "b"}
	next.TaskGroups[0].Count = new(4)
	plan, _, err := c.Jobs().Plan(t.Context(), &api.PlanRequest{Job: next, Diff: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := plan.Diff.TaskGroups[0]
	if !slices.Equal(g.Tasks[0].Annotations, []string{structs.ForcesDestructive}) {
		t.Errorf("the task: %q", g.Tasks[0].Annotations)
	}
	i := slices.IndexFunc(g.Fields, func(f *structs.FieldDiff) bool { return f.Name == "Count" })
	if !slices.Equal(g.Fields[i].Annotations, []string{structs.ForcesCreate}) {
		t.Errorf("the count: %+v", g.Fields[i])
	}
	if g.Updates["create"] == 0 {
		t.Errorf("updates %v", g.Updates)
	}
}
