package cli

import (
	"strings"
	"testing"

	"berth/api"
	"berth/structs"
)

func planOf(t *testing.T, old, job *structs.Job, u structs.DesiredUpdates) *api.PlanResponse {
	t.Helper()
	diff, err := structs.JobDiffOf(old, job, false)
	if err != nil {
		t.Fatal(err)
	}
	return &api.PlanResponse{JobModifyIndex: 7, Diff: diff, Annotations: &structs.PlanAnnotations{DesiredTGUpdates: map[string]*structs.DesiredUpdates{"web": &u}}}
}

func TestPlanSaysWhatWouldChange(t *testing.T) {
	changed := webJob()
	changed.Priority = 60
	changed.TaskGroups[0].Count = new(3)
	changed.TaskGroups[0].Tasks[0].Env = map[string]string{"A": "1"}
	none := planOf(t, webJob(), webJob(), structs.DesiredUpdates{Ignore: 1})
	inPlace := planOf(t, webJob(), changed, structs.DesiredUpdates{InPlaceUpdate: 1})
	destructive := planOf(t, webJob(), changed, structs.DesiredUpdates{DestructiveUpdate: 1, Place: 2})
	fresh := planOf(t, nil, webJob(), structs.DesiredUpdates{Place: 1})
	fresh.Placements = []*api.PlannedPlacement{{Name: "web.web[0]", TaskGroup: "web", NodeID: structs.ID{1}, NodeName: "one", Best: []*structs.NodeScoreMeta{
		{NodeID: structs.ID{1}, NormScore: 0.5, Scores: map[string]float64{"binpack": 0.25, "node-affinity": 0.75, "job-anti-affinity": 0}}, {NodeID: structs.ID{2}, NormScore: 0.125}}}}
	destructive.Stops = []*api.PlannedStop{{ID: structs.ID{3}, Name: "web.web[1]", NodeName: "two", Reason: structs.AllocUpdating}}
	destructive.Annotations.PreemptedAllocs = []*structs.AllocListStub{{ID: structs.ID{4}, JobID: "low", TaskGroup: "g", NodeName: "two"}}
	for i := range 12 {
		destructive.Placements = append(destructive.Placements, &api.PlannedPlacement{Name: "x", TaskGroup: "web", NodeName: []string{"one", "two", "two"}[i%3]})
	}
	stuck := planOf(t, nil, webJob(), structs.DesiredUpdates{Place: 2})
	stuck.FailedTGAllocs, stuck.Explanations = noRoom().FailedTGAllocs, noRoom().Explanations
	stuck.Warnings = "the update block has no effect"
	for _, c := range []struct {
		file string
		plan *api.PlanResponse
		code int
	}{{"plan-none", none, 0}, {"plan-in-place", inPlace, 0}, {"plan-destructive", destructive, 1}, {"plan-new", fresh, 1}, {"plan-stuck", stuck, 1}} {
		t.Run(c.file, func(t *testing.T) {
			f := newFake(t, map[string]any{"PUT /v1/job/web/plan": c.plan})
			path := jobFile(t, webFile)
			got := f.berth(t, "job", "plan", path)
			if got.code != c.code || got.err != "" {
				t.Errorf("exit code %d: %s", got.code, got.err)
			}
			golden(t, c.file, strings.ReplaceAll(got.out, path, "web.hcl"))
		})
	}
}

func TestPlanThatCannotBeMadeIs255(t *testing.T) {
	f := newFake(t, map[string]any{"PUT /v1/job/web/plan": refusal{500, "no leader"}})
	if got := f.berth(t, "job", "plan", jobFile(t, webFile)); got.code != 255 || !strings.Contains(got.err, "no leader") {
		t.Errorf("%+v", got)
	}
	if got := f.berth(t, "job", "plan", jobFile(t, "job {")); got.code != 255 || !strings.Contains(got.err, "web.hcl:1") {
		t.Errorf("%+v", got)
	}
}

func TestPlanForPrograms(t *testing.T) {
	f := newFake(t, map[string]any{"PUT /v1/job/web/plan": planOf(t, nil, webJob(), structs.DesiredUpdates{Place: 1})})
	path := jobFile(t, webFile)
	if got := f.berth(t, "job", "plan", "-json-output", path); got.code != 1 || !strings.HasPrefix(got.out, "{") {
		t.Errorf("%+v", got)
	}
	if got := f.berth(t, "job", "plan", "-t", "{{.JobModifyIndex}}", path); got.code != 1 || got.out != "7\n" {
		t.Errorf("%+v", got)
	}
}
