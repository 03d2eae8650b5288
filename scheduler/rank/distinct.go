package rank

import (
	"strconv"
	"strings"

	"berth/scheduler/fleet"
	"berth/structs"
)

// distinct keeps the rules about where other allocations of the job are. Old and new versions count alike.
type distinct struct {
	hosts      []bool // rows that hold an allocation, nil without a distinct_hosts rule
	properties []*property
}

// property is one distinct_property rule.
type property struct {
	column *fleet.Column
	count  []int // by value number
	limit  int
	reason string
}

func newDistinct(f *fleet.Fleet, req Request) *distinct {
	var d distinct
	for _, c := range req.Job.Constraints {
		d.add(f, req, c, "")
	}
	for _, c := range req.Group.Constraints {
		d.add(f, req, c, req.Group.Name)
	}
	if d.hosts == nil && d.properties == nil {
		return nil
	}
	return &d
}

// add takes a rule; group is empty for the job's own rules, which look at all its groups.
func (d *distinct) add(f *fleet.Fleet, req Request, c *structs.Constraint, group string) {
	switch c.Operand {
	case structs.OpDistinctHosts:
		if strings.EqualFold(c.RTarget, "false") {
			return
		}
		if d.hosts == nil {
			d.hosts = make([]bool, f.Len())
		}
		eachLive(f, req, group, func(row int32) { d.hosts[row] = true })
	case structs.OpDistinctProperty:
		column := f.Column(c.LTarget)
		p := &property{column: column, count: make([]int, len(column.Names)), limit: 1, reason: c.String()}
		if n, err := strconv.Atoi(c.RTarget); err == nil && n > 0 {
			p.limit = n
		}
		eachLive(f, req, group, func(row int32) { p.count[column.Values[row]]++ })
		d.properties = append(d.properties, p)
	}
}

func eachLive(f *fleet.Fleet, req Request, group string, do func(row int32)) {
	for _, a := range req.Live {
		if group != "" && a.Group != group {
			continue
		}
		if row, ok := f.Row(a.Node); ok {
			do(row)
		}
	}
}

func (d *distinct) allows(row int32) Dimension {
	if d.hosts != nil && d.hosts[row] {
		return DistinctHosts
	}
	for _, p := range d.properties {
		if v := p.column.Values[row]; v == 0 || p.count[v] >= p.limit {
			return DistinctProperty
		}
	}
	return Fits
}

func (d *distinct) placed(row int32) {
	if d.hosts != nil {
		d.hosts[row] = true
	}
	for _, p := range d.properties {
		p.count[p.column.Values[row]]++
	}
}
