package nodes

import (
	"testing"
	"time"

	"berth/internal/idgen"
	"berth/state"
	"berth/structs"
)

var (
	now  = time.Unix(1_700_000_000, 0)
	one  = structs.ID{1}
	mine = structs.ID{2}
)

// world has a node of a status, and on it an allocation of a group with that disconnect block.
func world(status structs.NodeStatus, disconnect *structs.DisconnectStrategy, client string) *state.Snapshot {
	store := state.New()
	txn := store.Begin(1)
	txn.PutNode(&structs.Node{ID: one, Name: "one", Status: status})
	job := &structs.Job{ID: "web", Namespace: "default", Type: structs.JobTypeService, Priority: 50,
		TaskGroups: []*structs.TaskGroup{{Name: "g", Disconnect: disconnect}}}
	txn.PutJob(job)
	kept := *job
	txn.PutJobVersion(&kept)
	txn.PutAlloc(&structs.Allocation{ID: mine, Namespace: "default", JobID: "web", TaskGroup: "g", NodeID: one, DesiredStatus: structs.AllocDesiredRun, ClientStatus: client})
	txn.Commit()
	return store.Snapshot()
}

func TestNOD2ASilentNodeIsDownOrOutOfTouch(t *testing.T) {
	patient := &structs.DisconnectStrategy{LostAfter: new(time.Minute)}
	ready := structs.NodeStatusReady
	for _, c := range []struct {
		name   string
		st     *state.Snapshot
		want   structs.NodeStatus // "" for nothing to be done
		evaled int
	}{
		{"without a disconnect block it is down", world(ready, nil, structs.AllocClientRunning), structs.NodeStatusDown, 1},
		{"with one it is disconnected", world(ready, patient, structs.AllocClientRunning), structs.NodeStatusDisconnected, 1},
		{"not for an allocation that is over", world(ready, patient, structs.AllocClientComplete), structs.NodeStatusDown, 0},
		{"nor for one that may be lost at once", world(ready, &structs.DisconnectStrategy{LostAfter: new(time.Duration(0))}, structs.AllocClientRunning), structs.NodeStatusDown, 1},
		{"what is down stays down", world(structs.NodeStatusDown, patient, structs.AllocClientRunning), "", 0},
		{"what is disconnected is not told again", world(structs.NodeStatusDisconnected, patient, structs.AllocClientRunning), "", 0},
		{"one that never was ready is down too", world(structs.NodeStatusInit, nil, structs.AllocClientRunning), structs.NodeStatusDown, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Missed(c.st, one, now, idgen.Seeded(1))
			if (got == nil) != (c.want == "") {
				t.Fatalf("got %+v", got)
			}
			if got != nil && (got.Status != c.want || len(got.Evals) != c.evaled || got.Event == nil || !got.Event.Timestamp.Equal(now)) {
				t.Fatalf("got %+v, want %s and %d evaluations", got, c.want, c.evaled)
			}
		})
	}
	if got := Missed(state.New().Snapshot(), one, now, idgen.Seeded(1)); got != nil {
		t.Fatalf("a node that is gone: %+v", got)
	}
}

func TestNOD2ANodeThatIsHeardAgainIsWhatItSays(t *testing.T) {
	for _, was := range []structs.NodeStatus{structs.NodeStatusDown, structs.NodeStatusDisconnected, structs.NodeStatusInit} {
		got := Heard(world(was, nil, structs.AllocClientUnknown), one, structs.NodeStatusReady, now, idgen.Seeded(1))
		if got == nil || got.Status != structs.NodeStatusReady || len(got.Evals) != 1 || (got.Event == nil) != (was == structs.NodeStatusInit) {
			t.Errorf("was %s: %+v", was, got)
		}
	}
	st := world(structs.NodeStatusReady, nil, structs.AllocClientRunning)
	for _, status := range []structs.NodeStatus{structs.NodeStatusReady, ""} {
		if got := Heard(st, one, status, now, idgen.Seeded(1)); got != nil {
			t.Errorf("told %q again: %+v", status, got)
		}
	}
}

func TestARegistrationIsNewsOnlyWhenSomethingChanged(t *testing.T) {
	st := world(structs.NodeStatusDown, nil, structs.AllocClientRunning)
	node := &structs.Node{ID: one, Name: "one", Status: structs.NodeStatusReady}
	cmd := Register(st, node, now, idgen.Seeded(1))
	if len(cmd.Evals) != 1 || cmd.Node.NodePool != structs.DefaultNodePool || cmd.Node.ComputedClass == "" || node.NodePool != "" {
		t.Fatalf("%+v", cmd)
	}
	store := state.New()
	txn := store.Begin(1)
	txn.PutNode(cmd.Node)
	txn.Commit()
	if again := Register(store.Snapshot(), node, now, idgen.Seeded(1)); len(again.Evals) != 0 {
		t.Fatalf("the same description again: %+v", again)
	}
}

func TestANodeTellsOfItsOwnAllocationsAlone(t *testing.T) {
	st := world(structs.NodeStatusReady, nil, structs.AllocClientRunning)
	updates := []*structs.AllocClientUpdate{{ID: mine, ClientStatus: structs.AllocClientFailed}, {ID: structs.ID{9}}}
	if got := Reports(st, one, updates, now, idgen.Seeded(1)); got == nil || len(got.Updates) != 1 || got.Updates[0].NodeID != one || len(got.Evals) != 1 {
		t.Fatalf("%+v", got)
	}
	if got := Reports(st, structs.ID{7}, updates, now, idgen.Seeded(1)); got != nil {
		t.Fatalf("another node told of it: %+v", got)
	}
}
