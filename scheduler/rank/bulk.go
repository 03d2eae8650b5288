package rank

import "berth/scheduler/fleet"

// Bulk places up to count allocations alike, best row first each time: O(rows + count·log rows).
//
// place puts one allocation on the row, in the fleet too; it answers false when it refused the row (see Refuse), which is
// then left out. Bulk returns how many were placed; ch tells of the first choice and of what the rows lacked.
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
		row := h.items[0].row
		if d := g.room(row); d != Fits {
			ch.Exhausted[d]++
			h.pop()
			continue
		}
		if !place(row) {
			ch.Exhausted[g.room(row)]++ // place refused it
			h.pop()
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
	all  []heap
	live []int32 // numbers of heaps that are or were not empty
}

// scoresMax is how many scores besides spread a row can have.
const scoresMax = 4

func (g *Group) heaps(seed uint64, ch *Choice) *heaps {
	b := &heaps{g: g}
	combos := 1
	if g.spread != nil {
		combos = len(g.spread.values) * scoresMax
	}
	b.all = make([]heap, combos)
	for i := range b.all {
		b.all[i].f = g.f
	}
	if g.spread == nil {
		b.all[0].items = make([]candidate, 0, g.rows.Count())
		b.live = append(b.live, 0)
	}
	for row := range g.rows.Rows {
		if d := g.room(row); d != Fits {
			ch.Exhausted[d]++
			continue
		}
		key, number := g.key(row)
		h := &b.all[number]
		if g.spread != nil && h.items == nil {
			b.live = append(b.live, number)
		}
		c := candidate{key, fleet.Mix(seed, g.f.HashAt(row)), row}
		h.items = append(h.items, c)
		c.score = g.score(row)
		ch.offer(c, g.f)
	}
	for _, number := range b.live {
		b.all[number].order()
	}
	return b
}

// key is what the row's heap orders by, and the heap's number.
func (g *Group) key(row int32) (float64, int32) {
	sum, n := g.base(row)
	if g.spread == nil {
		return sum / float64(n), 0
	}
	return sum, g.spread.combo[row]*scoresMax + int32(n-1)
}

// best is the heap whose first row has the highest final score, nil when all are empty.
func (b *heaps) best() *heap {
	if b.g.spread == nil {
		if len(b.all[0].items) == 0 {
			return nil
		}
		return &b.all[0]
	}
	var found *heap
	var top candidate
	for _, number := range b.live {
		h := &b.all[number]
		if len(h.items) == 0 {
			continue
		}
		c := h.items[0]
		c.score = final(c.score, number%scoresMax+1, b.g.spread.boost[number/scoresMax])
		if found == nil || c.before(top, b.g.f) {
			found, top = h, c
		}
	}
	return found
}

func final(sum float64, n int32, boost float64) float64 {
	if boost != 0 {
		sum += boost
		n++
	}
	return sum / float64(n)
}

// moved puts the first row of h, on which something was placed, where it belongs now.
func (b *heaps) moved(h *heap) {
	c := h.items[0]
	if b.g.room(c.row) != Fits {
		h.pop()
		return
	}
	key, number := b.g.key(c.row)
	c.score = key
	if to := &b.all[number]; to != h {
		h.pop()
		if to.items == nil {
			b.live = append(b.live, number)
		}
		to.push(c)
		return
	}
	h.items[0] = c
	h.down(0)
}

// heap is a binary heap of candidates, best first.
type heap struct {
	f     *fleet.Fleet
	items []candidate
}

func (h *heap) order() {
	for i := len(h.items)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

func (h *heap) down(i int) {
	items := h.items
	c := items[i]
	for {
		child := 2*i + 1
		if child >= len(items) {
			break
		}
		if child+1 < len(items) && items[child+1].before(items[child], h.f) {
			child++
		}
		if !items[child].before(c, h.f) {
			break
		}
		items[i] = items[child]
		i = child
	}
	items[i] = c
}

func (h *heap) push(c candidate) {
	h.items = append(h.items, c)
	i := len(h.items) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !c.before(h.items[parent], h.f) {
			break
		}
		h.items[i] = h.items[parent]
		i = parent
	}
	h.items[i] = c
}

func (h *heap) pop() {
	last := len(h.items) - 1
	h.items[0] = h.items[last]
	h.items = h.items[:last]
	if last > 0 {
		h.down(0)
	}
}
