package rank

import (
	"strconv"
	"strings"

	"berth/scheduler/fleet"
	"berth/structs"
)

// distinct keeps the rules about where other allocations of the job are. Old and new versions count alike.
type distinct struct {
	hosts      fleet.Bitmap // rows that hold an allocation, nil without a distinct_hosts rule
	properties []*property
}

// property is one distinct_property rule.
type property struct {
	column *fleet.Column
	count  []int // by value number
	limit  int
	reason string
	closed fleet.Bitmap // see refreshClosed
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
			d.hosts = f.NewBitmap()
		}
		eachLive(f, req, group, func(row int32) { d.hosts.Set(row) })
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

func (p *property) values() *fleet.Column { return p.column }

func (p *property) closes(value int32) bool { return value == 0 || p.count[value] >= p.limit }

func (d *distinct) allows(row int32) Dimension {
	if d.hosts != nil && d.hosts.Has(row) {
		return DistinctHosts
	}
	for _, p := range d.properties {
		if p.closes(p.column.Values[row]) {
			return DistinctProperty
		}
	}
	return Fits
}

// placed reports that a property's rows may be closed now.
func (d *distinct) placed(row int32) (more bool) {
	if d.hosts != nil {
		d.hosts.Set(row)
	}
	for _, p := range d.properties {
		v := p.column.Values[row]
		p.count[v]++
		more = more || p.count[v] == p.limit
	}
	return more
}
