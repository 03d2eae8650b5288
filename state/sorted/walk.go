package sorted

import "iter"

// All are the values in the order of their keys.
func (t Tree[K, V]) All() iter.Seq[V] {
	return func(yield func(V) bool) { t.root.each(yield) }
}

func (n *node[K, V]) each(yield func(V) bool) bool {
	if n == nil {
		return true
	}
	for _, v := range n.vals {
		if !yield(v) {
			return false
		}
	}
	for _, k := range n.kids {
		if !k.each(yield) {
			return false
		}
	}
	return true
}

// From are the values whose key is not below the given one, in order.
func (t Tree[K, V]) From(key K) iter.Seq[V] {
	return func(yield func(V) bool) {
		if t.root != nil {
			t.from(t.root, key, yield)
		}
	}
}

func (t *Tree[K, V]) from(n *node[K, V], key K, yield func(V) bool) bool {
	if n.kids == nil {
		i, _ := t.find(n, key)
		for _, v := range n.vals[i:] {
			if !yield(v) {
				return false
			}
		}
		return true
	}
	i := t.child(n, key)
	if !t.from(n.kids[i], key, yield) {
		return false
	}
	for _, k := range n.kids[i+1:] {
		if !k.each(yield) {
			return false
		}
	}
	return true
}

// Range are the values from the key on for as long as in says so.
func (t Tree[K, V]) Range(from K, in func(V) bool) iter.Seq[V] {
	return func(yield func(V) bool) {
		if t.root == nil {
			return
		}
		t.from(t.root, from, func(v V) bool { return in(v) && yield(v) })
	}
}

// Same reports that both are the same version, so that nothing can differ.
func (t Tree[K, V]) Same(o Tree[K, V]) bool { return t.root == o.root }
