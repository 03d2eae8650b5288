package dryrun

import (
	"fmt"
	"strings"
	"testing"

	"berth/internal/idgen"
	"berth/structs"
)

// told is an answer in words: for each job what it lost, where what goes, and what has no node.
func told(a *Answer) string {
	var b strings.Builder
	for _, j := range a.Jobs {
		fmt.Fprintf(&b, "%s lost %d:", j.ID, j.Lost)
		for _, p := range j.Plan.Placements {
			b.WriteString(" " + p.NodeName)
		}
		for _, g := range []string{"g"} {
			if n := j.Unplaced[g]; n > 0 {
				fmt.Fprintf(&b, " unplaced %d", n)
			}
		}
		b.WriteString("; ")
	}
	return strings.TrimSuffix(b.String(), "; ")
}

func TestWhatIf(t *testing.T) {
	w := newTown(t)
	a := w.node("a", 2000, map[string]string{"rack": "r1"})
	b := w.node("b", 1000, map[string]string{"rack": "r2"})
	w.node("c", 1000, map[string]string{"rack": "r2"})
	w.run(jobOf("web", 2, 500, 50), a, a)
	w.run(jobOf("db", 1, 900, 80), b)
	snap := w.store.Snapshot()
	before := snap.Hash()
	for name, c := range map[string]struct {
		q    Question
		want string
	}{
		"a node fails":          {Question{Lose: []string{"a"}}, "web lost 2: c c"},
		"a rack fails":          {Question{Lose: []string{"meta.rack=r2"}}, "db lost 1: a"},
		"two nodes fail":        {Question{Lose: []string{"a", b.ID.String()[:8]}}, "db lost 1: c; web lost 2: unplaced 2"},
		"and others join":       {Question{Lose: []string{"a", "b"}, Add: []Add{{1, ""}}}, "db lost 1: new-1; web lost 2: c c"},
		"a job comes":           {Question{Jobs: []*structs.Job{jobOf("new", 2, 900, 50)}}, "new lost 0: a c"},
		"a job comes too many":  {Question{Jobs: []*structs.Job{jobOf("new", 5, 900, 50)}}, "new lost 0: a c unplaced 3"},
		"a datacenter fails":    {Question{Lose: []string{"dc1"}}, "db lost 1: unplaced 1; web lost 2: unplaced 2"},
		"nothing happens":       {Question{}, ""},
		"what nobody uses goes": {Question{Lose: []string{"c"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := WhatIf(snap, c.q, idgen.Seeded(1), now)
			if err != nil {
				t.Fatal(err)
			}
			if told(got) != c.want {
				t.Errorf("%q, want %q", told(got), c.want)
			}
		})
	}
	for _, q := range []Question{{Lose: []string{"nowhere"}}, {Add: []Add{{1, "big"}}}} {
		if _, err := WhatIf(snap, q, w.ids, now); structs.KindOf(err) != structs.KindNotFound {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if w.store.Snapshot().Hash() != before {
		t.Error("the state changed")
	}
}

func TestRebalance(t *testing.T) {
	w := newTown(t)
	a := w.node("a", 1000, nil)
	b := w.node("b", 1000, nil)
	c := w.node("c", 1000, nil)
	w.run(jobOf("one", 1, 600, 50), a)
	w.run(jobOf("two", 1, 200, 50), b)
	w.run(jobOf("three", 2, 100, 50), c, c)
	moves, more := Rebalance(w.store.Snapshot(), Limits{})
	if more || len(moves) == 0 {
		t.Fatalf("%d moves, more %v", len(moves), more)
	}
	for i, m := range moves {
		if m.ToName == m.FromName || m.Gain < 0.05 || m.After-m.Before != m.Gain || m.AfterParts["binpack"] == 0 {
			t.Errorf("move %d: %+v", i, m)
		}
	}
	if moves[0].ToName != "a" {
		t.Errorf("the fullest node that has room is the best: %+v", moves[0])
	}
	perGroup := map[string]int{}
	for _, m := range moves {
		if perGroup[strings.Split(m.Name, ".")[0]]++; perGroup[strings.Split(m.Name, ".")[0]] > 1 {
			t.Errorf("more of %s move than its budget allows", m.Name)
		}
	}
	if one, _ := Rebalance(w.store.Snapshot(), Limits{Moves: 1}); len(one) != 1 {
		t.Errorf("%d moves, want 1", len(one))
	}
	if none, _ := Rebalance(w.store.Snapshot(), Limits{Gain: 2}); len(none) != 0 {
		t.Errorf("moves that gain 2: %+v", none[0])
	}
}

// What is as good as can be is left alone.
func TestRebalanceLeavesWhatIsWell(t *testing.T) {
	w := newTown(t)
	a := w.node("a", 1000, nil)
	w.node("b", 1000, nil)
	w.run(jobOf("one", 1, 600, 50), a)
	w.run(jobOf("two", 1, 300, 50), a)
	if moves, _ := Rebalance(w.store.Snapshot(), Limits{}); len(moves) != 0 {
		t.Errorf("%+v", moves[0])
	}
}
