package fsm

import (
	"fmt"
	"testing"
	"time"

	"berth/structs"
)

// running is a cluster of two nodes with allocations 1 and 2 of a deployment on them.
func running(t testing.TB, canaries int) *world {
	w := cluster(t, 2)
	g := group("web", 0, resources(100, 100), 1, 1, 2)
	g.DeploymentID = deplID(1)
	for i := range canaries {
		g.Items[i].Canary = true
	}
	p := planOf(g)
	p.Deployment = &structs.Deployment{ID: deplID(1), Namespace: "default", JobID: "web", Status: "running",
		StatusDescription: structs.DeploymentDescNeedsPromotion,
		TaskGroups:        map[string]*structs.DeploymentState{"web": {DesiredTotal: 2, DesiredCanaries: canaries, ProgressDeadline: time.Minute}}}
	w.apply(t, p)
	return w
}

func healthReport(alloc, node int, healthy bool) *structs.AllocClientUpdateCommand {
	c := report(alloc, node, "running")
	c.Updates[0].DeploymentStatus = &structs.AllocDeploymentStatus{Healthy: new(healthy), Timestamp: time.Unix(2e9, 0)}
	return c
}

func TestClientReportsChangeWhatIsTheClients(t *testing.T) {
	w := running(t, 1)
	before := w.snap().Alloc(allocID(1))
	c := healthReport(1, 1, true)
	c.Updates[0].ClientDescription = "Tasks are running"
	c.Updates[0].NetworkStatus = &structs.AllocNetworkStatus{Address: "10.1.0.2"}
	events := []*structs.TaskEvent{}
	for i := range structs.MaxTaskEvents + 3 {
		events = append(events, &structs.TaskEvent{Type: fmt.Sprint(i)})
	}
	c.Updates[0].TaskStates = map[string]*structs.TaskState{"app": {State: "running", Events: events}}
	c.Evals = []*structs.Evaluation{eval(5, "web")}
	w.do(t, structs.CmdAllocClientUpdate, c)
	a := w.snap().Alloc(allocID(1))
	if a.ClientStatus != "running" || a.ClientDescription != "Tasks are running" || a.NetworkStatus.Address != "10.1.0.2" ||
		a.ModifyIndex != w.index() || a.AllocModifyIndex != before.AllocModifyIndex || a.ModifyTime != w.now {
		t.Errorf("after the report: %+v", a)
	}
	if s := a.TaskStates["app"]; len(s.Events) != structs.MaxTaskEvents || s.Events[0].Type != "3" {
		t.Errorf("task state %+v", s)
	}
	if s := a.DeploymentStatus; !*s.Healthy || !s.Canary || s.ModifyIndex != w.index() || before.DeploymentStatus.Healthy != nil {
		t.Errorf("deployment status %+v, before %+v", s, before.DeploymentStatus)
	}
	if w.snap().Eval(evalID(5)) == nil {
		t.Error("the report's evaluation is missing")
	}
}

func TestHealthIsCountedOnce(t *testing.T) {
	w := running(t, 0)
	expect := func(healthy, unhealthy int) {
		t.Helper()
		if g := w.snap().Deployment(deplID(1)).TaskGroups["web"]; g.HealthyAllocs != healthy || g.UnhealthyAllocs != unhealthy {
			t.Errorf("%d healthy, %d unhealthy; want %d, %d", g.HealthyAllocs, g.UnhealthyAllocs, healthy, unhealthy)
		}
	}
	expect(0, 0)
	w.do(t, structs.CmdAllocClientUpdate, healthReport(1, 1, true))
	w.do(t, structs.CmdAllocClientUpdate, healthReport(1, 1, true))
	expect(1, 0)
	if g := w.snap().Deployment(deplID(1)).TaskGroups["web"]; !g.RequireProgressBy.Equal(time.Unix(2e9, 0).Add(time.Minute)) {
		t.Errorf("progress is required by %s", g.RequireProgressBy)
	}
	w.do(t, structs.CmdAllocClientUpdate, healthReport(2, 2, false))
	expect(1, 1)
	w.do(t, structs.CmdAllocClientUpdate, healthReport(1, 1, false))
	expect(0, 2)
}

