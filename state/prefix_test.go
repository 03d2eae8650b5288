package state

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"berth/structs"
)

// What begins so is found, and nothing else, in the order of ids.
func TestIDsAreFoundByTheirBeginning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st := New()
		txn := st.Begin(1)
		var all []string
		for range rapid.IntRange(0, 40).Draw(t, "nodes") {
			id := structs.ID{byte(rapid.IntRange(0, 3).Draw(t, "first") << 4), byte(rapid.IntRange(0, 255).Draw(t, "second")), 15: byte(rapid.IntRange(0, 9).Draw(t, "last"))}
			if id.IsZero() || txn.Node(id) != nil {
				continue
			}
			txn.PutNode(&structs.Node{ID: id})
			txn.PutJob(&structs.Job{ID: id.String(), Namespace: "default"})
			all = append(all, id.String())
		}
		txn.PutJob(&structs.Job{ID: "10", Namespace: "e"})
		txn.Commit()
		slices.Sort(all)
		prefix := rapid.StringMatching(`[0-3][0-9a-fA-F]{0,3}|[0-9a-f]{8}-?|zz|[0-9a-f]{37}`).Draw(t, "prefix")
		want := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return !strings.HasPrefix(id, strings.ToLower(prefix)) })
		var got []string
		for n := range st.Snapshot().NodesWith(prefix) {
			got = append(got, n.ID.String())
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: %v, want %v", prefix, got, want)
		}
		got = nil
		for j := range st.Snapshot().JobsWith("default", strings.ToLower(prefix)) {
			got = append(got, j.ID)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("jobs %q: %v, want %v", prefix, got, want)
		}
	})
}
