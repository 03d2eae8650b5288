package nodes

import (
	"strings"
	"testing"
	"time"

	"berth/internal/idgen"
	"berth/structs"
)

// A shutdown is written where it changes something: never over what the operator asked for, and a return only of who was drained for it.
func TestAShutdownIsWrittenWhereItChangesSomething(t *testing.T) {
	own, operators := &structs.DrainStrategy{Shutdown: true}, &structs.DrainStrategy{}
	for name, c := range map[string]struct {
		drain       *structs.DrainStrategy
		last        *structs.DrainMetadata
		shuts, back bool // whether that is written
	}{
		"as ever":                               {nil, nil, true, false},
		"drained by the operator":               {operators, nil, false, false},
		"the same, after a shutdown":            {operators, &structs.DrainMetadata{Shutdown: true}, false, false},
		"drained for a shutdown":                {own, &structs.DrainMetadata{Shutdown: true}, true, true},
		"the same, but closed before":           {own, &structs.DrainMetadata{}, true, true},
		"the drain for a shutdown is over":      {nil, &structs.DrainMetadata{Shutdown: true}, true, true},
		"that of the operator is over":          {nil, &structs.DrainMetadata{}, true, false},
		"closed by the operator after shutdown": {nil, &structs.DrainMetadata{}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			st, node := world(structs.NodeStatusReady, nil, structs.AllocClientRunning), &structs.Node{ID: one, DrainStrategy: c.drain, LastDrain: c.last}
			for _, back := range []bool{false, true} {
				req := &structs.NodeShutdownRequest{NodeID: one, Back: back, Deadline: time.Hour, Force: true, IgnoreSystemJobs: true}
				got, want := Shutdown(st, node, req, now, idgen.Seeded(1)), map[bool]bool{false: c.shuts, true: c.back}[back]
				if (got != nil) != want {
					t.Fatalf("back %t: %+v", back, got)
				}
				if got == nil {
					continue
				}
				evals := 0
				if back { // what waits for the node is looked at again
					evals = 1
				}
				if got.NodeID != one || got.Back != back || got.Deadline != time.Hour || !got.Force || !got.IgnoreSystemJobs || len(got.Evals) != evals || !got.Event.Timestamp.Equal(now) {
					t.Errorf("back %t: %+v", back, got)
				}
			}
		})
	}
}

func TestAShutdownThatNeverEndsIsRefused(t *testing.T) {
	for deadline, good := range map[time.Duration]bool{-1: false, 0: false, 1: true, structs.ShutdownDrainMax: true, structs.ShutdownDrainMax + 1: false} {
		err := CheckShutdown(&structs.NodeShutdownRequest{Deadline: deadline})
		if (err == nil) != good || err != nil && (structs.KindOf(err) != structs.KindInvalid || !strings.Contains(err.Error(), "it must be above 0 and at most 168h0m0s")) {
			t.Errorf("%s: %v", deadline, err)
		}
		if err := CheckShutdown(&structs.NodeShutdownRequest{Deadline: deadline, Back: true}); err != nil {
			t.Errorf("who is back has no deadline: %v", err)
		}
	}
}
