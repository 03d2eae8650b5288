package rank

import (
	"math"
	"math/bits"

	"berth/scheduler/fleet"
)

// Search looks for the best feasible rows for one allocation. seed breaks ties; penalty are rows to avoid.
//
// Rows without room, and those that rules about other rows close, are sorted out 64 at a time; amounts are scored in columns that
// the fleet keeps. What a group does not use costs nothing.
func (g *Group) Search(seed uint64, penalty fleet.Bitmap, ch *Choice) {
	*ch = Choice{}
	g.countFresh()
	g.refreshClosed()
	scores := g.f.Scores(g.fit)
	single, bounded, plain := g.single(), g.bounded(), g.plain() && penalty == nil
	least, leastTie := math.Inf(-1), uint64(0) // to be reached, once there are enough candidates
	for word, w := range g.rows {
		if w == 0 {
			continue
		}
		if w = g.open(word, w, scores, ch); w != 0 && single {
			w = g.openSingly(word, w, ch)
		}
		if w == 0 || bounded && scores.Best[word] < least {
			continue
		}
		for ; w != 0; w &= w - 1 {
			row := int32(word<<6 + bits.TrailingZeros64(w))
			fit, bound := scores.Of[row], math.Inf(-1)
			if bounded && fit < least {
				continue
			}
			if plain {
				bound = least
			} else if g.mean(fit, row, penalty) < least { // balance only lowers it
				continue
			}
			score, reached := g.scorer.Reaching(row, fit, bound)
			if !reached {
				continue
			}
			if !plain {
				if score = g.mean(score, row, penalty); score < least {
					continue
				}
			}
			tie := g.f.Tie(seed, row)
			if score == least && tie > leastTie {
				continue
			}
			ch.offer(candidate{score, tie, row}, g.f)
			if ch.n == topMax {
				worst := &ch.top[topMax-1]
				least, leastTie = worst.score, worst.tie
			}
		}
	}
}

// open are those of 64 rows that have room and are not closed; the others are counted.
func (g *Group) open(word int, w uint64, scores *fleet.Scores, ch *Choice) uint64 {
	open := w & scores.Room[word]
	if open != w {
		for i, d := range lackOf {
			ch.Exhausted[d] += bits.OnesCount64(w & scores.Lack[i][word])
		}
	}
	last := uint64(0)
	for i := range g.closed {
		c := &g.closed[i]
		shut := open & c.rows[word]
		if shut == 0 {
			continue
		}
		open &^= shut
		ch.Exhausted[c.dimension] += bits.OnesCount64(shut)
		if c.peer != nil && shut > last { // the rule of the last row is told of
			last, g.peers.broken = shut, c.peer
		}
	}
	return open
}

var lackOf = [...]Dimension{fleet.LackCPU: OutOfCPU, fleet.LackMemory: OutOfMemory, fleet.LackDisk: OutOfDisk, fleet.LackSlot: OutOfSlots}

// single reports that room depends on things that each row has of its own.
func (g *Group) single() bool {
	return g.ask.Static || g.ask.Cores > 0 || len(g.ask.Devices) > 0 || g.refused != nil
}

// openSingly are those of 64 rows that have such things free; the others are counted.
func (g *Group) openSingly(word int, w uint64, ch *Choice) uint64 {
	open := w
	for ; w != 0; w &= w - 1 {
		at := bits.TrailingZeros64(w)
		if d := g.roomSingly(int32(word<<6 + at)); d != Fits {
			ch.Exhausted[d]++
			open &^= 1 << at
		}
	}
	return open
}

// bounded reports that a row's score is never above its fit: balance lowers it, all else that counts now is below 0, and scores
// are means.
func (g *Group) bounded() bool {
	return g.affinity == nil && (g.spread == nil || g.spread.most <= 0) && (g.peers == nil || g.peers.weights == 0)
}

// plain reports that amounts alone count now.
func (g *Group) plain() bool {
	return g.bounded() && (g.spread == nil || g.spread.least == 0) && g.collisions == nil && g.bad == nil && g.shunned == nil
}

// mean is the score of a row from that of its amounts and all else that counts.
func (g *Group) mean(sum float64, row int32, penalty fleet.Bitmap) float64 {
	n := 1
	if g.collisions != nil {
		if c := g.collisions[row]; c > 0 {
			sum -= float64(c+1) / g.desired
			n++
		}
	}
	if penalty != nil && penalty.Has(row) {
		sum--
		n++
	}
	if g.affinity != nil && g.affinity.Of[row] != 0 {
		sum += g.affinity.Of[row]
		n++
	}
	if g.spread != nil {
		if b := g.spread.boost[g.spread.combo[row]]; b != 0 {
			sum += b
			n++
		}
	}
	if g.bad != nil || g.shunned != nil || g.peers != nil {
		more, m := g.rare(row)
		sum, n = sum+more, n+m
	}
	if n == 1 {
		return sum
	}
	return sum / float64(n)
}
