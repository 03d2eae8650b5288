package fleet

import (
	"cmp"
	"slices"
	"strings"

	"berth/structs"
)

// countTaints notes that a node's taints came (1) or went (-1).
func (f *Fleet) countTaints(n *structs.Node, by int) {
	if n == nil || len(n.Taints) == 0 {
		return
	}
	for _, t := range n.Taints {
		key := structs.Taint{Key: t.Key, Value: t.Value, Effect: t.Effect}
		if f.taints[key] += by; f.taints[key] == 0 {
			delete(f.taints, key)
		}
	}
	f.tainted = nil
}

// Taints are the different taints of all nodes, sorted, without source and time. Do not change them.
func (f *Fleet) Taints() []*structs.Taint {
	if f.tainted == nil && len(f.taints) > 0 {
		for t := range f.taints {
			f.tainted = append(f.tainted, &t)
		}
		slices.SortFunc(f.tainted, func(a, b *structs.Taint) int {
			return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Value, b.Value), strings.Compare(a.Effect, b.Effect))
		})
	}
	return f.tainted
}

// HasTaint reports that the node has a taint of that key, value and effect.
func HasTaint(n *structs.Node, t *structs.Taint) bool {
	return slices.ContainsFunc(n.Taints, func(o *structs.Taint) bool {
		return o.Key == t.Key && o.Value == t.Value && o.Effect == t.Effect
	})
}
