package server

import (
	"runtime"
	"testing"
	"weak"

	"berth/server/events"
	"berth/structs"
)

// What a burst leaves behind when it was purged is nothing: no loop, watch or reader of a server that leads keeps an old version of the state,
// or an allocation, alive. The past of the events, which is kept for a while, is off.
func TestABurstThatWasPurgedLeavesMemory(t *testing.T) {
	s := startWith(t, Config{Name: "s1", Events: events.Config{Off: true}})
	n := node(s)
	n.NodeResources.Cpu.CpuShares, n.NodeResources.Memory.MemoryMB = 1_000_000, 1_000_000
	if _, err := s.Register(t.Context(), &structs.NodeRegisterRequest{Node: n}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		held := burst(t, s, n)
		eventually(t, "the allocations, their evaluation and the job have left memory", func() bool {
			runtime.GC()
			for _, alive := range held {
				if alive() {
					return false
				}
			}
			return true
		})
	}
}

// burst places a job of 300, purges it, ends its allocations and has everything of it removed. It tells what of it is alive.
func burst(t *testing.T, s *Server, n *structs.Node) (alive []func() bool) {
	e := register(t, s, job(300))
	until(t, s, "all are placed", func() bool { return s.State().Snapshot().JobCounts("default", "web").Live == 300 })
	snap := s.State().Snapshot()
	alive = append(alive, held(snap.Job("default", "web")), held(snap.Eval(e.ID)))
	var ids []structs.ID
	for a := range snap.AllocsByJob("default", "web") {
		alive = append(alive, held(a))
		ids = append(ids, a.ID)
	}
	gone := &structs.Evaluation{ID: s.NewID(), Namespace: "default", JobID: "web", Type: e.Type, Priority: e.Priority, TriggeredBy: structs.EvalTriggerJobDeregister,
		Status: structs.EvalStatusPending}
	if _, err := s.Propose(t.Context(), structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: "default", JobID: "web", Purge: true, Eval: gone}); err != nil {
		t.Fatal(err)
	}
	until(t, s, "all are to stop", func() bool {
		for a := range s.State().Snapshot().Allocs() {
			alive = append(alive, held(a))
			if !a.ServerTerminal() {
				return false
			}
		}
		return true
	})
	req := &structs.NodeUpdateAllocsRequest{NodeID: n.ID, SecretID: n.SecretID}
	for _, id := range ids {
		req.Updates = append(req.Updates, &structs.AllocClientUpdate{ID: id, ClientStatus: structs.AllocClientComplete})
	}
	if err := s.UpdateAllocs(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	until(t, s, "its evaluation is done", func() bool { return s.State().Snapshot().Eval(gone.ID).Terminal() })
	if err := s.CollectGarbage(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range s.State().Snapshot().Allocs() {
		t.Fatal("allocations are left")
	}
	return alive
}

// held tells whether an object is in memory.
func held[T any](v *T) func() bool {
	w := weak.Make(v)
	return func() bool { return w.Value() != nil }
}
