package fsm

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"berth/internal/hostile"
	"berth/state"
	"berth/structs"
)

// Whatever is in a command, its proposer gets an answer, the state machine goes on, every replica has the same, and what is kept of it
// can be read again.
func TestNoCommandBreaksTheStateMachine(t *testing.T) {
	kinds := slices.Sorted(maps.Keys(hostile.Commands()))
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		w.do2(t, structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: node(1)})
		w.do2(t, structs.CmdJobRegister, &structs.JobRegisterCommand{Job: job("web", 2), Eval: eval(1, "web")})
		w.do2(t, structs.CmdPlanApply, &structs.PlanApplyCommand{Plans: []*structs.Plan{planOf(group("web", 0, resources(1, 1), 1, 1))}})
		f := &hostile.Filler{R: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), Names: []string{"web", "default", jobName(1)},
			IDs: []structs.ID{nodeID(1), evalID(1), allocID(1), allocID(2), deplID(1)}}
		for range 12 {
			var cmds []structs.Command
			for range 1 + f.R.IntN(3) {
				kind := kinds[f.R.IntN(len(kinds))]
				cmd, err := f.Command(kind)
				if err != nil {
					t.Fatal(err)
				}
				cmds = append(cmds, cmd)
			}
			if got := w.entry(cmds...); len(got) != len(cmds) {
				t.Fatalf("%d commands have %d answers", len(cmds), len(got))
			}
		}
		w.do2(t, structs.CmdJobRegister, &structs.JobRegisterCommand{Job: job("after", 1), Eval: eval(77, "after")})
		live := w.snap()
		replayed := state.New()
		m := New(replayed)
		for i, data := range w.log {
			applyTo(m, i+1, data)
		}
		sameHash(t, "replayed", replayed.Snapshot(), live)
		var kept bytes.Buffer
		if err := WriteSnapshot(&kept, live); err != nil {
			t.Fatal(err)
		}
		restored := state.New()
		if err := ReadSnapshot(&kept, restored); err != nil {
			t.Fatal(err)
		}
		sameHash(t, "restored", restored.Snapshot(), live)
	})
}

func sameHash(t *rapid.T, what string, got, want *state.Snapshot) {
	if got.Hash() != want.Hash() {
		t.Fatalf("the %s state differs from the live one", what)
	}
}

func (w *world) do2(t *rapid.T, kind structs.CommandKind, body interface {
	MarshalMsg([]byte) ([]byte, error)
}) {
	if r := w.try(kind, body); r.Err != nil {
		t.Fatalf("%s: %v", opOf(kind), r.Err)
	}
}

// Every kind the state machine knows is in the list, so that a new one is tried too.
func TestTheHostileCommandsAreAllThereAre(t *testing.T) {
	have := hostile.Commands()
	for k := 1; k < 256; k++ {
		kind := structs.CommandKind(k)
		known := opOf(kind) != opOf(structs.CommandKind(255))
		if _, ok := have[kind]; ok != known && !strings.Contains(opOf(kind), fmt.Sprint(k)) {
			t.Errorf("kind %d (%s) is known %v, in the list %v", k, opOf(kind), known, ok)
		}
	}
}
