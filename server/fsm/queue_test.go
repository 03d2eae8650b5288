package fsm

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"berth/state"
	"berth/structs"
)

func TestQueues(t *testing.T) {
	w := newWorld()
	queue := func(name string, weight int, namespaces ...string) *structs.Queue {
		return &structs.Queue{Name: name, Weight: weight, Namespaces: namespaces, Guarantee: structs.QueueAmount{CPU: 1000}, Limit: structs.QueueAmount{CPU: 4000}}
	}
	apply := func(q *structs.Queue) *structs.QueueCommand { return &structs.QueueCommand{Queue: q} }
	w.do(t, structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "apps"}, {Name: "ml"}}})
	w.do(t, structs.CmdQueue, &structs.QueueCommand{Queue: queue("one", 0, "apps"), Check: true})
	w.do(t, structs.CmdQueue, apply(queue("rest", 3, "*")))
	if q := w.snap().Queue("one"); q.Weight != 1 || q.Lending != structs.LendReclaim || q.Limit.CPU != 4000 {
		t.Errorf("stored: %+v", q)
	}
	w.refuse(t, structs.KindConflict, structs.CmdQueue, &structs.QueueCommand{Queue: queue("one", 2, "apps"), Check: true})
	w.refuse(t, structs.KindConflict, structs.CmdQueue, apply(queue("two", 1, "ml", "apps")))
	for name, want := range map[string]string{"apps": `namespace "apps" belongs to queue "one": change or delete`, "*": `what no other queue names (*) belongs to queue "rest": change or delete`} {
		if err := w.refuse(t, structs.KindConflict, structs.CmdQueue, apply(queue("two", 1, name))); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.refuse(t, structs.KindConflict, structs.CmdQueue, apply(queue("two", 1, "*")))
	if err := w.refuse(t, structs.KindInvalid, structs.CmdQueue, apply(queue("two", 1, "nowhere"))); !strings.Contains(err.Error(), "make it first") {
		t.Error(err)
	}
	w.refuse(t, structs.KindInvalid, structs.CmdQueue, apply(queue("two", 1)))
	w.refuse(t, structs.KindInvalid, structs.CmdQueue, apply(nil))
	first := w.snap().Queue("one")
	w.do(t, structs.CmdQueue, &structs.QueueCommand{Queue: queue("one", 5, "apps", "ml"), Check: true, Index: first.ModifyIndex})
	if q := w.snap().Queue("one"); q.Weight != 5 || q.CreateIndex != first.CreateIndex || !slices.Equal(q.Namespaces, []string{"apps", "ml"}) {
		t.Errorf("changed: %+v", q)
	}

	// They are in snapshots.
	var file bytes.Buffer
	if err := WriteSnapshot(&file, w.snap()); err != nil {
		t.Fatal(err)
	}
	other := New(state.New())
	if err := other.Restore(io.NopCloser(&file)); err != nil {
		t.Fatal(err)
	}
	if q := other.store.Snapshot().Queue("one"); q == nil || q.Weight != 5 || other.store.Snapshot().Hash() != w.snap().Hash() {
		t.Errorf("restored: %+v", q)
	}

	w.refuse(t, structs.KindConflict, structs.CmdNamespaceDelete, &structs.NameDeleteCommand{Names: []string{"apps"}})
	w.do(t, structs.CmdQueueDelete, &structs.NameDeleteCommand{Names: []string{"one"}})
	w.refuse(t, structs.KindNotFound, structs.CmdQueueDelete, &structs.NameDeleteCommand{Names: []string{"one"}})
	w.do(t, structs.CmdNamespaceDelete, &structs.NameDeleteCommand{Names: []string{"apps"}})
}

func TestTheNumberOfQueuesIsBounded(t *testing.T) {
	w := newWorld()
	var spaces []*structs.Namespace
	for i := range structs.QueuesMax + 1 {
		spaces = append(spaces, &structs.Namespace{Name: fmt.Sprintf("n%d", i)})
	}
	w.do(t, structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: spaces})
	for i := range structs.QueuesMax {
		w.do(t, structs.CmdQueue, &structs.QueueCommand{Queue: &structs.Queue{Name: spaces[i].Name, Namespaces: []string{spaces[i].Name}}})
	}
	w.refuse(t, structs.KindConflict, structs.CmdQueue, &structs.QueueCommand{Queue: &structs.Queue{Name: "more", Namespaces: []string{spaces[structs.QueuesMax].Name}}})
	w.do(t, structs.CmdQueue, &structs.QueueCommand{Queue: &structs.Queue{Name: "n7", Namespaces: []string{"n7"}, Weight: 2}})
}
