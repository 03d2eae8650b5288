package fsm

import (
	"strings"
	"testing"

	"berth/structs"
)

func TestPlacementsAreStoredWithAllTheyNeed(t *testing.T) {
	w := cluster(t, 2)
	g := group("web", 0, resources(100, 128), 1, 1, 2)
	g.DeploymentID = deplID(1)
	g.Items[1].Metrics = &structs.AllocMetric{NodesEvaluated: 9}
	g.Items[1].Ports = []structs.AllocatedPortMapping{{Label: "http", Value: 20001}}
	g.Items[1].Canary = true
	p := planOf(g)
	p.Deployment = &structs.Deployment{ID: deplID(1), Namespace: "default", JobID: "web", Status: "running",
		TaskGroups: map[string]*structs.DeploymentState{"web": {DesiredTotal: 2, DesiredCanaries: 1, ProgressDeadline: 1e10}}}
	done := eval(1, "web")
	done.Status = structs.EvalStatusComplete
	res := w.apply(t, p, done)
	if res.Placed != 2 || len(res.RefusedNodes) != 0 || res.Index != w.index() {
		t.Fatalf("result %+v", res)
	}
	snap := w.snap()
	a, b := snap.Alloc(allocID(1)), snap.Alloc(allocID(2))
	if a.Name() != "web.web[0]" || a.NodeName != "node-1" || a.EvalID != evalID(1) || a.Metrics.NodesEvaluated != 2 ||
		a.DesiredStatus != "run" || a.ClientStatus != "pending" || a.CreateIndex != w.index() || a.AllocModifyIndex != w.index() ||
		a.CreateTime != w.now || a.ModifyTime != w.now || a.DeploymentStatus != nil {
		t.Errorf("first: %+v", a)
	}
	if b.Metrics.NodesEvaluated != 9 || len(b.AllocatedResources.Shared.Ports) != 1 || !b.DeploymentStatus.Canary {
		t.Errorf("second: %+v", b)
	}
	if a.Job == nil || a.Job != b.Job || a.Job != snap.JobVersion("default", "web", 0) {
		t.Error("both must share the job version")
	}
	d := snap.Deployment(deplID(1)).TaskGroups["web"]
	if d.PlacedAllocs != 2 || len(d.PlacedCanaries) != 1 || d.RequireProgressBy.UnixNano() != w.now+1e10 {
		t.Errorf("deployment %+v", d)
	}
	if snap.Eval(evalID(1)).Status != structs.EvalStatusComplete {
		t.Error("the evaluation is not complete")
	}
	if use := snap.NodeUse(nodeID(2)); use.Allocs != 1 || use.Amount.CPU != 100 || use.Ports[0].Port != 20001 {
		t.Errorf("use of node 2: %+v", use)
	}
}

