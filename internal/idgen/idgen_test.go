package idgen_test

import (
	"testing"

	"pgregory.net/rapid"

	"berth/internal/idgen"
	"berth/structs"
)

func TestIDsAreNewAndValid(t *testing.T) {
	for name, src := range map[string]idgen.Source{"random": idgen.Random(), "seeded": idgen.Seeded(1)} {
		seen := map[structs.ID]bool{}
		for range 10_000 {
			id := src.NewID()
			if seen[id] || id.IsZero() {
				t.Fatalf("%s: %v was made before", name, id)
			}
			seen[id] = true
			text := id.String()
			if back, err := structs.ParseID(text); err != nil || back != id || text[14] != '4' {
				t.Fatalf("%s: %q is not a version 4 UUID: %v", name, text, err)
			}
		}
	}
}

func TestSeedDecidesIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		a, b := idgen.Seeded(seed), idgen.Seeded(seed)
		for range 10 {
			if x, y := a.NewID(), b.NewID(); x != y {
				t.Fatalf("equal seeds gave %v and %v", x, y)
			}
		}
		// A child does not depend on what its parent has made, and differs from its siblings.
		if x, y := a.Child("x").NewID(), idgen.Seeded(seed).Child("x").NewID(); x != y {
			t.Fatalf("a child shifted with its parent: %v, %v", x, y)
		}
		if a.Child("x").NewID() == a.Child("y").NewID() {
			t.Fatal("children of different names made the same id")
		}
	})
}
