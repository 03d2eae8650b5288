package server

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"berth/internal/hostile"
	"berth/internal/tracing"
	"berth/structs"
)

// Whatever command asks for an evaluation, a trace goes on with it. A plan's evaluations are outcomes: they belong to their own.
func TestEveryEvaluationThatIsAskedForIsTraced(t *testing.T) {
	asked := structs.ID{1, 2, 3}
	for kind, body := range hostile.Commands() {
		if kind == structs.CmdPlanApply {
			continue
		}
		var want []structs.ID
		fields := reflect.ValueOf(body).Elem()
		for name, value := range map[string]any{"Eval": &structs.Evaluation{ID: asked}, "Evals": []*structs.Evaluation{nil, {ID: asked}}, "EvalID": asked} {
			if f := fields.FieldByName(name); f.IsValid() && f.Type() == reflect.TypeOf(value) {
				f.Set(reflect.ValueOf(value))
				want = append(want, asked)
			}
		}
		if got := evalsOf(body); !slices.Equal(got, want) {
			t.Errorf("%T asks for %v, and %v are traced", body, want, got)
		}
	}
}

// What a server remembers for traces is bounded: the oldest goes.
func TestWhatIsRememberedOfTracesIsBounded(t *testing.T) {
	tr := newTraces(&tracing.Tracer{})
	id := func(n int) structs.ID { return structs.ID{13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)} }
	for n := 1; n <= evalsKept+10; n++ {
		tr.remember(id(n), tracing.Place{})
	}
	for n, want := range map[int]bool{1: false, 10: false, 11: true, evalsKept + 10: true} {
		if _, ok := tr.of(id(n)); ok != want {
			t.Errorf("evaluation %d is remembered: %v", n, ok)
		}
	}
	if len(tr.evals) != evalsKept {
		t.Errorf("%d are remembered", len(tr.evals))
	}
	tr.applies[7] = applyTime{index: 7, from: time.Unix(1, 0)}
	tr.applies[8] = applyTime{index: 8 + appliesKept}
	for index, want := range map[uint64]bool{7: true, 7 + appliesKept: false, 8: false, 8 + appliesKept: true} {
		if got := tr.appliedAt(index).index == index; got != want {
			t.Errorf("when entry %d was applied is known: %v", index, got)
		}
	}
}
