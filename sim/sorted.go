package sim

import (
	"iter"
	"slices"
	"sort"
)

// sortedBy lists a map's values in the order of a text made of their keys.
func sortedBy[K comparable, V any](m map[K]V, text func(K) string) []V {
	type row struct {
		key   string
		value V
	}
	rows := make([]row, 0, len(m))
	for k, v := range m {
		rows = append(rows, row{text(k), v})
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].key < rows[j].key })
	out := make([]V, len(rows))
	for i, r := range rows {
		out[i] = r.value
	}
	return out
}

// sortedKeys lists a set's keys in the order of a text made of them.
func sortedKeys[K comparable](m map[K]bool, text func(K) string) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return text(keys[i]) < text(keys[j]) })
	return keys
}

// collect makes a slice of a sequence.
func collect[T any](seq iter.Seq[T]) []T { return slices.Collect(seq) }
