package dryrun

import (
	"slices"
	"testing"

	"berth/scheduler"
	"berth/state"
	"berth/structs"
)

// A move goes where it was told to, one after the other, and ends: what was moved is left alone then.
func TestMovesGoWhereTheyWereToldAndEnd(t *testing.T) {
	w := newTown(t)
	a := w.node("a", 1000, nil)
	b := w.node("b", 1000, nil)
	c := w.node("c", 1000, nil)
	w.run(jobOf("one", 1, 600, 50), a)
	w.run(jobOf("two", 1, 200, 50), b)
	w.run(jobOf("three", 2, 100, 50), c, c)
	for step := 0; ; step++ {
		if step > 10 {
			t.Fatal("the moves do not end")
		}
		snap := w.store.Snapshot()
		moves, _ := Rebalance(snap, Limits{Moves: 1})
		if len(moves) == 0 {
			if step == 0 {
				t.Fatal("nothing is moved")
			}
			return
		}
		m := moves[0]
		al := *snap.Alloc(m.AllocID)
		al.DesiredTransition.Migrate = new(true)
		w.put(func(txn *state.WriteTxn) { txn.PutAlloc(&al) })
		snap = w.store.Snapshot()
		out := scheduler.Evaluate(scheduler.Input{State: snap, Fleet: FleetOf(snap.Nodes(), snap.Allocs(), snap.Queues()), Index: snap.Index(), Now: now, IDs: w.ids,
			Eval: &structs.Evaluation{ID: w.ids.NewID(), Namespace: al.Namespace, JobID: al.JobID, Type: structs.JobTypeService, Priority: 50,
				TriggeredBy: structs.EvalTriggerRebalance, Status: structs.EvalStatusPending}})
		var placed []*structs.Placement
		for _, p := range out.Plans {
			for _, g := range p.Place {
				placed = append(placed, g.Items...)
			}
		}
		if len(placed) != 1 || placed[0].NodeID != m.ToID {
			t.Fatalf("move %d of %s to %s was placed %+v", step, m.Name, m.ToName, placed)
		}
		w.put(func(txn *state.WriteTxn) {
			old := al
			old.DesiredStatus, old.ClientStatus = structs.AllocDesiredStop, structs.AllocClientComplete
			txn.PutAlloc(&old)
			fresh := al
			fresh.ID, fresh.NodeID, fresh.NodeName, fresh.DesiredTransition = placed[0].AllocID, m.ToID, m.ToName, structs.DesiredTransition{}
			txn.PutAlloc(&fresh)
		})
	}
}

func TestRebalanceKeepsBudgets(t *testing.T) {
	w := newTown(t)
	a := w.node("a", 1000, nil)
	b := w.node("b", 1000, nil)
	w.run(jobOf("one", 1, 600, 50), a)
	guarded := jobOf("two", 1, 200, 50)
	w.run(guarded, b)
	moved := func() bool {
		moves, _ := Rebalance(w.store.Snapshot(), Limits{})
		return slices.ContainsFunc(moves, func(m *Move) bool { return m.Name == "two.g[0]" })
	}
	if !moved() {
		t.Fatal("without a budget it is not moved")
	}
	w.put(func(txn *state.WriteTxn) {
		txn.PutDisruptionBudget(&structs.DisruptionBudget{Namespace: "default", Name: "all", Job: "t*", Disruption: structs.Disruption{MaxUnavailable: "0"}})
	})
	if moved() {
		t.Error("a budget is broken")
	}
	w.put(func(txn *state.WriteTxn) { txn.DeleteDisruptionBudget(structs.JobKey{Namespace: "default", ID: "all"}) })
	w.put(func(txn *state.WriteTxn) {
		own := *guarded
		group := *guarded.TaskGroups[0]
		group.Disruption = &structs.Disruption{MinAvailable: "1"}
		own.TaskGroups = []*structs.TaskGroup{&group}
		txn.PutJob(&own)
	})
	if moved() {
		t.Error("a block is broken")
	}
}