func TestNodesRefuseWhatTheyCannotHold(t *testing.T) {
	port := func(n int, ip string) func(*structs.PlanGroup) {
		return func(g *structs.PlanGroup) {
			g.Items[0].Ports = []structs.AllocatedPortMapping{{Label: "p", Value: n, HostIP: ip}}
		}
	}
	cores := func(n ...uint16) func(*structs.PlanGroup) {
		return func(g *structs.PlanGroup) { g.Resources.Tasks["app"].Cpu.ReservedCores = n }
	}
	device := func(id string) func(*structs.PlanGroup) {
		return func(g *structs.PlanGroup) {
			g.Resources.Tasks["app"].Devices = []*structs.AllocatedDeviceResource{{Vendor: "v", Type: "gpu", Name: "x", DeviceIDs: []string{id}}}
		}
	}
	for _, c := range []struct {
		name string
		node func(*structs.Node)
		ask  func(*structs.PlanGroup)
		want string // "" when it fits
	}{
		{"fits", nil, nil, ""},
		{"exactly the rest", nil, func(g *structs.PlanGroup) { g.Resources = resources(3000, 7000) }, ""},
		{"cpu", nil, func(g *structs.PlanGroup) { g.Resources = resources(3001, 1) }, "cpu exhausted: 1000 of 4000 is used, 3001 is asked for"},
		{"memory", nil, func(g *structs.PlanGroup) { g.Resources = resources(1, 7193) }, "memory exhausted"},
		{"disk", nil, func(g *structs.PlanGroup) { g.Resources.Shared.DiskMB = 99_701 }, "disk exhausted"},
		{"reserved for the host", func(n *structs.Node) {
			n.ReservedResources = &structs.NodeReservedResources{Cpu: structs.NodeReservedCPU{CpuShares: 2950}}
		}, nil, "cpu exhausted"},
		{"negative", nil, func(g *structs.PlanGroup) { g.Resources.Shared.DiskMB = -1 }, "disk: -1 is no amount"},
		{"port on the same address", nil, port(8080, "10.0.0.1"), "port collision: 8080"},
		{"port on another address", nil, port(8080, "10.0.0.2"), ""},
		{"port on every address", nil, port(8080, ""), "port collision: 8080"},
		{"port that may collide", nil, func(g *structs.PlanGroup) {
			port(8080, "10.0.0.1")(g)
			g.Items[0].Ports[0].IgnoreCollision = true
		}, ""},
		{"port twice", nil, func(g *structs.PlanGroup) {
			port(9000, "10.0.0.1")(g)
			g.Items[0].Ports = append(g.Items[0].Ports, g.Items[0].Ports[0])
		}, "port collision: 9000"},
		{"port of the node", func(n *structs.Node) {
			n.ReservedResources = &structs.NodeReservedResources{Networks: structs.NodeReservedNetworks{ReservedHostPorts: "22,  9000-9002, x"}}
		}, port(9001, "10.0.0.1"), "port 9001 is reserved"},
		{"port of the address", func(n *structs.Node) {
			n.NodeResources.NodeNetworks = []*structs.NodeNetworkResource{{Addresses: []structs.NodeNetworkAddress{
				{Address: "10.0.0.1", ReservedPorts: "9000"}}}}
		}, port(9000, "10.0.0.1"), "port 9000 is reserved"},
		{"core in use", nil, cores(1, 2), "core 1 is in use"},
		{"free cores", nil, cores(0, 2), ""},
		{"core there is none of", nil, cores(9), "no core 9"},
		{"device in use", nil, device("0"), "v/gpu/x/0 is in use"},
		{"free device", nil, device("1"), ""},
		{"full", func(n *structs.Node) { n.NodeMaxAllocs = 1 }, nil, "may run no more"},
		{"down", func(n *structs.Node) { n.Status = structs.NodeStatusDown }, nil, "the node is down"},
		{"no such node", nil, func(g *structs.PlanGroup) { g.Items[0].NodeID = nodeID(9) }, "the node does not exist"},
		{"known allocation", nil, func(g *structs.PlanGroup) { g.Items[0].AllocID = allocID(1) }, "exists already"},
		{"no allocation id", nil, func(g *structs.PlanGroup) { g.Items[0].AllocID = structs.ID{} }, "exists already"},
		{"unknown job", nil, func(g *structs.PlanGroup) { g.JobID = "other" }, "job does not exist"},
		{"unknown version", nil, func(g *structs.PlanGroup) { g.JobVersion = 5 }, "version does not exist"},
	} {
		w := cluster(t, 1)
		first := group("web", 0, resources(1000, 1000), 1, 1)
		first.Resources.Tasks["app"].Cpu.ReservedCores = []uint16{1}
		device("0")(first)
		port(8080, "10.0.0.1")(first)
		w.apply(t, planOf(first))
		if c.node != nil {
			n := node(1)
			c.node(n)
			w.do(t, structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: n})
		}
		g := group("web", 0, resources(100, 100), 2, 1)
		if c.ask != nil {
			c.ask(g)
		}
		on := g.Items[0].NodeID
		res := w.apply(t, planOf(g))
		if got := res.RefusedNodes[on]; !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: refused %q, want %q", c.name, got, c.want)
		}
		if stored := w.snap().Alloc(allocID(2)) != nil; stored != (c.want == "") || stored != (res.Placed == 1) {
			t.Errorf("%s: stored %v, placed %d", c.name, stored, res.Placed)
		}
	}
}

func TestNodesThatAreNotReadyRefuse(t *testing.T) {
	w := cluster(t, 2)
	w.do(t, structs.CmdNodeEligibility, &structs.NodeEligibilityCommand{NodeID: nodeID(1), Eligibility: structs.NodeIneligible})
	w.do(t, structs.CmdNodeDrain, &structs.NodeDrainCommand{NodeID: nodeID(2), Strategy: &structs.DrainStrategy{}})
	res := w.apply(t, planOf(group("web", 0, resources(1, 1), 1, 1, 2)))
	if res.RefusedNodes[nodeID(1)] != "the node is ineligible" || res.RefusedNodes[nodeID(2)] != "the node is draining" {
		t.Errorf("refused %v", res.RefusedNodes)
	}
}

