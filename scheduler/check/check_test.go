package check_test

import (
	"fmt"
	"strings"
	"testing"

	"berth/scheduler/check"
	"berth/structs"
)

func id(n byte) structs.ID { return structs.ID{15: n} }

func node(n byte) *structs.Node {
	return &structs.Node{
		ID: id(n), Name: fmt.Sprintf("node-%d", n), Datacenter: "dc1", NodePool: "default", Status: structs.NodeStatusReady,
		SchedulingEligibility: structs.NodeEligible, Attributes: map[string]string{"driver.docker": "1", "os": "linux"},
		Meta: map[string]string{"rack": "r1"},
		NodeResources: &structs.NodeResources{
			Cpu:    structs.NodeCPUResources{CpuShares: 1000, TotalCpuCores: 4, ReservableCpuCores: []uint16{0, 1, 2, 3}},
			Memory: structs.NodeMemoryResources{MemoryMB: 1000}, Disk: structs.NodeDiskResources{DiskMB: 1000},
		},
		ReservedResources: &structs.NodeReservedResources{Networks: structs.NodeReservedNetworks{ReservedHostPorts: "22,9000-9001"}},
	}
}

func job(count int) *structs.Job {
	return &structs.Job{ID: "web", Namespace: "default", Type: structs.JobTypeService, Datacenters: []string{"dc*"},
		TaskGroups: []*structs.TaskGroup{{Name: "api", Count: &count, Tasks: []*structs.Task{{Name: "main", Driver: "docker"}}}}}
}

func held(cpu, memory int64, cores []uint16, ports ...int) *structs.AllocatedResources {
	t := &structs.AllocatedTaskResources{Memory: structs.AllocatedMemoryResources{MemoryMB: memory}}
	t.Cpu.CpuShares, t.Cpu.ReservedCores = cpu, cores
	r := &structs.AllocatedResources{Tasks: map[string]*structs.AllocatedTaskResources{"main": t}}
	for _, p := range ports {
		r.Shared.Ports = append(r.Shared.Ports, structs.AllocatedPortMapping{Label: "p", Value: p})
	}
	return r
}

func alloc(n byte, j *structs.Job, on byte, index uint32, r *structs.AllocatedResources) *structs.Allocation {
	return &structs.Allocation{ID: id(n), Namespace: "default", JobID: j.ID, Job: j, TaskGroup: "api", Index: index, NodeID: id(on),
		DesiredStatus: structs.AllocDesiredRun, ClientStatus: structs.AllocClientRunning, AllocatedResources: r}
}

// one expects a fault that contains the text, or none at all for "".
func one(t *testing.T, faults []check.Fault, text string) {
	t.Helper()
	var all []string
	for _, f := range faults {
		all = append(all, f.String())
	}
	found := strings.Join(all, "\n")
	if text == "" && found != "" || !strings.Contains(found, text) {
		t.Errorf("want %q, found:\n%s", text, found)
	}
}

func TestStateFaults(t *testing.T) {
	t.Parallel()
	j := job(2)
	for name, c := range map[string]struct {
		a, b *structs.AllocatedResources
		want string
	}{
		"fine":          {held(500, 500, nil, 80), held(500, 500, nil, 81), ""},
		"cpu":           {held(500, 1, nil), held(501, 1, nil), "node node-1: cpu: 1001 given, it has 1000"},
		"memory":        {held(1, 500, nil), held(1, 501, nil), "memory: 1001 given"},
		"port":          {held(1, 1, nil, 80), held(1, 1, nil, 80), "port 80 is given to"},
		"reserved port": {held(1, 1, nil, 22), held(1, 1, nil, 9001), "port 9001 of web.api[1]"},
		"no port":       {held(1, 1, nil, 70000), held(1, 1, nil), "is no port"},
		"core":          {held(1, 1, []uint16{1, 2}), held(1, 1, []uint16{2}), "core 2 is given to"},
		"foreign core":  {held(1, 1, []uint16{7}), held(1, 1, nil), "core 7 of"},
	} {
		w := &check.World{Nodes: []*structs.Node{node(1)}, Jobs: []*structs.Job{j},
			Allocs: []*structs.Allocation{alloc(10, j, 1, 0, c.a), alloc(11, j, 1, 1, c.b)}}
		t.Run(name, func(t *testing.T) { one(t, check.State(w), c.want) })
	}
	over := alloc(10, j, 1, 0, held(900, 1, nil))
	over.ClientStatus = structs.AllocClientComplete
	w := &check.World{Nodes: []*structs.Node{node(1)}, Allocs: []*structs.Allocation{over, alloc(11, j, 1, 1, held(900, 1, nil))}}
	one(t, check.State(w), "")
	w.Allocs[1].ID = id(10)
	one(t, check.State(w), "the id is there twice")
}

