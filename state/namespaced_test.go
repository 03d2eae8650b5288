package state

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"berth/structs"
)

// TestAPartOfATableChangesAlone holds the indexes and watches of namespaces' parts against a model, over writes, removals, rollbacks and a
// restore.
func TestAPartOfATableChangesAlone(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := New()
		names := []string{"default", "apps", "ops"}
		at := map[string]uint64{} // by namespace
		index := uint64(0)
		there := map[structs.ID]string{}
		for range rapid.IntRange(1, 25).Draw(r, "steps") {
			index++
			before := s.Snapshot()
			watch := map[string]<-chan struct{}{}
			for _, ns := range names {
				watch[ns] = before.NamespaceTableW(TableEvals, ns)
			}
			if rapid.IntRange(0, 15).Draw(r, "restore") == 0 {
				var tables [TableCount]uint64
				tables[TableEvals] = before.TableIndex(TableEvals)
				txn := s.BeginRestore(index, tables)
				for e := range before.Evals() {
					own := *e
					txn.PutEval(&own)
				}
				txn.Commit()
				for _, ns := range names {
					at[ns] = tables[TableEvals]
					if !isClosed(watch[ns]) {
						r.Fatalf("a restore does not wake %s", ns)
					}
				}
				continue
			}
			touched := map[string]bool{}
			txn := s.Begin(index)
			save := txn.Savepoint()
			change := func(really bool) {
				for range rapid.IntRange(0, 4).Draw(r, "writes") {
					n := id(byte(rapid.IntRange(1, 9).Draw(r, "id")))
					ns, had := there[n]
					if !had {
						ns = rapid.SampledFrom(names).Draw(r, "ns")
					}
					if had && rapid.Bool().Draw(r, "remove") {
						txn.DeleteEval(n)
						if really {
							delete(there, n)
						}
					} else {
						txn.PutEval(&structs.Evaluation{ID: n, Namespace: ns, JobID: "j"})
						if really {
							there[n] = ns
						}
					}
					if !really {
						return // the model knows nothing of a second write
					}
					touched[ns] = true
				}
			}
			change(false)
			txn.Rollback(save)
			change(true)
			txn.Commit()
			now := s.Snapshot()
			for _, ns := range names {
				if touched[ns] {
					at[ns] = index
				}
				if isClosed(watch[ns]) != touched[ns] {
					r.Fatalf("%s: woken %v, touched %v", ns, isClosed(watch[ns]), touched[ns])
				}
				if got := now.NamespaceIndex(TableEvals, ns); got != at[ns] {
					r.Fatalf("%s: index %d, want %d", ns, got, at[ns])
				}
				if old := before.NamespaceTableW(TableEvals, ns); isClosed(old) != touched[ns] {
					r.Fatalf("%s: an old snapshot's watch is closed: %v, touched %v", ns, isClosed(old), touched[ns])
				}
			}
		}
	})
}

func BenchmarkNoteNamespaces(b *testing.B) {
	r := newRoot()
	var changes []Write
	for i := range 1000 {
		changes = append(changes, Write{Table: TableAllocs, After: &structs.Allocation{ID: id(byte(i)), Namespace: "default", JobID: fmt.Sprint(i)}})
	}
	b.ReportAllocs()
	for b.Loop() {
		r.index++
		r.noteNamespaces(changes)
	}
}