func TestARefusalIsOfTheNodeUnlessAllAtOnce(t *testing.T) {
	for _, allAtOnce := range []bool{false, true} {
		w := cluster(t, 2)
		w.apply(t, planOf(group("web", 0, resources(100, 100), 1, 1)))
		g := group("web", 0, resources(2000, 100), 10, 1, 1, 2)
		g.Items[1].PreviousAllocation = allocID(1)
		p := planOf(g)
		p.AllAtOnce = allAtOnce
		p.Stop = []*structs.PlanStop{{AllocID: allocID(1), DesiredStatus: "stop"}}
		p.Deployment = &structs.Deployment{ID: deplID(1), Namespace: "default", JobID: "web", Status: "running"}
		done := eval(1, "web")
		done.Status = structs.EvalStatusComplete
		res := w.apply(t, p, done, eval(2, "web"))
		snap := w.snap()
		want := 1
		if allAtOnce {
			want = 0
		}
		if len(res.RefusedNodes) != 1 || res.RefusedNodes[nodeID(1)] == "" || res.Placed != want {
			t.Errorf("all at once %v: %+v", allAtOnce, res)
		}
		if snap.Alloc(allocID(10)) != nil || snap.Alloc(allocID(11)) != nil || (snap.Alloc(allocID(12)) != nil) == allAtOnce {
			t.Errorf("all at once %v: the wrong allocations are stored", allAtOnce)
		}
		if (snap.Deployment(deplID(1)) != nil) == allAtOnce {
			t.Errorf("all at once %v: deployment %v", allAtOnce, snap.Deployment(deplID(1)))
		}
		if a := snap.Alloc(allocID(1)); a.DesiredStatus != "run" || !a.NextAllocation.IsZero() {
			t.Errorf("the one whose successor was refused is to %s", a.DesiredStatus)
		}
		if snap.Eval(evalID(1)).Status != structs.EvalStatusPending || snap.Eval(evalID(2)) == nil {
			t.Error("the evaluation must stay open, what it made must be stored")
		}
	}
}

func TestWhatIsStoppedHoldsItsNodeUntilItsClientSaysSo(t *testing.T) {
	for _, c := range []struct {
		status string
		fits   bool
	}{{"", false}, {"unknown", false}, {"lost", true}} {
		w := cluster(t, 1)
		w.apply(t, planOf(group("web", 0, resources(3000, 100), 1, 1)))
		p := planOf(group("web", 0, resources(3000, 100), 2, 1))
		p.Place[0].Items[0].PreviousAllocation = allocID(1)
		p.Stop = []*structs.PlanStop{
			{AllocID: allocID(1), DesiredStatus: "stop", Description: structs.AllocLost, ClientStatus: c.status, FollowupEvalID: evalID(7)},
			{AllocID: allocID(1), DesiredStatus: "stop", ClientStatus: c.status},
			{AllocID: allocID(99), DesiredStatus: "stop"},
		}
		res := w.apply(t, p)
		if (res.Placed == 1) != c.fits {
			t.Errorf("client status %q: placed %d, refused %v", c.status, res.Placed, res.RefusedNodes)
		}
		a := w.snap().Alloc(allocID(1))
		if c.status != "" && (a.ClientStatus != c.status || a.DesiredStatus != "stop" || a.FollowupEvalID != evalID(7) || a.AllocModifyIndex != w.index()) {
			t.Errorf("client status %q: %+v", c.status, a)
		}
		if c.fits && a.NextAllocation != allocID(2) {
			t.Errorf("next allocation %s", a.NextAllocation)
		}
		if c.status == "unknown" && (len(a.AllocStates) != 1 || a.AllocStates[0].Value != "unknown" || a.AllocStates[0].Time.UnixNano() != w.now) {
			t.Errorf("states %+v", a.AllocStates)
		}
	}
}

