package rank

import "berth/internal/heap"

// Bulk places up to count allocations alike, best row first each time: O(rows + count·log rows).
//
// place puts one allocation on the row, in the fleet too; it answers false when it refused the row (see Refuse), which is
// then left out. Bulk returns how many were placed; ch tells of the first choice and of what rows lacked then. Rows that a skew
// closes wait in their heaps: a placement elsewhere may open them.
func (g *Group) Bulk(count int, seed uint64, ch *Choice, place func(row int32) bool) int {
	*ch = Choice{}
	g.countFresh()
	b := g.heaps(seed, ch)
	done := 0
	for done < count {
		h := b.best()
		if h == nil {
			break
		}
		row := h.Top().row
		if d := g.room(row); d != Fits {
			ch.Exhausted[d]++
			h.Pop()
			continue
		}
		if !place(row) {
			ch.Exhausted[g.room(row)]++ // place refused it
			h.Pop()
			continue
		}
		g.placed(row)
		g.countFresh()
		done++
		b.moved(h)
	}
	return done
}

// heaps holds the rows in heaps, one for each combination of spread values and number of scores: within one heap the order
// of rows does not depend on spread. Without spread it is one heap ordered by the final score.
type heaps struct {
	g    *Group
	all  []*heap.Heap[candidate] // nil where none ever was
	live []int32                 // numbers of heaps that are or were not empty
}

// scoresMax is how many scores besides spread a row can have.
const scoresMax = 7

func (g *Group) heaps(seed uint64, ch *Choice) *heaps {
	b := &heaps{g: g}
	combos := 1
	if g.spread != nil {
		combos = len(g.spread.values) * scoresMax
	}
	b.all = make([]*heap.Heap[candidate], combos)
	lists := make([][]candidate, combos)
	if g.spread == nil {
		lists[0] = make([]candidate, 0, g.rows.Count())
		b.live = append(b.live, 0)
	}
	for row := range g.rows.Rows {
		d := g.room(row)
		if d != Fits {
			ch.Exhausted[d]++
		}
		if d != Fits && d != Skew {
			continue
		}
		key, number := g.key(row)
		if g.spread != nil && lists[number] == nil {
			b.live = append(b.live, number)
		}
		c := candidate{key, g.f.Tie(seed, row), row}
		lists[number] = append(lists[number], c)
		if d == Fits {
			c.score = g.score(row)
			ch.offer(c, g.f)
		}
	}
	for _, number := range b.live {
		b.all[number] = heap.Of(lists[number], b.before)
	}
	return b
}

func (b *heaps) before(x, y candidate) bool { return x.before(y, b.g.f) }

// key is what the row's heap orders by, and the heap's number.
func (g *Group) key(row int32) (float64, int32) {
	sum, n := g.base(row)
	if g.spread == nil {
		return sum / float64(n), 0
	}
	return sum, g.spread.combo[row]*scoresMax + int32(n-1)
}

// best is the heap whose first row has the highest final score, nil when all are empty or closed.
func (b *heaps) best() *heap.Heap[candidate] {
	if b.g.spread == nil {
		if b.all[0].Len() == 0 {
			return nil
		}
		return b.all[0]
	}
	var found *heap.Heap[candidate]
	var top candidate
	for _, number := range b.live {
		h := b.all[number]
		if h.Len() == 0 || b.g.skewed(number/scoresMax) {
			continue
		}
		c := h.Top()
		c.score = final(c.score, number%scoresMax+1, b.g.spread.boost[number/scoresMax])
		if found == nil || c.before(top, b.g.f) {
			found, top = h, c
		}
	}
	return found
}

// skewed reports that a skew closes the rows of a combination of spread values.
func (g *Group) skewed(combo int32) bool {
	for _, s := range g.skews {
		if s.closes(g.spread.values[combo][s.attr]) {
			return true
		}
	}
	return false
}

func final(sum float64, n int32, boost float64) float64 {
	if boost != 0 {
		sum += boost
		n++
	}
	return sum / float64(n)
}

// moved puts the first row of h, on which something was placed, where it belongs now.
func (b *heaps) moved(h *heap.Heap[candidate]) {
	c := h.Top()
	if d := b.g.room(c.row); d != Fits && d != Skew {
		h.Pop()
		return
	}
	key, number := b.g.key(c.row)
	c.score = key
	if b.all[number] == h {
		h.Replace(c)
		return
	}
	h.Pop()
	if b.all[number] == nil {
		b.all[number] = heap.New(b.before, nil)
		b.live = append(b.live, number)
	}
	b.all[number].Push(c)
}
