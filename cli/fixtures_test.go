package cli

import (
	"time"

	"berth/api"
	"berth/structs"
)

var (
	evalOne   = structs.MustID("e0000001-0000-4000-8000-000000000001")
	evalTwo   = structs.MustID("e0000002-0000-4000-8000-000000000002")
	nodeOne   = structs.MustID("a0000001-0000-4000-8000-000000000001")
	allocOne  = structs.MustID("c0000001-0000-4000-8000-000000000001")
	allocTwo  = structs.MustID("c0000002-0000-4000-8000-000000000002")
	deployOne = structs.MustID("d0000001-0000-4000-8000-000000000001")
)

// moment0 is when everything of the fixtures happened: some time ago, so that "3d2h ago" stays as wide as it is in the golden files whenever the tests run.
var moment0 = time.Now().UTC().Add(-74*time.Hour - 10*time.Minute).Truncate(time.Second)

func webJob() *structs.Job {
	j := &structs.Job{ID: "web", Name: "web", Type: structs.JobTypeService, Status: "running", Version: 2, SubmitTime: moment0.UnixNano(),
		CreateIndex: 1, ModifyIndex: 9, JobModifyIndex: 7,
		TaskGroups: []*structs.TaskGroup{{Name: "web", Tasks: []*structs.Task{{Name: "server", Driver: "docker"}},
			Networks: []*structs.NetworkResource{{ReservedPorts: []structs.Port{{Label: "http", Value: 8080}}}}}}}
	j.Canonicalize()
	return j
}

func webStub() *structs.JobListStub {
	return &structs.JobListStub{ID: "web", Name: "web", Namespace: "default", Type: "service", Priority: 50, Status: "running", Version: 2,
		SubmitTime: moment0.UnixNano(), JobSummary: &structs.JobSummary{JobID: "web", Summary: map[string]structs.TaskGroupSummary{"web": {Running: 1, Failed: 1, Queued: 2}}}}
}

func webAllocs() []*structs.AllocListStub {
	return []*structs.AllocListStub{
		{ID: allocOne, EvalID: evalOne, Name: "web.web[0]", Namespace: "default", NodeID: nodeOne, NodeName: "one", JobID: "web", JobVersion: 2, TaskGroup: "web",
			DesiredStatus: "run", ClientStatus: "running", CreateIndex: 5, ModifyIndex: 8, CreateTime: moment0.UnixNano(), ModifyTime: moment0.UnixNano()},
		{ID: allocTwo, EvalID: evalOne, Name: "web.web[1]", Namespace: "default", NodeID: nodeOne, NodeName: "one", JobID: "web", JobVersion: 1, TaskGroup: "web",
			DesiredStatus: "stop", ClientStatus: "failed", CreateIndex: 3, ModifyIndex: 4, CreateTime: moment0.UnixNano(), ModifyTime: moment0.UnixNano()},
	}
}

func webAlloc() *api.Allocation {
	yes := true
	return api.NewAllocation(&structs.Allocation{ID: allocOne, EvalID: evalOne, Namespace: "default", NodeID: nodeOne, NodeName: "one", JobID: "web", Job: webJob(),
		JobVersion: 2, TaskGroup: "web", DesiredStatus: "run", ClientStatus: "running", ClientDescription: "Tasks are running", DeploymentID: deployOne,
		DeploymentStatus: &structs.AllocDeploymentStatus{Healthy: &yes}, CreateTime: moment0.UnixNano(), ModifyTime: moment0.UnixNano(),
		AllocatedResources: &structs.AllocatedResources{
			Tasks:  map[string]*structs.AllocatedTaskResources{"server": {Cpu: structs.AllocatedCPUResources{CpuShares: 100}, Memory: structs.AllocatedMemoryResources{MemoryMB: 64}}},
			Shared: structs.AllocatedSharedResources{DiskMB: 300, Ports: []structs.AllocatedPortMapping{{Label: "http", Value: 8080, To: 80, HostIP: "127.0.0.1"}}}},
		TaskStates: map[string]*structs.TaskState{"server": {State: "running", Restarts: 1, StartedAt: moment0, LastRestart: moment0, Events: []*structs.TaskEvent{
			{Type: "Received", Time: moment0.UnixNano(), DisplayMessage: "Task received by client"},
			{Type: "Started", Time: moment0.UnixNano() + 1, DisplayMessage: "Task started by client"}}}}})
}

