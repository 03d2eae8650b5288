package rank

import (
	"fmt"

	"berth/scheduler/fleet"
	"berth/structs"
)

// skew is one spread that must be kept: the values that feasible rows have, and how many allocations of the group each has.
type skew struct {
	column  *fleet.Column
	attr    int // which attribute of the spread it is
	most    int
	among   []int32 // values of feasible rows
	count   []int   // by value number
	least   int     // over among
	display string
	closed  fleet.Bitmap // see refreshClosed
}

func newSkews(f *fleet.Fleet, req Request) []*skew {
	var all []*skew
	attr := -1
	for _, list := range [2][]*structs.Spread{req.Job.Spreads, req.Group.Spreads} {
		for _, b := range list {
			attr++
			if b.MaxSkew == nil {
				continue
			}
			column := f.Column(b.Attribute)
			s := &skew{column: column, attr: attr, most: *b.MaxSkew, among: column.Among(req.Rows), count: make([]int, len(column.Names)),
				display: fmt.Sprintf("spread over %s with max_skew %d", b.Attribute, *b.MaxSkew)}
			for _, a := range req.Live {
				if row, ok := f.Row(a.Node); ok && a.Group == req.Group.Name && !a.Stopping {
					s.count[column.Values[row]]++
				}
			}
			s.refresh()
			all = append(all, s)
		}
	}
	return all
}

func (s *skew) refresh() {
	for i, v := range s.among {
		if n := s.count[v]; i == 0 || n < s.least {
			s.least = n
		}
	}
}

func (s *skew) values() *fleet.Column { return s.column }

func (s *skew) closes(value int32) bool { return value == 0 || s.count[value]+1-s.least > s.most }

func (s *skew) placed(row int32) {
	s.count[s.column.Values[row]]++
	s.refresh()
}