func TestPreemptedAllocationsAreStoppedWithTheirPreemptor(t *testing.T) {
	w := cluster(t, 1)
	w.apply(t, planOf(group("web", 0, resources(1000, 100), 1, 1)))
	preempt := func(cpu int64) {
		p := planOf(group("web", 0, resources(cpu, 100), 2, 1))
		p.Place[0].Items[0].PreemptedAllocations = []structs.ID{allocID(1)}
		p.Stop = []*structs.PlanStop{{AllocID: allocID(1), DesiredStatus: "evict", Description: structs.AllocPreempted + "x", PreemptedBy: allocID(2)}}
		w.apply(t, p)
	}
	preempt(3500)
	if a := w.snap().Alloc(allocID(1)); a.DesiredStatus != "run" {
		t.Errorf("evicted for one that was refused: %+v", a)
	}
	preempt(500)
	if a := w.snap().Alloc(allocID(1)); a.DesiredStatus != "evict" || a.PreemptedByAllocation != allocID(2) {
		t.Errorf("preempted: %+v", a)
	}
}

func TestUpdatesInPlace(t *testing.T) {
	w := cluster(t, 1)
	w.apply(t, planOf(group("web", 0, resources(1000, 100), 1, 1)))
	next := job("web", 2)
	next.Priority = 70
	w.do(t, structs.CmdJobRegister, register(next))
	p := &structs.Plan{EvalID: evalID(3), Deployment: &structs.Deployment{ID: deplID(2), Namespace: "default", JobID: "web", Status: "running",
		TaskGroups: map[string]*structs.DeploymentState{"web": {DesiredTotal: 1}}},
		Update: []*structs.PlanUpdate{{AllocID: allocID(1), JobVersion: 1, Resources: resources(4000, 100), DeploymentID: deplID(2),
			FollowupEvalID: evalID(9), Description: structs.AllocInPlace}, {AllocID: allocID(77)}}}
	if res := w.apply(t, p); len(res.RefusedNodes) != 0 {
		t.Fatal(res.RefusedNodes)
	}
	snap := w.snap()
	a := snap.Alloc(allocID(1))
	if a.JobVersion != 1 || a.Job.Priority != 70 || a.DeploymentID != deplID(2) || a.FollowupEvalID != evalID(9) || a.EvalID != evalID(3) ||
		a.DesiredDescription != structs.AllocInPlace || a.CreateIndex == a.ModifyIndex || snap.NodeUse(nodeID(1)).Amount.CPU != 4000 {
		t.Errorf("updated: %+v", a)
	}
	if d := snap.Deployment(deplID(2)); d.TaskGroups["web"].PlacedAllocs != 1 {
		t.Errorf("deployment %+v", d.TaskGroups["web"])
	}
	n := 0
	for range snap.AllocsByEval(evalID(1)) {
		n++
	}
	for range snap.AllocsByEval(evalID(3)) {
		n += 10
	}
	if n != 10 {
		t.Error("the allocation must be found by its new evaluation only")
	}
	res := w.apply(t, &structs.Plan{Update: []*structs.PlanUpdate{{AllocID: allocID(1), JobVersion: 1, Resources: resources(4001, 100)}}})
	if res.RefusedNodes[nodeID(1)] == "" || w.snap().NodeUse(nodeID(1)).Amount.CPU != 4000 {
		t.Errorf("an update beyond the node: %v", res.RefusedNodes)
	}
	w.apply(t, &structs.Plan{Update: []*structs.PlanUpdate{{AllocID: allocID(1), JobVersion: 1, ClearFollowup: true, ClientStatus: "unknown"}}})
	if a = w.snap().Alloc(allocID(1)); !a.FollowupEvalID.IsZero() || a.ClientStatus != "unknown" {
		t.Errorf("cleared: %+v", a)
	}
}

func TestPlansOfOneCommandSeeEachOther(t *testing.T) {
	w := cluster(t, 1)
	got := w.do(t, structs.CmdPlanApply, &structs.PlanApplyCommand{Plans: []*structs.Plan{
		planOf(group("web", 0, resources(3000, 100), 1, 1)), planOf(group("web", 0, resources(3000, 100), 2, 1)),
	}}).([]*structs.PlanResult)
	if got[0].Placed != 1 || got[1].Placed != 0 || got[1].RefusedNodes[nodeID(1)] == "" {
		t.Errorf("%+v %+v", got[0], got[1])
	}
	w.refuse(t, structs.KindInvalid, structs.CmdPlanApply, &structs.PlanApplyCommand{Plans: []*structs.Plan{planOf(), nil}})
}

func TestNothingIsPlacedForAStoppedJob(t *testing.T) {
	w := cluster(t, 1)
	w.do(t, structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: "default", JobID: "web"})
	if res := w.apply(t, planOf(group("web", 0, resources(1, 1), 1, 1))); res.RefusedNodes[nodeID(1)] != "the job was stopped" {
		t.Error(res.RefusedNodes)
	}
}