func TestWhatHasEndedDoesNotComeBack(t *testing.T) {
	w := running(t, 0)
	w.apply(t, &structs.Plan{Stop: []*structs.PlanStop{{AllocID: allocID(1), DesiredStatus: "stop", ClientStatus: "lost"}}})
	w.do(t, structs.CmdAllocClientUpdate, report(1, 1, "running"))
	if a := w.snap().Alloc(allocID(1)); a.ClientStatus != "lost" || w.snap().NodeUse(nodeID(1)) != nil {
		t.Errorf("a lost allocation is %s again", a.ClientStatus)
	}
	w.do(t, structs.CmdAllocClientUpdate, report(1, 1, "complete"))
	if a := w.snap().Alloc(allocID(1)); a.ClientStatus != "complete" {
		t.Errorf("a lost allocation that completed is %s", a.ClientStatus)
	}
}

func TestReportsThatAreNotTheNodesToGiveAreLeftOut(t *testing.T) {
	w := running(t, 0)
	w.do(t, structs.CmdAllocClientUpdate, report(1, 2, "failed"))
	w.do(t, structs.CmdAllocClientUpdate, report(50, 1, "failed"))
	w.do(t, structs.CmdAllocClientUpdate, report(1, 1, "happy"))
	if a := w.snap().Alloc(allocID(1)); a.ClientStatus != "pending" {
		t.Errorf("the allocation is %s", a.ClientStatus)
	}
	w.refuse(t, structs.KindInvalid, structs.CmdAllocClientUpdate, &structs.AllocClientUpdateCommand{Updates: []*structs.AllocClientUpdate{nil}})
}

func TestTheFirstReportAfterAMissedHeartbeatIsNoted(t *testing.T) {
	w := running(t, 0)
	w.do(t, structs.CmdAllocClientUpdate, report(1, 1, "running"))
	if n := w.snap().Node(nodeID(1)); n.LastAllocUpdateIndex != 0 {
		t.Errorf("noted without need: %d", n.LastAllocUpdateIndex)
	}
	w.do(t, structs.CmdNodeStatus, &structs.NodeStatusCommand{NodeID: nodeID(1), Status: structs.NodeStatusDisconnected})
	w.do(t, structs.CmdAllocClientUpdate, report(1, 1, "running"))
	noted := w.index()
	w.do(t, structs.CmdAllocClientUpdate, report(1, 1, "running"))
	if n := w.snap().Node(nodeID(1)); n.LastAllocUpdateIndex != noted || n.LastMissedHeartbeat != noted-1 {
		t.Errorf("missed at %d, heard of at %d; want %d, %d", n.LastMissedHeartbeat, n.LastAllocUpdateIndex, noted-1, noted)
	}
}

func TestUnknownAllocationsRememberWhen(t *testing.T) {
	w := running(t, 0)
	w.do(t, structs.CmdAllocClientUpdate, report(1, 1, "running"))
	w.apply(t, &structs.Plan{Update: []*structs.PlanUpdate{{AllocID: allocID(1), ClientStatus: "unknown"}}})
	w.do(t, structs.CmdAllocClientUpdate, report(1, 1, "running"))
	a := w.snap().Alloc(allocID(1))
	if len(a.AllocStates) != 2 || a.AllocStates[0].Value != "unknown" || a.AllocStates[1].Value != "running" ||
		a.AllocStates[1].Time.UnixNano() != w.now {
		t.Errorf("states %+v %+v", a.AllocStates[0], a.AllocStates[1])
	}
}

