package sim

import "sort"

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
