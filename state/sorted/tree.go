package sorted

// nodeMax is how many values a leaf, or children an inner node, holds at most. With so many either fills the memory Go gives for it,
// 288 bytes, when values are pointers.
const nodeMax = 28

// Rooms of leaves that are not full: the one leaf of a small tree has no more than it needs. They fill 80, 112 and 176 bytes.
const (
	roomFew  = 2
	roomSome = 6
	roomHalf = 14
)

// Order is how values of a tree are keyed and compared. Trees of one kind share one Order.
type Order[K, V any] struct {
	Key     func(V) K
	Compare func(a, b K) int
	// At compares a value's key with another: Compare(Key(v), key), without making the key.
	At func(v V, key K) int
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
	low  *bounds[K] // nil in a leaf
}

// bounds are the least keys of an inner node's children. The copies of a node share them until they change, which is seldom.
type bounds[K any] struct {
	edit *Edit // who made them, for one node
	key  [nodeMax]K
}

// newLeaf is an empty leaf with room for n values or more.
func newLeaf[K, V any](e *Edit, n int) *node[K, V] {
	switch {
	case n <= roomFew:
		b := &struct {
			node[K, V]
			vals [roomFew]V
		}{}
		b.node.edit, b.node.vals = e, b.vals[:0]
		return &b.node
	case n <= roomSome:
		b := &struct {
			node[K, V]
			vals [roomSome]V
		}{}
		b.node.edit, b.node.vals = e, b.vals[:0]
		return &b.node
	case n <= roomHalf:
		b := &struct {
			node[K, V]
			vals [roomHalf]V
		}{}
		b.node.edit, b.node.vals = e, b.vals[:0]
		return &b.node
	}
	b := &struct {
		node[K, V]
		vals [nodeMax]V
	}{}
	b.node.edit, b.node.vals = e, b.vals[:0]
	return &b.node
}

// newInner is an empty node for children.
func newInner[K, V any](e *Edit, low *bounds[K]) *node[K, V] {
	b := &struct {
		node[K, V]
		kids [nodeMax]*node[K, V]
	}{}
	b.node.edit, b.node.kids, b.node.low = e, b.kids[:0], low
	return &b.node
}

// bounds are the keys of an owned inner node, to be changed.
func (n *node[K, V]) bounds() *[nodeMax]K {
	if n.low.edit != n.edit {
		n.low = &bounds[K]{n.edit, n.low.key}
	}
	return &n.low.key
}

// New is an empty tree. An order without At gets one.
func New[K, V any](order *Order[K, V]) Tree[K, V] {
	if order.At == nil {
		order.At = func(v V, key K) int { return order.Compare(order.Key(v), key) }
	}
	return Tree[K, V]{order: order}
}

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
	lo, hi, compare := 1, len(n.kids), t.order.Compare
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if compare(n.low.key[mid], key) <= 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo - 1
}

// find is where the key is in a leaf, or should be.
func (t *Tree[K, V]) find(n *node[K, V], key K) (int, bool) {
	lo, hi, at := 0, len(n.vals), t.order.At
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch c := at(n.vals[mid], key); {
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
	if n.kids == nil {
		c := newLeaf[K, V](e, len(n.vals)+1)
		c.vals = append(c.vals, n.vals...)
		return c
	}
	c := newInner[K, V](e, n.low)
	c.kids = append(c.kids, n.kids...)
	return c
}

// Set puts a value under its key and gives the value that was there.
func (t *Tree[K, V]) Set(e *Edit, v V) (old V, had bool) {
	key := t.order.Key(v)
	if t.root == nil {
		t.root = newLeaf[K, V](e, 1)
		t.root.vals = append(t.root.vals, v)
		t.size = 1
		return old, false
	}
	root := t.root.own(e)
	old, had, right, low := t.set(root, e, key, v)
	t.root = root
	if right != nil {
		t.root = newInner[K, V](e, &bounds[K]{edit: e})
		t.root.kids = append(t.root.kids, root, right)
		t.root.low.key[1] = low
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
		if right = n.addValue(e, i, v); right != nil {
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
	right = n.addChild(e, i+1, more, moreLow)
	if right != nil {
		low = right.low.key[0]
	}
	return old, had, right, low
}

// addValue puts a value at a place of an owned leaf; right is its new neighbour when it was full.
func (n *node[K, V]) addValue(e *Edit, i int, v V) (right *node[K, V]) {
	if len(n.vals) < nodeMax {
		if len(n.vals) == cap(n.vals) { // a small leaf that several values were put into
			n.vals = append(newLeaf[K, V](e, len(n.vals)+1).vals, n.vals...)
		}
		n.vals = insert(n.vals, i, v)
		return nil
	}
	right = newLeaf[K, V](e, nodeMax)
	at := splitAt(i)
	right.vals = append(right.vals, n.vals[at:]...)
	n.vals = cut(n.vals, at)
	if i <= at && at < nodeMax {
		n.vals = insert(n.vals, i, v)
	} else {
		right.vals = insert(right.vals, i-at, v)
	}
	return right
}

// addChild puts a child and its least key at a place of an owned inner node; right is its new neighbour when it was full.
func (n *node[K, V]) addChild(e *Edit, i int, kid *node[K, V], low K) (right *node[K, V]) {
	if len(n.kids) < nodeMax {
		n.insertChild(i, kid, low)
		return nil
	}
	right = newInner[K, V](e, &bounds[K]{edit: e})
	at := splitAt(i)
	right.kids = append(right.kids, n.kids[at:]...)
	copy(right.low.key[:], n.low.key[at:])
	n.kids = cut(n.kids, at)
	clear(n.bounds()[at:])
	if i <= at && at < nodeMax {
		n.insertChild(i, kid, low)
	} else {
		right.insertChild(i-at, kid, low)
	}
	return right
}

func (n *node[K, V]) insertChild(i int, kid *node[K, V], low K) {
	n.kids = insert(n.kids, i, kid)
	own := n.bounds()
	copy(own[i+1:], own[i:])
	own[i] = low
}

func (n *node[K, V]) removeChild(i int) {
	n.kids = removeAt(n.kids, i)
	var none K
	own := n.bounds()
	copy(own[i:], own[i+1:])
	own[len(n.kids)] = none
}

// splitAt is where a full node is split: in the middle, or at its end when values are appended in order, so that nodes filled in order
// stay full.
func splitAt(inserted int) int {
	if inserted == nodeMax {
		return nodeMax
	}
	return nodeMax / 2
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
		n.removeChild(i)
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
		at := len(left.kids)
		left.kids = append(left.kids, right.kids...)
		own := left.bounds()
		copy(own[at:], right.low.key[:len(right.kids)])
		own[at] = n.low.key[i+1]
	}
	n.kids[i] = left
	n.removeChild(i + 1)
}

func insert[T any](s []T, i int, v T) []T {
	s = s[:len(s)+1]
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
