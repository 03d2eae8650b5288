package state

import (
	"strings"

	"berth/state/sorted"
	"berth/structs"
)

// namespaceKey is a namespace's part of a table.
type namespaceKey struct {
	table Table
	ns    string
}

func compareNamespaceKey(a, b namespaceKey) int {
	if a.table != b.table {
		return int(a.table) - int(b.table)
	}
	return strings.Compare(a.ns, b.ns)
}

// namespaceIndex is when a namespace's part of a table last changed.
type namespaceIndex struct {
	key   namespaceKey
	index uint64
}

// namespaceOf is the namespace of an object; false for those that belong to none.
func namespaceOf(object any) (string, bool) {
	switch v := object.(type) {
	case *structs.Job:
		return v.Namespace, true
	case *structs.JobSummary:
		return v.Namespace, true
	case *structs.Allocation:
		return v.Namespace, true
	case *structs.Evaluation:
		return v.Namespace, true
	case *structs.Deployment:
		return v.Namespace, true
	case *structs.DisruptionBudget:
		return v.Namespace, true
	}
	return "", false
}

// noteNamespaces remembers which namespaces' parts of tables changes touch, and gives those. The version is not published yet. An object
// that came and went within the transaction counts as well.
func (r *root) noteNamespaces(changes []Write) []namespaceKey {
	var touched []namespaceKey
	var pen *sorted.Edit
	var last namespaceKey
	for _, c := range changes {
		object := c.After
		if object == nil {
			object = c.Before
		}
		ns, ok := namespaceOf(object)
		key := namespaceKey{c.Table, ns}
		if !ok || key == last { // most changes are of one namespace
			continue
		}
		last = key
		if had, there := r.inNamespace.Get(key); there && had.index == r.index {
			continue
		}
		if pen == nil {
			pen = new(sorted.Edit)
		}
		r.inNamespace.Set(pen, &namespaceIndex{key, r.index})
		touched = append(touched, key)
	}
	return touched
}

// NamespaceIndex is the log index that last changed a namespace's part of a table. After a restore it is that of the table until the
// part changes again. It never falls.
func (rd reader) NamespaceIndex(t Table, ns string) uint64 {
	if had, there := rd.r.inNamespace.Get(namespaceKey{t, ns}); there {
		return had.index
	}
	return rd.r.restored[t]
}

// NamespaceTableW watches a namespace's part of a table.
func (s *Snapshot) NamespaceTableW(t Table, ns string) <-chan struct{} {
	return s.watch(watchKey{table: t, by: byNamespace, ns: ns}, func(then, now *root) bool {
		return reader{r: then}.NamespaceIndex(t, ns) == reader{r: now}.NamespaceIndex(t, ns)
	})
}

// TableW watches a whole table.
func (s *Snapshot) TableW(t Table) <-chan struct{} { return s.table(t) }
