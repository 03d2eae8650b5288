package fsm

import (
	"bytes"
	"io"
	"testing"

	"berth/state"
	"berth/structs"
)

func TestPriorityClasses(t *testing.T) {
	w := newWorld()
	class := func(name string, value int) *structs.PriorityClass {
		return &structs.PriorityClass{Name: name, Value: value}
	}
	def := class("usual", 40)
	def.Default = true
	w.do(t, structs.CmdPriorityClass, &structs.PriorityClassCommand{Class: def, Check: true})
	w.refuse(t, structs.KindConflict, structs.CmdPriorityClass, &structs.PriorityClassCommand{Class: class("usual", 30), Check: true})
	second := class("other", 30)
	second.Default = true
	w.refuse(t, structs.KindConflict, structs.CmdPriorityClass, &structs.PriorityClassCommand{Class: second})
	w.refuse(t, structs.KindInvalid, structs.CmdPriorityClass, &structs.PriorityClassCommand{Class: class("usual", 0)})
	w.refuse(t, structs.KindInvalid, structs.CmdPriorityClass, &structs.PriorityClassCommand{})
	first := w.snap().PriorityClass("usual")
	if d := w.snap().DefaultPriorityClass(); d != first || d.PreemptionPolicy != structs.PreemptLower {
		t.Errorf("the default is %+v", d)
	}
	w.do(t, structs.CmdPriorityClass, &structs.PriorityClassCommand{Class: class("usual", 45), Check: true, Index: first.ModifyIndex})
	if c := w.snap().PriorityClass("usual"); c.Value != 45 || c.CreateIndex != first.CreateIndex || w.snap().DefaultPriorityClass() != nil {
		t.Errorf("changed: %+v", c)
	}
	j := job("web", 1)
	j.PriorityClass = "usual"
	w.do(t, structs.CmdJobRegister, &structs.JobRegisterCommand{Job: j, Eval: eval(1, "web")})
	w.refuse(t, structs.KindConflict, structs.CmdPriorityClassDelete, &structs.NameDeleteCommand{Names: []string{"usual"}})
	w.do(t, structs.CmdPriorityClass, &structs.PriorityClassCommand{Class: class("free", 1)})
	w.do(t, structs.CmdPriorityClassDelete, &structs.NameDeleteCommand{Names: []string{"free"}})
	w.refuse(t, structs.KindNotFound, structs.CmdPriorityClassDelete, &structs.NameDeleteCommand{Names: []string{"free"}})
}

func TestDisruptionBudgets(t *testing.T) {
	w := newWorld()
	budget := func(ns, name string) *structs.DisruptionBudget {
		return &structs.DisruptionBudget{Namespace: ns, Name: name, Job: "db-*", Disruption: structs.Disruption{MinAvailable: "2"}}
	}
	w.do(t, structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "apps"}}})
	w.do(t, structs.CmdDisruptionBudget, &structs.DisruptionBudgetCommand{Budget: budget("default", "quorum"), Check: true})
	w.do(t, structs.CmdDisruptionBudget, &structs.DisruptionBudgetCommand{Budget: budget("apps", "quorum")})
	w.refuse(t, structs.KindConflict, structs.CmdDisruptionBudget, &structs.DisruptionBudgetCommand{Budget: budget("default", "quorum"), Check: true})
	w.refuse(t, structs.KindInvalid, structs.CmdDisruptionBudget, &structs.DisruptionBudgetCommand{Budget: budget("nowhere", "quorum")})
	w.refuse(t, structs.KindInvalid, structs.CmdDisruptionBudget, &structs.DisruptionBudgetCommand{Budget: &structs.DisruptionBudget{Namespace: "default", Name: "q"}})
	w.refuse(t, structs.KindInvalid, structs.CmdDisruptionBudget, &structs.DisruptionBudgetCommand{})

	// They are in snapshots.
	var file bytes.Buffer
	if err := WriteSnapshot(&file, w.snap()); err != nil {
		t.Fatal(err)
	}
	other := New(state.New())
	if err := other.Restore(io.NopCloser(&file)); err != nil {
		t.Fatal(err)
	}
	if b := other.store.Snapshot().DisruptionBudget("apps", "quorum"); b == nil || b.MinAvailable != "2" || other.store.Snapshot().Hash() != w.snap().Hash() {
		t.Errorf("restored: %+v", b)
	}

	w.do(t, structs.CmdNamespaceDelete, &structs.NameDeleteCommand{Names: []string{"apps"}})
	if w.snap().DisruptionBudget("apps", "quorum") != nil {
		t.Error("a budget outlived its namespace")
	}
	w.do(t, structs.CmdDisruptionBudgetDelete, &structs.DisruptionBudgetDeleteCommand{Namespace: "default", Name: "quorum"})
	w.refuse(t, structs.KindNotFound, structs.CmdDisruptionBudgetDelete, &structs.DisruptionBudgetDeleteCommand{Namespace: "default", Name: "quorum"})
}
