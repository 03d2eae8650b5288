package sorted

// nodeMax is how many values a leaf, or children an inner node, holds at most.
const nodeMax = 32

// Order is how values of a tree are keyed and compared. Trees of one kind share one Order.
type Order[K, V any] struct {
	Key     func(V) K
	Compare func(a, b K) int
}

// Edit is the right to change the nodes made under it in place. Make one with new(Edit) for each transaction, and another
// one whenever the tree as it is must not change any more.
type Edit struct{ _ byte }

// Tree is one version of a sorted map. The zero Tree has no order and cannot be searched; see New.
type Tree[K, V any] struct {
	order *Order[K, V]
	root  *node[K, V]
	size  int
}

// node is a leaf (kids nil) or an inner node. low[i] is not above any key in kids[i], and above every key in kids[i-1];
// low[0] says nothing.
type node[K, V any] struct {
	edit *Edit
	vals []V
	kids []*node[K, V]
	low  []K
}

// New is an empty tree.
func New[K, V any](order *Order[K, V]) Tree[K, V] { return Tree[K, V]{order: order} }

// Len is the number of values.
func (t *Tree[K, V]) Len() int { return t.size }

// Get finds the value with the key.
func (t *Tree[K, V]) Get(key K) (v V, ok bool) {
	n := t.root
	if n == nil {
		return v, false
	}
	for n.kids != nil {
		n = n.kids[t.child(n, key)]
	}
	if i, found := t.find(n, key); found {
		return n.vals[i], true
	}
	return v, false
}

// child is which child the key belongs to.
func (t *Tree[K, V]) child(n *node[K, V], key K) int {
	lo, hi := 1, len(n.kids)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if t.order.Compare(n.low[mid], key) <= 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo - 1
}

// find is where the key is in a leaf, or should be.
func (t *Tree[K, V]) find(n *node[K, V], key K) (int, bool) {
	lo, hi := 0, len(n.vals)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch c := t.order.Compare(t.order.Key(n.vals[mid]), key); {
		case c == 0:
			return mid, true
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return lo, false
}

// own is the node if the edit made it, else a copy that it made.
func (n *node[K, V]) own(e *Edit) *node[K, V] {
	if n.edit == e {
		return n
	}
	c := &node[K, V]{edit: e}
	if n.kids == nil {
		c.vals = append(make([]V, 0, len(n.vals)+1), n.vals...)
		return c
	}
	c.kids = append(make([]*node[K, V], 0, len(n.kids)+1), n.kids...)
	c.low = append(make([]K, 0, len(n.low)+1), n.low...)
	return c
}

// Set puts a value under its key and gives the value that was there.
func (t *Tree[K, V]) Set(e *Edit, v V) (old V, had bool) {
	key := t.order.Key(v)
	if t.root == nil {
		t.root = &node[K, V]{edit: e, vals: []V{v}}
		t.size = 1
		return old, false
	}
	root := t.root.own(e)
	old, had, right, low := t.set(root, e, key, v)
	t.root = root
	if right != nil {
		var none K
		t.root = &node[K, V]{edit: e, kids: []*node[K, V]{root, right}, low: []K{none, low}}
	}
	if !had {
		t.size++
	}
	return old, had
}

// set changes an owned node; right is its new neighbour when it had to be split, low the least key of that.
func (t *Tree[K, V]) set(n *node[K, V], e *Edit, key K, v V) (old V, had bool, right *node[K, V], low K) {
	if n.kids == nil {
		i, found := t.find(n, key)
		if found {
			old, n.vals[i] = n.vals[i], v
			return old, true, nil, low
		}
		n.vals = insert(n.vals, i, v)
		if len(n.vals) > nodeMax {
			at := splitAt(i, len(n.vals))
			right = &node[K, V]{edit: e, vals: append([]V(nil), n.vals[at:]...)}
			n.vals = cut(n.vals, at)
			low = t.order.Key(right.vals[0])
		}
		return old, false, right, low
	}
	i := t.child(n, key)
	kid := n.kids[i].own(e)
	n.kids[i] = kid
	old, had, more, moreLow := t.set(kid, e, key, v)
	if more == nil {
		return old, had, nil, low
	}
	n.kids = insert(n.kids, i+1, more)
	n.low = insert(n.low, i+1, moreLow)
	if len(n.kids) > nodeMax {
		at := splitAt(i+1, len(n.kids))
		right = &node[K, V]{edit: e, kids: append([]*node[K, V](nil), n.kids[at:]...), low: append([]K(nil), n.low[at:]...)}
		low = right.low[0]
		n.kids, n.low = cut(n.kids, at), cut(n.low, at)
	}
	return old, had, right, low
}

// splitAt is the middle, or nearly the end when values are appended in order, so that nodes filled in order stay full.
func splitAt(inserted, n int) int {
	if inserted == n-1 {
		return n - 1
	}
	return n / 2
}

// Delete takes out the value with the key and gives it.
func (t *Tree[K, V]) Delete(e *Edit, key K) (old V, had bool) {
	if _, ok := t.Get(key); !ok {
		return old, false
	}
	root := t.root.own(e)
	old = t.remove(root, e, key)
	for len(root.kids) == 1 {
		root = root.kids[0]
	}
	if root.count() == 0 {
		root = nil
	}
	t.root = root
	t.size--
	return old, true
}

// remove takes the key, which is there, out of an owned node.
func (t *Tree[K, V]) remove(n *node[K, V], e *Edit, key K) (old V) {
	if n.kids == nil {
		i, _ := t.find(n, key)
		old = n.vals[i]
		n.vals = removeAt(n.vals, i)
		return old
	}
	i := t.child(n, key)
	kid := n.kids[i].own(e)
	n.kids[i] = kid
	old = t.remove(kid, e, key)
	if kid.count() >= nodeMax/4 {
		return old
	}
	if kid.count() == 0 {
		n.kids, n.low = removeAt(n.kids, i), removeAt(n.low, i)
		return old
	}
	if i > 0 && n.kids[i-1].count()+kid.count() <= nodeMax*3/4 {
		n.join(e, i-1)
	} else if i+1 < len(n.kids) && n.kids[i+1].count()+kid.count() <= nodeMax*3/4 {
		n.join(e, i)
	}
	return old
}

func (n *node[K, V]) count() int { return max(len(n.vals), len(n.kids)) }

// join puts child i+1 into child i.
func (n *node[K, V]) join(e *Edit, i int) {
	left, right := n.kids[i].own(e), n.kids[i+1]
	if left.kids == nil {
		left.vals = append(left.vals, right.vals...)
	} else {
		left.kids = append(left.kids, right.kids...)
		at := len(left.low)
		left.low = append(left.low, right.low...)
		left.low[at] = n.low[i+1]
	}
	n.kids[i] = left
	n.kids, n.low = removeAt(n.kids, i+1), removeAt(n.low, i+1)
}

func insert[T any](s []T, i int, v T) []T {
	var zero T
	s = append(s, zero)
	copy(s[i+1:], s[i:])
	s[i] = v
	return s
}

func removeAt[T any](s []T, i int) []T {
	var zero T
	copy(s[i:], s[i+1:])
	s[len(s)-1] = zero
	return s[:len(s)-1]
}

// cut shortens a slice and forgets what was behind.
func cut[T any](s []T, n int) []T {
	clear(s[n:])
	return s[:n]
}
