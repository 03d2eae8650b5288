package sorted

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type pair struct{ key, val int }

func order() *Order[int, *pair] {
	return &Order[int, *pair]{Key: func(p *pair) int { return p.key }, Compare: cmp.Compare[int]}
}

func check(t *rapid.T, tree Tree[int, *pair], want map[int]int) {
	keys := []int{}
	for k := range want {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	got := []int{}
	for p := range tree.All() {
		got = append(got, p.key)
		if want[p.key] != p.val {
			t.Fatalf("key %d holds %d, want %d", p.key, p.val, want[p.key])
		}
	}
	if !slices.Equal(got, keys) || tree.Len() != len(keys) {
		t.Fatalf("%d values %v, want %v", tree.Len(), got, keys)
	}
	if tree.root != nil {
		depth(t, tree.root, true)
	}
}

// depth checks the shape and gives the depth of the leaves.
func depth(t *rapid.T, n *node[int, *pair], root bool) int {
	if n.count() == 0 || n.count() > nodeMax {
		t.Fatalf("a node of %d", n.count())
	}
	if n.kids == nil {
		return 0
	}
	for i, low := range n.low.key {
		if low != 0 && i >= len(n.kids) {
			t.Fatalf("bound %d of a node with %d children: %v", i, len(n.kids), low)
		}
	}
	d := -1
	for i, k := range n.kids {
		kd := depth(t, k, false)
		if d >= 0 && kd != d {
			t.Fatalf("leaves at depths %d and %d", d, kd)
		}
		d = kd
		k.each(func(p *pair) bool {
			if i > 0 && p.key < n.low.key[i] || i+1 < len(n.kids) && p.key >= n.low.key[i+1] {
				t.Fatalf("key %d in child %d of bounds %v", p.key, i, n.low.key)
			}
			return true
		})
	}
	return d + 1
}

func TestTreeIsAMapWhoseOldVersionsStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type version struct {
			tree Tree[int, *pair]
			want map[int]int
		}
		span := rapid.SampledFrom([]int{8, 100, 3000}).Draw(t, "span")
		tree, want, edit := New(order()), map[int]int{}, new(Edit)
		var versions []version
		next := 0
		for step := range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "op") {
			case 0:
				versions = append(versions, version{tree, clone(want)})
				edit = new(Edit)
			case 1: // in order
				for range rapid.IntRange(1, 200).Draw(t, "n") {
					next++
					put(t, &tree, edit, want, span+next, step)
				}
			case 2, 3:
				for range rapid.IntRange(1, 100).Draw(t, "n") {
					put(t, &tree, edit, want, rapid.IntRange(0, span).Draw(t, "k"), step)
				}
			default:
				keys := []int{}
				for p := range tree.All() {
					keys = append(keys, p.key)
				}
				from, n := rapid.IntRange(0, max(len(keys)-1, 0)).Draw(t, "from"), rapid.IntRange(0, 300).Draw(t, "n")
				for _, k := range keys[from:min(from+n, len(keys))] {
					if old, had := tree.Delete(edit, k); !had || old.val != want[k] {
						t.Fatalf("deleting %d gave %v", k, old)
					}
					delete(want, k)
				}
				if _, had := tree.Delete(edit, -1); had {
					t.Fatal("deleted what is not there")
				}
			}
			check(t, tree, want)
		}
		for _, v := range versions {
			check(t, v.tree, v.want)
			diffIs(t, v.tree, tree, v.want, want)
			diffIs(t, tree, v.tree, want, v.want)
			from := rapid.IntRange(0, span).Draw(t, "from")
			for p := range v.tree.From(from) {
				if p.key < from {
					t.Fatalf("%d is below %d", p.key, from)
				}
				delete(v.want, p.key)
			}
			for k := range v.want {
				if k >= from {
					t.Fatalf("%d was left out from %d", k, from)
				}
			}
		}
	})
}

func put(t *rapid.T, tree *Tree[int, *pair], e *Edit, want map[int]int, k, v int) {
	before, was := want[k]
	old, had := tree.Set(e, &pair{k, v})
	if had != was || had && old.val != before {
		t.Fatalf("setting %d gave %v %v, want %v %v", k, old, had, before, was)
	}
	want[k] = v
	if got, ok := tree.Get(k); !ok || got.val != v {
		t.Fatalf("%d is %v", k, got)
	}
}

func clone(m map[int]int) map[int]int {
	c := map[int]int{}
	for k, v := range m {
		c[k] = v
	}
	return c
}

func diffIs(t *rapid.T, a, b Tree[int, *pair], from, to map[int]int) {
	got := clone(from)
	last := -1
	Diff(a, b, func(x, y *pair) bool { return x == y }, func(before, after *pair, had, has bool) bool {
		key := 0
		if has {
			key = after.key
			got[key] = after.val
		} else {
			key = before.key
			delete(got, key)
		}
		if key <= last {
			t.Fatalf("key %d after %d", key, last)
		}
		last = key
		return true
	})
	if len(got) != len(to) {
		t.Fatalf("applying the difference gives %d values, want %d", len(got), len(to))
	}
	for k, v := range to {
		if got[k] != v {
			t.Fatalf("key %d is %d, want %d", k, got[k], v)
		}
	}
}

func TestDiffLooksOnlyAtWhatChanged(t *testing.T) {
	compares := 0
	o := order()
	o.Compare = func(a, b int) int { compares++; return cmp.Compare(a, b) }
	tree, e := New(o), new(Edit)
	for i := range 100000 {
		tree.Set(e, &pair{i * 7919 % 100000, i})
	}
	old := tree
	e = new(Edit)
	for i := range 10 {
		tree.Set(e, &pair{i * 9973, -1})
	}
	tree.Delete(e, 5000)
	compares = 0
	n := 0
	Diff(old, tree, func(x, y *pair) bool { return x == y }, func(_, _ *pair, _, _ bool) bool { n++; return true })
	if n != 11 || compares > 3000 {
		t.Fatalf("%d changes after %d comparisons", n, compares)
	}
}

func BenchmarkGet(b *testing.B) {
	tree, e := New(order()), new(Edit)
	for i := range 100000 {
		tree.Set(e, &pair{i * 7919 % 100000, i})
	}
	for i := 0; b.Loop(); i++ {
		tree.Get(i % 100000)
	}
}
