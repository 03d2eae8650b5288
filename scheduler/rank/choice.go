package rank

import (
	"berth/scheduler/fleet"
	"berth/structs"
)

// topMax is how many candidates a choice tells of.
const topMax = 5

// Choice is what a search found.
type Choice struct {
	// Exhausted counts the feasible rows that lacked something, by Dimension.
	Exhausted [dimensions]int

	top [topMax]candidate
	n   int
}

type candidate struct {
	score float64
	tie   uint64
	row   int32
}

// before orders candidates: higher score, then lower tie, then lower node id.
func (c candidate) before(o candidate, f *fleet.Fleet) bool {
	if c.score != o.score {
		return c.score > o.score
	}
	if c.tie != o.tie {
		return c.tie < o.tie
	}
	return f.NodeAt(c.row).ID.Compare(f.NodeAt(o.row).ID) < 0
}

// offer keeps the candidate if it is among the best.
func (ch *Choice) offer(c candidate, f *fleet.Fleet) {
	if ch.n == topMax {
		if !c.before(ch.top[topMax-1], f) {
			return
		}
		ch.n--
	}
	i := ch.n
	for i > 0 && c.before(ch.top[i-1], f) {
		ch.top[i] = ch.top[i-1]
		i--
	}
	ch.top[i] = c
	ch.n++
}

// Best is the best row; ok is false when none fits.
func (ch *Choice) Best() (row int32, ok bool) { return ch.top[0].row, ch.n > 0 }

// Only makes the row the one candidate.
func (g *Group) Only(row int32, ch *Choice) {
	*ch = Choice{}
	g.countFresh()
	ch.offer(candidate{g.score(row), 0, row}, g.f)
}

// Recount counts anew what the rows lack, after placements.
func (g *Group) Recount(ch *Choice) {
	clear(ch.Exhausted[:])
	for row := range g.rows.Rows {
		if d := g.room(row); d != Fits {
			ch.Exhausted[d]++
		}
	}
}

// Room tells what the row lacks for one more allocation.
func (g *Group) Room(row int32) Dimension { return g.room(row) }

// Beyond is Room without the amounts: what keeps the group off the row however empty it were.
func (g *Group) Beyond(row int32) Dimension { return g.roomBeyond(row) }

// Feasible reports that the row is among those searched.
func (g *Group) Feasible(row int32) bool { return g.rows.Has(row) }

// Refuse takes a row out of the search, because ports, cores or devices could not be given there.
func (g *Group) Refuse(row int32, lacks Dimension) {
	if g.refused == nil {
		g.refused = map[int32]Dimension{}
	}
	g.refused[row] = lacks
}

// Placed tells the group of a placement made on the row without Bulk.
func (g *Group) Placed(row int32) { g.placed(row) }

// Meta is the contract's score table of the best candidates, as they stood when the search ended.
func (g *Group) Meta(ch *Choice, penalty fleet.Bitmap) []*structs.NodeScoreMeta {
	metas := make([]*structs.NodeScoreMeta, 0, ch.n)
	for _, c := range ch.top[:ch.n] {
		metas = append(metas, g.meta(c, penalty))
	}
	return metas
}

func (g *Group) meta(c candidate, penalty fleet.Bitmap) *structs.NodeScoreMeta {
	row := c.row
	name := "binpack"
	scores := map[string]float64{name: g.scorer.Score(row), "job-anti-affinity": 0, "node-affinity": 0, "node-reschedule-penalty": 0}
	if n := g.collisionsAt(row); n > 0 {
		scores["job-anti-affinity"] = -float64(n+1) / g.desired
	}
	if penalty != nil && penalty.Has(row) {
		scores["node-reschedule-penalty"] = -1
	}
	if g.affinity != nil {
		scores["node-affinity"] = g.affinity.Of[row]
	}
	if g.bad != nil && g.bad.Has(row) {
		scores["bad-node"] = -1
	}
	if g.shunned != nil && g.shunned.Has(row) {
		scores["taint"] = -1
	}
	if g.peers != nil {
		if s := g.peers.score(row); s != 0 {
			scores["peers"] = s
		}
	}
	if g.spread != nil {
		scores["allocation-spread"] = g.spread.boost[g.spread.combo[row]]
	}
	return &structs.NodeScoreMeta{NodeID: g.f.NodeAt(row).ID, Scores: scores, NormScore: c.score}
}
