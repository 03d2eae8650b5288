package replicate

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"berth/structs"
)

// happen does something to a region, as users do. What it refuses is not done.
func happen(t *rapid.T, g *region, label string) {
	pick := func(what string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label+what) }
	num := func(what string) int { return rapid.IntRange(1, 4).Draw(t, label+what) }
	names := func(what string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"p1", "p2", "p3", "gone"}), 0, 3, func(s string) string { return s }).Draw(t, label+what)
	}
	switch rapid.IntRange(0, 11).Draw(t, label) {
	case 0, 1:
		_ = g.try(structs.CmdACLPolicyUpsert, policy(pick("policy", "p1", "p2", "p3"), pick("rules", "a", "b")))
	case 2:
		_ = g.try(structs.CmdACLPolicyDelete, &structs.NameDeleteCommand{Names: []string{pick("policy", "p1", "p2", "p3")}})
	case 3, 4:
		_ = g.try(structs.CmdACLRoleUpsert, role(num("role"), pick("name", "x", "y", "z"), pick("policy", "p1", "p2", "p3")))
	case 5:
		_ = g.try(structs.CmdACLRoleDelete, &structs.ACLRoleDeleteCommand{IDs: []structs.ID{id('r', num("role"))}})
	case 6, 7:
		var roles []int
		if rapid.Bool().Draw(t, label+"with role") {
			roles = []int{num("role")}
		}
		_ = g.try(structs.CmdACLTokenUpsert, token(num("token"), num("born"), rapid.Bool().Draw(t, label+"global"), names("policies"), roles...))
	case 8:
		_ = g.try(structs.CmdACLTokenDelete, &structs.ACLTokenDeleteCommand{IDs: []structs.ID{id('t', num("token"))}})
	case 9:
		_ = g.try(structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: pick("name", "default", "a", "b"), Description: pick("text", "", "1"),
			Meta: map[string]string{"k": pick("value", "1", "2")}}}})
	case 10:
		_ = g.try(structs.CmdNodePoolUpsert, &structs.NodePoolUpsertCommand{Pools: []*structs.NodePool{{Name: pick("name", "default", "a", "b"), Description: pick("text", "", "1")}}})
	case 11:
		_ = g.try(structs.CmdNamespaceDelete, &structs.NameDeleteCommand{Names: []string{pick("name", "a", "b")}})
	}
}

// Whatever two regions were before: after one look the one that follows has what the other has, and what is its own as it was; and a second
// look finds nothing to do.
func TestAfterALookARegionHasWhatTheOtherHas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := newRegion("a"), newRegion("b")
		for i := range rapid.IntRange(0, 25).Draw(t, "in a") {
			happen(t, a, fmt.Sprint("a", i))
		}
		for i := range rapid.IntRange(0, 25).Draw(t, "in b") {
			happen(t, b, fmt.Sprint("b", i))
		}
		want, own := picture(a), picture(b)
		maps.DeleteFunc(want, func(k, _ string) bool { return strings.HasPrefix(k, "token false") })
		aside := 0 // global tokens of a whose accessor a token of b alone has
		for k, v := range own {
			if of, local := strings.CutPrefix(k, "token false"); local {
				if _, there := want["token true"+of]; there {
					delete(want, "token true"+of)
					aside++
				}
				want[k] = v
			}
		}
		r := follower(b, a, "a", nil)
		look := func() int {
			have, err := r.read(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			n, err := r.apply(context.Background(), &have.world)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := look(); n > aside {
			t.Fatalf("%d are aside, not %d: %v", n, aside, r.Status().Aside)
		}
		got := picture(b)
		for _, builtin := range []string{"namespace default", "pool default", "pool all"} { // each region has its own where the other has none
			if want[builtin] == "" {
				delete(got, builtin)
				delete(want, builtin)
			}
		}
		if !maps.Equal(got, want) {
			t.Fatalf("it has\n%v\nwant\n%v", got, want)
		}
		done := b.proposed
		look()
		if b.proposed != done {
			t.Fatalf("a second look proposed %d more", b.proposed-done)
		}
	})
}
