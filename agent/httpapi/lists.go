package httpapi

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"berth/state"
	"berth/structs"
)

// watched begins the answer of a list: the index and the watches of the tables it is of, at most three; of the namespace's part of them, or
// of all for "*". What is written elsewhere neither wakes it nor changes its index.
func watched(s *state.Snapshot, namespace string, tables ...state.Table) answer {
	a := answer{index: 1} // of a part nothing was written to
	for i, t := range tables {
		index, changed := s.NamespaceIndex(t, namespace), (<-chan struct{})(nil)
		if namespace == anyNamespace {
			index, changed = s.TableIndex(t), s.TableW(t)
		} else {
			changed = s.NamespaceTableW(t, namespace)
		}
		a.index = max(a.index, index)
		*[]*<-chan struct{}{&a.changed, &a.also, &a.third}[i] = changed
	}
	return a
}

// of gives the answer its value.
func (a answer) of(value any, err error) (answer, error) {
	a.value = value
	return a, err
}

// byCreation orders what is created by an entry of the log: by its index, then by id.
type byCreation[T any] struct {
	index func(T) uint64
	id    func(T) structs.ID
}

// sort gives the items that are kept in their order.
func (b byCreation[T]) sort(items iter.Seq[T], keep func(T) bool) iter.Seq[T] {
	var kept []T
	for v := range items {
		if keep(v) {
			kept = append(kept, v)
		}
	}
	slices.SortFunc(kept, func(x, y T) int { return cmp.Or(cmp.Compare(b.index(x), b.index(y)), b.id(x).Compare(b.id(y))) })
	return slices.Values(kept)
}

// key is the place of an item, as tokens name it.
func (b byCreation[T]) key(v T) string { return fmt.Sprintf("%d.%s", b.index(v), b.id(v)) }

// comparePlaces compares keys of byCreation. What is none comes first.
func comparePlaces(a, b string) int {
	ai, aid, _ := strings.Cut(a, ".")
	bi, bid, _ := strings.Cut(b, ".")
	an, _ := strconv.ParseUint(ai, 10, 64) // 0 of nonsense
	bn, _ := strconv.ParseUint(bi, 10, 64)
	return cmp.Or(cmp.Compare(an, bn), strings.Compare(aid, bid))
}

var evalsByCreation = byCreation[*structs.Evaluation]{func(e *structs.Evaluation) uint64 { return e.CreateIndex }, func(e *structs.Evaluation) structs.ID { return e.ID }}

var deploymentsByCreation = byCreation[*structs.Deployment]{func(d *structs.Deployment) uint64 { return d.CreateIndex },
	func(d *structs.Deployment) structs.ID { return d.ID }}
