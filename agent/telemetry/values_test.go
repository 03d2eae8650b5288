package telemetry

import (
	"maps"
	"testing"
	"time"

	"berth/server/broker"
	"berth/server/placer"
	"berth/structs"
)

// counters are the sums of what a telemetry has counted, and gauges what it was told last, by name.
func (t *Telemetry) values() (counters, gauges map[string]int) {
	counters, gauges = map[string]int{}, map[string]int{}
	for _, i := range t.keep.Data() {
		i.RLock()
		for _, c := range i.Counters {
			counters[c.Name] += int(c.Sum)
		}
		for _, g := range i.Gauges {
			gauges[g.Name] = int(g.Value)
		}
		i.RUnlock()
	}
	return counters, gauges
}

// busy is an agent whose figures grow from look to look.
type busy struct {
	agent
	looks *int
}

func (b busy) Requests() Requests {
	*b.looks++
	if *b.looks == 1 {
		return Requests{All: 1, Reads: 2, Failed: 3, Accepted: 4, Raft: 5, Abroad: 6}
	}
	return Requests{All: 11, Reads: 22, Failed: 33, Accepted: 44, Raft: 55, Abroad: 66}
}

// What an agent counts since its start is added once, each under its name.
func TestRequestsAreAddedOnce(t *testing.T) {
	tm := open(t, nil)
	c := tm.Collect(nil, nil, busy{looks: new(int)})
	for range 3 {
		c.collectAgent(time.Now())
	}
	got, _ := tm.values()
	want := map[string]int{"nomad.agent.http.exceeded": 2, "nomad.nomad.rpc.request": 11, "nomad.nomad.rpc.query": 22, "nomad.nomad.rpc.request_error": 33,
		"nomad.nomad.rpc.accept_conn": 44, "nomad.nomad.rpc.raft_handoff": 55, "nomad.nomad.rpc.cross-region": 66}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestFiguresOfAQueue(t *testing.T) {
	tm := open(t, nil)
	tm.Collect(nil, nil, nil).queue(&placer.QueueStats{Name: "ml", Held: structs.QueueAmount{CPU: 1, MemoryMB: 2}, Leaving: structs.QueueAmount{CPU: 3, MemoryMB: 4},
		Share: 5, LineCounts: broker.LineCounts{Ready: 6, Limited: 7}})
	_, got := tm.values()
	want := map[string]int{"nomad.nomad.queue.held_cpu": 1, "nomad.nomad.queue.held_memory": 2, "nomad.nomad.queue.leaving_cpu": 3, "nomad.nomad.queue.leaving_memory": 4,
		"nomad.nomad.queue.share": 5, "nomad.nomad.queue.ready": 6, "nomad.nomad.queue.limited": 7}
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s: %d, want %d", name, got[name], n)
		}
	}
}

// What waits for room asks for what all its tasks ask for, as often as it waits.
func TestWhatIsWanted(t *testing.T) {
	task := func(cpu, memory int) *structs.Task {
		return &structs.Task{Resources: &structs.Resources{CPU: &cpu, MemoryMB: &memory}}
	}
	j := &structs.Job{TaskGroups: []*structs.TaskGroup{{Name: "g", Tasks: []*structs.Task{task(100, 10), task(200, 20), {}}}, {Name: "none", Tasks: []*structs.Task{task(5000, 5000)}},
		{Name: "h", Tasks: []*structs.Task{task(1000, 1), {Resources: &structs.Resources{}}}}}}
	cpu, memory := wanted(j, &structs.JobSummary{Summary: map[string]structs.TaskGroupSummary{"g": {Queued: 3}, "h": {Queued: 2, Running: 7}, "none": {Running: 1}}})
	if cpu != 3*300+2*1000 || memory != 3*30+2*1 {
		t.Errorf("%d MHz and %d MiB", cpu, memory)
	}
}
