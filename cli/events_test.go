package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"berth/api"
	"berth/structs"
)

// eventLine is one line of the stream with one event.
func eventLine(t *testing.T, index uint64, topic, kind, key, payload string, object any) string {
	t.Helper()
	raw, err := json.Marshal(map[string]any{payload: object})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(api.Events{Index: index, Events: []api.Event{{Topic: topic, Type: kind, Key: key, Index: index, FilterKeys: []string{}, Payload: raw}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

func TestEventsAreLinesToRead(t *testing.T) {
	alloc := webAlloc()
	alloc.Job, alloc.CreateIndex, alloc.ModifyIndex = nil, 12, 12
	stopped := webJob()
	stopped.Stop = true
	node := &structs.Node{ID: nodeOne, Name: "one", Status: "ready", SchedulingEligibility: "ineligible", Events: []*structs.NodeEvent{{Message: "Node heartbeat missed"}},
		Taints: []*structs.Taint{{Key: "gpu", Effect: "NoSchedule"}}}
	eval := &structs.Evaluation{ID: evalOne, JobID: "web", Status: "blocked", TriggeredBy: "job-register", StatusDescription: "created to place remaining allocations"}
	lines := "{}\n" +
		eventLine(t, 10, "Job", "JobRegistered", "web", "Job", webJob()) +
		eventLine(t, 11, "Evaluation", "EvaluationUpdated", evalOne.String(), "Evaluation", eval) +
		eventLine(t, 12, "Allocation", "PlanResult", allocOne.String(), "Allocation", alloc) +
		eventLine(t, 13, "Allocation", "AllocationUpdated", allocOne.String(), "Allocation", alloc) +
		eventLine(t, 14, "Deployment", "DeploymentAllocHealth", deployOne.String(), "Deployment", webDeployment("running")) +
		eventLine(t, 15, "Node", "NodeStreamEvent", nodeOne.String(), "Node", node) +
		eventLine(t, 16, "Node", "NodeEligibility", nodeOne.String(), "Node", node) +
		eventLine(t, 17, "Node", "NodeTaints", nodeOne.String(), "Node", node) +
		"{\"Gap\":{\"From\":18,\"To\":20}}\n" +
		eventLine(t, 21, "NodePool", "NodePoolUpserted", "gpu", "NodePool", &structs.NodePool{Name: "gpu"}) +
		eventLine(t, 22, "Job", "JobDeregistered", "web", "Job", stopped) +
		eventLine(t, 23, "Allocation", "AllocationDeleted", allocOne.String(), "Allocation", alloc)
	asked := 0
	f := newFake(t, map[string]any{"GET /v1/event/stream": func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked%2 == 0 {
			http.Error(w, "that is all", http.StatusBadRequest) // ends the following
			return
		}
		fmt.Fprint(w, lines)
	}})
	got := f.berth(t, "events", "-topic", "Job:web", "-topic=Node", "-index=9", "-namespace=*")
	if got.code != 1 || !strings.Contains(got.err, "that is all") || !strings.Contains(f.requests()[0], "index=9&namespace=%2A&progress=true&topic=Job%3Aweb&topic=Node") {
		t.Errorf("%+v %v", got, f.requests())
	}
	golden(t, "events", got.out)
	got = f.berth(t, "events", "-json")
	var first api.Events
	if err := json.Unmarshal([]byte(strings.SplitN(got.out, "\n", 2)[0]), &first); err != nil || first.Index != 10 || !strings.Contains(string(first.Events[0].Payload), `"JobModifyIndex":7`) {
		t.Errorf("%v %.200s", err, got.out)
	}
}
