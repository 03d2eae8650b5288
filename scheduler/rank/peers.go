package rank

import (
	"cmp"
	"slices"

	"berth/scheduler/fleet"
	"berth/structs"
)

// peers keeps the rules about allocations of other groups and jobs, and those that others have about this group.
type peers struct {
	near, apart []*peerRule
	wishes      []*peerRule
	weights     float64       // of all wishes
	broken      *structs.Peer // the rule that forbade a row last, see Account
}

// peerRule counts the allocations a rule means by the value of its topology.
type peerRule struct {
	peer   *structs.Peer
	column *fleet.Column
	count  []int32 // by value number
	total  int32
	self   bool         // the group itself is meant
	closed fleet.Bitmap // see refreshClosed
}

func newPeers(f *fleet.Fleet, req Request) *peers {
	p := &peers{}
	l := fleet.LabelsOf(req.Job, req.Group)
	for _, peer := range req.Group.Peers {
		self := peer.Means(req.Job.ID, req.Group.Name, l.JobMeta, l.GroupMeta)
		tally := f.Tally(req.Job.Namespace+"\x00"+peer.String(), func(u *fleet.Use) bool {
			return !u.Hold && u.Job.Namespace == req.Job.Namespace && peer.Means(u.Job.ID, u.Group, u.JobMeta, u.GroupMeta)
		})
		if tally.Total == 0 && !self && (!peer.Required() || peer.Relation == structs.PeerApart) {
			continue // there is none to be near or apart from
		}
		rule := newPeerRule(f, peer, &tally.Counts)
		rule.self = self
		switch {
		case !peer.Required():
			p.wishes = append(p.wishes, rule)
			p.weights += float64(*peer.Weight)
		case peer.Relation == structs.PeerApart:
			p.apart = append(p.apart, rule)
		default:
			p.near = append(p.near, rule)
		}
	}
	for _, a := range f.Avoiders() {
		if a.Namespace == req.Job.Namespace && a.Peer.Means(req.Job.ID, req.Group.Name, l.JobMeta, l.GroupMeta) {
			p.apart = append(p.apart, newPeerRule(f, a.Peer, &a.Counts))
		}
	}
	if len(p.near)+len(p.apart)+len(p.wishes) == 0 {
		return nil
	}
	slices.SortStableFunc(p.apart, func(a, b *peerRule) int { return cmp.Compare(a.peer.String(), b.peer.String()) })
	return p
}

func newPeerRule(f *fleet.Fleet, peer *structs.Peer, counts *fleet.Counts) *peerRule {
	column := f.Column(peer.Topology)
	r := &peerRule{peer: peer, column: column, count: make([]int32, len(column.Names)), total: int32(counts.Total)}
	for row := range counts.Rows.Rows {
		r.count[column.Values[row]] += counts.Of[row]
	}
	return r
}

// near reports that an allocation the rule means runs where the row is.
func (r *peerRule) near(row int32) bool { return r.has(r.column.Values[row]) }

func (r *peerRule) has(value int32) bool { return value != 0 && r.count[value] > 0 }

// apart and near are what a rule closes when it wants to be apart or near.
type (
	apart struct{ *peerRule }
	near  struct{ *peerRule }
)

func (r *peerRule) values() *fleet.Column { return r.column }

func (a apart) closes(value int32) bool { return a.has(value) }

// The first of a group that wants to be near itself may go anywhere the topology is known.
func (n near) closes(value int32) bool {
	return !n.has(value) && (!n.self || n.total > 0 || value == 0)
}

func (p *peers) allows(row int32) Dimension {
	for _, r := range p.apart {
		if (apart{r}).closes(r.column.Values[row]) {
			p.broken = r.peer
			return PeerRule
		}
	}
	for _, r := range p.near {
		if (near{r}).closes(r.column.Values[row]) {
			p.broken = r.peer
			return PeerRule
		}
	}
	return Fits
}

// score is what the wishes add; 0 when they say nothing.
func (p *peers) score(row int32) float64 {
	if p.weights == 0 {
		return 0
	}
	var sum float64
	for _, r := range p.wishes {
		if !r.near(row) {
			continue
		}
		if r.peer.Relation == structs.PeerApart {
			sum -= float64(*r.peer.Weight)
		} else {
			sum += float64(*r.peer.Weight)
		}
	}
	return sum / p.weights
}

// placed reports that a rule may close more or fewer rows now.
func (p *peers) placed(row int32) (more bool) {
	for _, list := range [3][]*peerRule{p.near, p.apart, p.wishes} {
		for _, r := range list {
			if r.self {
				r.count[r.column.Values[row]]++
				r.total++
				more = true
			}
		}
	}
	return more
}

// moving reports that a placement may open or close rows, or change their scores, elsewhere than where it is made.
func (p *peers) moving() bool {
	self := func(r *peerRule) bool { return r.self && r.peer.Topology != "${node.unique.id}" }
	return slices.ContainsFunc(p.near, func(r *peerRule) bool { return r.self }) || slices.ContainsFunc(p.wishes, self)
}

// Against names the peer rule that forbids the row, empty for none.
func (g *Group) Against(row int32) string {
	if g.peers == nil || g.peers.allows(row) == Fits {
		return ""
	}
	return "not " + g.peers.broken.String()
}

// Elsewhere reports that room on a row may come from what ends on another one.
func (g *Group) Elsewhere() bool { return g.peers != nil || len(g.skews) > 0 }