func TestPlanFaults(t *testing.T) {
	t.Parallel()
	limit := func(cpu int64) []*structs.Queue {
		return []*structs.Queue{{Name: "q", Namespaces: []string{"default"}, Limit: structs.QueueAmount{CPU: cpu}}}
	}
	place := func(n, on byte, index uint32) *structs.PlanGroup {
		return &structs.PlanGroup{Namespace: "default", JobID: "web", TaskGroup: "api", Resources: held(400, 100, nil),
			Items: []*structs.Placement{{AllocID: id(n), NodeID: id(on), Index: index}}}
	}
	for name, c := range map[string]struct {
		change func(*check.World, *structs.Job, *structs.Plan)
		want   string
	}{
		"fine": {func(*check.World, *structs.Job, *structs.Plan) {}, ""},
		"constraint": {func(_ *check.World, j *structs.Job, _ *structs.Plan) {
			j.Constraints = []*structs.Constraint{{LTarget: "${attr.os}", Operand: "=", RTarget: "plan9"}}
		}, "does not keep"},
		"datacenter":     {func(_ *check.World, j *structs.Job, _ *structs.Plan) { j.Datacenters = []string{"eu"} }, "datacenter"},
		"pool":           {func(_ *check.World, j *structs.Job, _ *structs.Plan) { j.NodePool = "gpu" }, "pool"},
		"driver":         {func(w *check.World, _ *structs.Job, _ *structs.Plan) { delete(w.Nodes[0].Attributes, "driver.docker") }, "no healthy driver"},
		"not ready":      {func(w *check.World, _ *structs.Job, _ *structs.Plan) { w.Nodes[0].Status = "down" }, "is not ready"},
		"unknown node":   {func(_ *check.World, _ *structs.Job, p *structs.Plan) { p.Place[0].Items[0].NodeID = id(9) }, "does not exist"},
		"doubled number": {func(_ *check.World, _ *structs.Job, p *structs.Plan) { p.Place[0].Items[0].Index = 0 }, "are both number 0"},
		"number beyond":  {func(_ *check.World, _ *structs.Job, p *structs.Plan) { p.Place[0].Items[0].Index = 5 }, "number 5 of a group of 2"},
		"too many":       {func(_ *check.World, j *structs.Job, _ *structs.Plan) { j.TaskGroups[0].Count = new(1) }, "2 are live, 1 are wanted"},
		"known id":       {func(_ *check.World, _ *structs.Job, p *structs.Plan) { p.Place[0].Items[0].AllocID = id(10) }, "no new one"},
		"foreign previous": {func(_ *check.World, _ *structs.Job, p *structs.Plan) {
			p.Place[0].Items[0].PreviousAllocation = id(77)
		}, "replaces no allocation"},
		"distinct hosts": {func(_ *check.World, j *structs.Job, _ *structs.Plan) {
			j.Constraints = []*structs.Constraint{{Operand: "distinct_hosts", RTarget: "true"}}
		}, "2 allocations share"},
		"distinct property": {func(_ *check.World, j *structs.Job, _ *structs.Plan) {
			j.TaskGroups[0].Constraints = []*structs.Constraint{{LTarget: "${meta.rack}", Operand: "distinct_property"}}
		}, "2 allocations share"},
		"apart": {func(_ *check.World, j *structs.Job, _ *structs.Plan) {
			j.TaskGroups[0].Peers = []*structs.Peer{{Job: j.ID, Relation: structs.PeerApart, Topology: "${node.unique.id}"}}
		}, "apart from"},
		"near": {func(_ *check.World, j *structs.Job, _ *structs.Plan) {
			j.TaskGroups[0].Peers = []*structs.Peer{{Job: "other", Relation: structs.PeerNear, Topology: "${node.unique.id}"}}
		}, "none is there"},
		"gate": {func(_ *check.World, j *structs.Job, _ *structs.Plan) { j.TaskGroups[0].Gates = []string{"review"} }, "in spite of the gates"},
		"room": {func(_ *check.World, _ *structs.Job, p *structs.Plan) { p.Place[0].Resources = held(601, 1, nil) }, "cpu: 1001 given"},
		"a stop frees no room at once": {func(_ *check.World, _ *structs.Job, p *structs.Plan) {
			p.Place[0].Resources = held(601, 1, nil)
			p.Stop = []*structs.PlanStop{{AllocID: id(10), DesiredStatus: "stop"}}
		}, "cpu: 1001 given"},
		"unknown stop": {func(_ *check.World, _ *structs.Job, p *structs.Plan) {
			p.Stop = []*structs.PlanStop{{AllocID: id(99), DesiredStatus: "stop"}}
		}, "no such allocation"},
		"doubled stop": {func(_ *check.World, _ *structs.Job, p *structs.Plan) {
			s := &structs.PlanStop{AllocID: id(10), DesiredStatus: "stop"}
			p.Stop = []*structs.PlanStop{s, s}
		}, "stopped twice"},
		"unknown deployment": {func(_ *check.World, _ *structs.Job, p *structs.Plan) { p.Place[0].DeploymentID = id(50) }, "no deployment"},
		"stopped job":        {func(_ *check.World, j *structs.Job, _ *structs.Plan) { j.Stop = true }, "does not want it"},
		"ports not given": {func(_ *check.World, j *structs.Job, _ *structs.Plan) {
			j.TaskGroups[0].Networks = []*structs.NetworkResource{{ReservedPorts: []structs.Port{{Label: "http", Value: 80}}}}
		}, "was not given port 80"},
		"limit of a queue": {func(w *check.World, _ *structs.Job, _ *structs.Plan) { w.Queues = limit(700) }, "is given more than its limit"},
		"limit of a queue with what leaves": {func(w *check.World, _ *structs.Job, _ *structs.Plan) {
			w.Queues, w.Allocs[0].DesiredStatus = limit(700), structs.AllocDesiredStop
		}, "while what leaves takes its limit"},
		"what replaces runs beside what leaves": {func(w *check.World, _ *structs.Job, p *structs.Plan) {
			w.Queues, w.Allocs[0].DesiredStatus = limit(700), structs.AllocDesiredStop
			p.Place[0].Items[0].PreviousAllocation, p.Place[0].Items[0].Index = id(10), 0
		}, ""},
		"what is lost has left its queue": {func(w *check.World, _ *structs.Job, p *structs.Plan) {
			w.Queues = limit(700)
			p.Stop = []*structs.PlanStop{{AllocID: id(10), DesiredStatus: structs.AllocDesiredStop, ClientStatus: structs.AllocClientLost}}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := job(2)
			w := &check.World{Nodes: []*structs.Node{node(1)}, Jobs: []*structs.Job{j},
				Allocs: []*structs.Allocation{alloc(10, j, 1, 0, held(400, 100, nil))}}
			p := &structs.Plan{Place: []*structs.PlanGroup{place(20, 1, 1)}}
			c.change(w, j, p)
			one(t, check.Plan(w, p, func(string, string, uint64) *structs.Job { return j }), c.want)
		})
	}
}

func TestSettledFaults(t *testing.T) {
	t.Parallel()
	j := job(2)
	w := &check.World{Nodes: []*structs.Node{node(1)}, Jobs: []*structs.Job{j},
		Allocs: []*structs.Allocation{alloc(10, j, 1, 0, nil), alloc(11, j, 1, 1, nil)}}
	one(t, check.Settled(w, j), "")
	w.Allocs[1].ClientStatus = structs.AllocClientFailed
	one(t, check.Settled(w, j), "1 are there, 2 are wanted")
	w.Allocs[1].ClientStatus, w.Allocs[1].JobVersion = structs.AllocClientRunning, 3
	one(t, check.Settled(w, j), "is still of version 3")
}
