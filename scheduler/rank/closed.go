package rank

import (
	"berth/scheduler/fleet"
	"berth/structs"
)

// closed are the rows that a rule about other rows forbids now, as a set for Search.
type closed struct {
	rows      fleet.Bitmap
	dimension Dimension
	peer      *structs.Peer // of a peer rule
}

// valueRule is a rule that forbids all rows with some values of a column.
type valueRule interface {
	values() *fleet.Column
	closes(value int32) bool
}

// refreshClosed makes the sets anew when a placement may have changed them. They are in the order of roomBeyond.
func (g *Group) refreshClosed() {
	if !g.stale {
		return
	}
	g.stale = false
	sets := g.closed[:0]
	if d := g.distinct; d != nil {
		if d.hosts != nil {
			sets = append(sets, closed{rows: d.hosts, dimension: DistinctHosts})
		}
		for _, p := range d.properties {
			sets = g.close(sets, p, &p.closed, DistinctProperty, nil)
		}
	}
	if g.peers != nil {
		for _, r := range g.peers.apart {
			sets = g.close(sets, apart{r}, &r.closed, PeerRule, r.peer)
		}
		for _, r := range g.peers.near {
			sets = g.close(sets, near{r}, &r.closed, PeerRule, r.peer)
		}
	}
	for _, s := range g.skews {
		sets = g.close(sets, s, &s.closed, Skew, nil)
	}
	g.closed = sets
}

func (g *Group) close(sets []closed, r valueRule, rows *fleet.Bitmap, d Dimension, peer *structs.Peer) []closed {
	if *rows == nil {
		*rows = g.f.NewBitmap()
	}
	r.values().Where(r.closes, *rows)
	return append(sets, closed{*rows, d, peer})
}