func webDeployment(status string) *structs.Deployment {
	return &structs.Deployment{ID: deployOne, Namespace: "default", JobID: "web", JobVersion: 2, Status: status, StatusDescription: structs.DeploymentDescRunning,
		CreateIndex: 6, ModifyIndex: 6, TaskGroups: map[string]*structs.DeploymentState{"web": {DesiredTotal: 1, PlacedAllocs: 1, RequireProgressBy: moment0}}}
}

func noRoom() *structs.Evaluation {
	return &structs.Evaluation{ID: evalTwo, Namespace: "default", Priority: 50, Type: "service", TriggeredBy: "queued-allocs", JobID: "web", Status: "blocked",
		CreateIndex: 4, ModifyIndex: 4, CreateTime: moment0.UnixNano(), ModifyTime: moment0.UnixNano(),
		FailedTGAllocs: map[string]*structs.AllocMetric{"web": {NodesEvaluated: 3, NodesFiltered: 1, NodesExhausted: 2, CoalescedFailures: 1,
			NodesAvailable: map[string]int{"dc1": 3, "dc2": 0}, ConstraintFiltered: map[string]int{"${attr.kernel.name} = plan9": 1},
			ClassExhausted: map[string]int{"big": 1}, DimensionExhausted: map[string]int{"memory": 2}}},
		Explanations: map[string]*structs.Explanation{"web": {Summary: "group \"web\" needs 2 more; 0 of 3 nodes can take one",
			Filters: []*structs.ExplainFilter{{Reason: "memory", Nodes: 2, Examples: []*structs.ExplainNode{{NodeName: "one", Observed: "128 of 2048 MB free", Wanted: "256 MB"}}},
				{Reason: "constraint ${attr.kernel.name} = plan9", Nodes: 1}},
			Closest: &structs.ExplainNode{NodeName: "one", Change: "128 MB less memory"}, Unblocks: []string{"a node with 256 MB of free memory joins"}}}}
}

func webNode() *api.Node {
	return api.NewNode(&structs.Node{ID: nodeOne, Name: "one", Datacenter: "dc1", NodePool: "default", NodeClass: "big", HTTPAddr: "10.0.0.1:4646",
		SchedulingEligibility: "eligible", Status: structs.NodeStatusReady, StatusUpdatedAt: moment0.Unix(), Attributes: map[string]string{"kernel.name": "linux"},
		NodeResources: &structs.NodeResources{Cpu: structs.NodeCPUResources{CpuShares: 4000}, Memory: structs.NodeMemoryResources{MemoryMB: 2048}, Disk: structs.NodeDiskResources{DiskMB: 10240}},
		Drivers:       map[string]*structs.DriverInfo{"docker": {Detected: true, Healthy: false, HealthDescription: "runc is missing (apt install runc)", UpdateTime: moment0}},
		Events:        []*structs.NodeEvent{{Message: "Node registered", Subsystem: "Cluster", Timestamp: moment0}}})
}

// webRoutes are the routes of an agent that has all of the above.
func webRoutes() map[string]any {
	done := noRoom()
	done.ID, done.Status, done.BlockedEval, done.TriggeredBy, done.DeploymentID = evalOne, "complete", evalTwo, "job-register", deployOne
	node := webNode()
	return map[string]any{
		"GET /v1/jobs":                            []*structs.JobListStub{webStub()},
		"GET /v1/job/web":                         webJob(),
		"GET /v1/job/web/evaluations":             []*structs.Evaluation{noRoom(), done},
		"GET /v1/job/web/deployment":              webDeployment("running"),
		"GET /v1/job/web/allocations":             webAllocs(),
		"GET /v1/allocations":                     webAllocs()[:1],
		"GET /v1/allocation/" + allocOne.String(): webAlloc(),
		"GET /v1/nodes": []*api.NodeListStub{{ID: nodeOne, Name: "one", Datacenter: "dc1", NodePool: "default", NodeClass: "big",
			SchedulingEligibility: "eligible", Status: "ready", Address: "10.0.0.1", Version: "0.1.0"}},
		"GET /v1/node/" + nodeOne.String():                        node,
		"GET /v1/node/" + nodeOne.String() + "/allocations":       []*api.Allocation{webAlloc()},
		"GET /v1/evaluations":                                     []*structs.Evaluation{noRoom(), done},
		"GET /v1/evaluation/" + evalTwo.String():                  noRoom(),
		"GET /v1/evaluation/" + evalTwo.String() + "/allocations": webAllocs(),
		"GET /v1/deployments":                                     []*structs.Deployment{webDeployment("running")},
		"GET /v1/deployment/" + deployOne.String():                webDeployment("running"),
	}
}
