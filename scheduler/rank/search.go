package rank

import (
	"math"
	"math/bits"

	"berth/scheduler/fleet"
)

// Search looks at every feasible row for one allocation. seed breaks ties; penalty are rows to avoid.
//
// Why one long loop: it runs for every node and placement; what a group does not use costs one test of a nil slice.
func (g *Group) Search(seed uint64, penalty fleet.Bitmap, ch *Choice) {
	*ch = Choice{}
	g.countFresh()
	f, cols, ask := g.f, g.f.Columns(), g.ask
	beyond := g.beyond()
	collisions, affinity := g.collisions, g.affinity
	rare := g.bad != nil || g.shunned != nil || g.peers != nil && g.peers.weights > 0
	var combo []int32
	var boost []float64
	if g.spread != nil {
		combo, boost = g.spread.combo, g.spread.boost
	}
	scorer := g.scorer
	least := math.Inf(-1) // the score to reach, once there are enough candidates
	for word, w := range g.rows {
		for ; w != 0; w &= w - 1 {
			row := int32(word<<6 + bits.TrailingZeros64(w))
			if cols.FreeCPU[row] < ask.CPU || cols.FreeMem[row] < ask.MemoryMB || cols.FreeDisk[row] < ask.DiskMB || f.Full(row) {
				ch.Exhausted[g.lacking(row)]++
				continue
			}
			if beyond {
				if d := g.roomBeyond(row); d != Fits {
					ch.Exhausted[d]++
					continue
				}
			}
			sum, n := scorer.Score(row), 1
			if collisions != nil {
				if c := collisions[row]; c > 0 {
					sum -= float64(c+1) / g.desired
					n++
				}
			}
			if penalty != nil && penalty.Has(row) {
				sum--
				n++
			}
			if affinity != nil && affinity[row] != 0 {
				sum += affinity[row]
				n++
			}
			if combo != nil {
				if b := boost[combo[row]]; b != 0 {
					sum += b
					n++
				}
			}
			if rare {
				more, m := g.rare(row)
				sum, n = sum+more, n+m
			}
			if n > 1 {
				sum /= float64(n)
			}
			if sum < least {
				continue
			}
			ch.offer(candidate{sum, fleet.Mix(seed, f.HashAt(row)), row}, f)
			if ch.n == topMax {
				least = ch.top[topMax-1].score
			}
		}
	}
}

// beyond reports that room depends on more than amounts.
func (g *Group) beyond() bool {
	return g.distinct != nil || g.peers != nil || len(g.skews) > 0 || g.ask.Static || g.ask.Cores > 0 || len(g.ask.Devices) > 0 || g.refused != nil
}
