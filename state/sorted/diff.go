package sorted

// Diff calls visit for every key whose value was added, replaced or removed between two versions, in the order of the keys,
// until it answers false. same says that two values are one. Subtrees shared by both are not looked at.
func Diff[K, V any](old, now Tree[K, V], same func(a, b V) bool, visit func(before, after V, had, has bool) bool) {
	order := now.order
	if order == nil {
		order = old.order
	}
	a, b := newCursor(old), newCursor(now)
	var none V
	for a.more() || b.more() {
		switch {
		case !a.more():
			if !b.value() {
				b.open()
			} else if !visit(none, b.take(), false, true) {
				return
			}
		case !b.more():
			if !a.value() {
				a.open()
			} else if !visit(a.take(), none, true, false) {
				return
			}
		case a.value() && b.value():
			switch c := order.At(a.peek(), order.Key(b.peek())); {
			case c < 0:
				if !visit(a.take(), none, true, false) {
					return
				}
			case c > 0:
				if !visit(none, b.take(), false, true) {
					return
				}
			default:
				if x, y := a.take(), b.take(); !same(x, y) && !visit(x, y, true, true) {
					return
				}
			}
		case a.value():
			if order.At(a.peek(), order.Key(b.least())) < 0 {
				if !visit(a.take(), none, true, false) {
					return
				}
			} else {
				b.open()
			}
		case b.value():
			if order.At(b.peek(), order.Key(a.least())) < 0 {
				if !visit(none, b.take(), false, true) {
					return
				}
			} else {
				a.open()
			}
		case a.node() == b.node():
			a.skip()
			b.skip()
		default:
			ah, bh := a.height(), b.height()
			if ah >= bh {
				a.open()
			}
			if bh >= ah {
				b.open()
			}
		}
	}
}

// cursor stands before a node or a value of a tree.
type cursor[K, V any] struct {
	kids [][]*node[K, V] // what is left at each level, outermost first
	vals []V             // what is left of the open leaf
}

func newCursor[K, V any](t Tree[K, V]) *cursor[K, V] {
	c := &cursor[K, V]{}
	if t.root != nil {
		c.kids = append(c.kids, []*node[K, V]{t.root})
	}
	return c
}

func (c *cursor[K, V]) more() bool        { return len(c.vals) > 0 || len(c.kids) > 0 }
func (c *cursor[K, V]) value() bool       { return len(c.vals) > 0 }
func (c *cursor[K, V]) peek() V           { return c.vals[0] }
func (c *cursor[K, V]) node() *node[K, V] { return c.kids[len(c.kids)-1][0] }
func (c *cursor[K, V]) take() V           { v := c.vals[0]; c.vals = c.vals[1:]; return v }

// skip steps over the node.
func (c *cursor[K, V]) skip() {
	top := len(c.kids) - 1
	if c.kids[top] = c.kids[top][1:]; len(c.kids[top]) == 0 {
		c.kids = c.kids[:top]
	}
}

// open steps into the node.
func (c *cursor[K, V]) open() {
	n := c.node()
	c.skip()
	if n.kids != nil {
		c.kids = append(c.kids, n.kids)
	} else {
		c.vals = n.vals
	}
}

// height is how far the node is from its leaves.
func (c *cursor[K, V]) height() int {
	h := 0
	for n := c.node(); n.kids != nil; n = n.kids[0] {
		h++
	}
	return h
}

// least is the first value in the node.
func (c *cursor[K, V]) least() V {
	n := c.node()
	for n.kids != nil {
		n = n.kids[0]
	}
	return n.vals[0]
}
