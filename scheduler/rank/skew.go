package rank

import (
	"fmt"

	"berth/scheduler/fleet"
	"berth/structs"
)

// skew is one spread that must be kept: the values that feasible rows have, and how many allocations of the group each has.
type skew struct {
	column  *fleet.Column
	most    int
	values  []int32 // of feasible rows
	count   []int   // by value number
	least   int     // over values
	display string
}

func newSkews(f *fleet.Fleet, req Request) []*skew {
	var all []*skew
	for _, list := range [2][]*structs.Spread{req.Job.Spreads, req.Group.Spreads} {
		for _, b := range list {
			if b.MaxSkew == nil {
				continue
			}
			column := f.Column(b.Attribute)
			s := &skew{column: column, most: *b.MaxSkew, count: make([]int, len(column.Names)),
				display: fmt.Sprintf("spread over %s with max_skew %d", b.Attribute, *b.MaxSkew)}
			seen := make([]bool, len(column.Names))
			for row := range req.Rows.Rows {
				if v := column.Values[row]; v != 0 && !seen[v] {
					seen[v] = true
					s.values = append(s.values, v)
				}
			}
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
	for i, v := range s.values {
		if n := s.count[v]; i == 0 || n < s.least {
			s.least = n
		}
	}
}

func (s *skew) allows(row int32) bool {
	v := s.column.Values[row]
	return v != 0 && s.count[v]+1-s.least <= s.most
}

func (s *skew) placed(row int32) {
	s.count[s.column.Values[row]]++
	s.refresh()
}