func TestTransitionsAreMerged(t *testing.T) {
	w := running(t, 0)
	move := func(id string, d structs.DesiredTransition) *structs.AllocTransitionCommand {
		return &structs.AllocTransitionCommand{Transitions: map[string]*structs.DesiredTransition{id: &d}, Evals: []*structs.Evaluation{eval(8, "web")}}
	}
	w.do(t, structs.CmdAllocTransition, move(allocID(1).String(), structs.DesiredTransition{Migrate: new(true)}))
	w.do(t, structs.CmdAllocTransition, move(allocID(1).String(), structs.DesiredTransition{NoShutdownDelay: new(true), Migrate: new(false)}))
	a := w.snap().Alloc(allocID(1))
	if d := a.DesiredTransition; *d.Migrate || !*d.NoShutdownDelay || d.Reschedule != nil || a.AllocModifyIndex != w.index() {
		t.Errorf("transition %+v", d)
	}
	w.refuse(t, structs.KindNotFound, structs.CmdAllocTransition, move(allocID(90).String(), structs.DesiredTransition{}))
	w.refuse(t, structs.KindInvalid, structs.CmdAllocTransition, move("x", structs.DesiredTransition{}))
}

func TestReapLeavesWhatIsNotOver(t *testing.T) {
	w := running(t, 0)
	all := &structs.ReapCommand{Allocs: []structs.ID{allocID(1), allocID(2), allocID(80)}, Evals: []structs.ID{evalID(1), evalID(80)},
		Deployments: []structs.ID{deplID(1), deplID(80)}, Nodes: []structs.ID{nodeID(1), nodeID(2), nodeID(80)},
		Jobs: []structs.JobRef{{Namespace: "default", ID: "web"}, {Namespace: "default", ID: "x"}}}
	left := func() string {
		s := w.snap()
		return fmt.Sprint(s.Alloc(allocID(1)) != nil, s.Alloc(allocID(2)) != nil, s.Eval(evalID(1)) != nil, s.Deployment(deplID(1)) != nil,
			s.Job("default", "web") != nil, s.Node(nodeID(1)) != nil, s.Node(nodeID(2)) != nil)
	}
	w.do(t, structs.CmdReap, all)
	if got := left(); got != "true true true true true true true" {
		t.Fatalf("left: %s", got)
	}
	w.do(t, structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: "default", JobID: "web"})
	w.do(t, structs.CmdAllocClientUpdate, report(1, 1, "complete"))
	w.apply(t, &structs.Plan{Stop: []*structs.PlanStop{{AllocID: allocID(2), DesiredStatus: "stop"}}})
	w.do(t, structs.CmdNodeStatus, &structs.NodeStatusCommand{NodeID: nodeID(1), Status: structs.NodeStatusDown})
	w.do(t, structs.CmdDeploymentUpdate, &structs.DeploymentUpdateCommand{Updates: []*structs.DeploymentStatusUpdate{{DeploymentID: deplID(1), Status: "cancelled"}}})
	w.do(t, structs.CmdReap, all)
	if got := left(); got != "false true true false true false true" {
		t.Fatalf("left: %s", got)
	}
	w.do(t, structs.CmdNodeDeregister, &structs.NodeDeregisterCommand{NodeID: nodeID(2)})
	over := eval(1, "web")
	over.Status = structs.EvalStatusComplete
	w.do(t, structs.CmdEvalUpsert, &structs.EvalUpsertCommand{Evals: []*structs.Evaluation{over}})
	w.do(t, structs.CmdReap, all)
	if got := left(); got != "false false false false false false false" || len(versions(w, "web")) != 0 {
		t.Fatalf("left: %s", got)
	}
}

func TestEvaluations(t *testing.T) {
	w := newWorld()
	put := func(e *structs.Evaluation) *structs.EvalUpsertCommand {
		return &structs.EvalUpsertCommand{Evals: []*structs.Evaluation{e}}
	}
	w.do(t, structs.CmdEvalUpsert, put(eval(1, "web")))
	created := w.now
	e := eval(1, "web")
	e.Status = structs.EvalStatusBlocked
	w.do(t, structs.CmdEvalUpsert, put(e))
	if got := w.snap().Eval(evalID(1)); got.Status != "blocked" || got.CreateIndex != 1 || got.ModifyIndex != 2 || got.CreateTime != created {
		t.Errorf("%+v", got)
	}
	w.refuse(t, structs.KindInvalid, structs.CmdEvalUpsert, put(eval(1, "other")))
	w.refuse(t, structs.KindInvalid, structs.CmdEvalUpsert, put(nil))
	w.refuse(t, structs.KindInvalid, structs.CmdEvalUpsert, put(&structs.Evaluation{}))
}
