package scheduler

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"berth/scheduler/rank"
	"berth/scheduler/reconcile"
	"berth/structs"
)

// placeGang decides all placements of a gang, in one plan that is applied whole or not at all. When one of them finds no node,
// what the others were given is taken back. It returns how many placements it looked at.
func (r *Run) placeGang(gang string) int {
	var mine, rest []*batch
	for _, b := range r.queue {
		if r.groups[b.key].spec.Gang == gang {
			mine = append(mine, b)
		} else {
			rest = append(rest, b)
		}
	}
	r.queue = rest
	before := r.mark()
	short := map[string]bool{}
	n := 0
	for _, b := range mine {
		was := r.unplaced[b.key.name]
		r.groups[b.key].admit(b)
		r.groups[b.key].place(b.places)
		if n += len(b.places); r.unplaced[b.key.name] > was {
			short[b.key.name] = true
		}
	}
	if len(short) == 0 {
		r.plan.AllAtOnce = true
		return n
	}
	r.takeBack(before, mine)
	missing := strings.Join(slices.Sorted(maps.Keys(short)), ", ")
	for _, b := range mine {
		g, name := r.groups[b.key], b.key.name
		if short[name] {
			continue
		}
		r.unplaced[name] += len(b.places)
		r.why[name] = &structs.Explanation{
			Summary:  fmt.Sprintf("%s/%s waits: it is of the gang %q, in which %s has no room; all are placed or none", g.job.ID, name, gang, missing),
			Unblocks: []string{"there is room for all of the gang " + gang}, Since: r.in.Now.UnixNano(),
		}
		r.waiting[name] = true
		eligible, escaped := g.sel.Classes(r.in.Fleet)
		r.noteClasses(eligible)
		r.escaped = r.escaped || escaped
	}
	for _, b := range mine { // of those that are short, none is placed either
		if placed := before.gone[b.key]; short[b.key.name] && placed > 0 {
			r.unplaced[b.key.name] += placed
		}
	}
	return n
}

// mark is how far the plan at work is.
type mark struct {
	place, stop int
	items       map[*structs.PlanGroup]int
	live        []rank.Live
	gone        map[groupKey]int // placements taken back
}

func (r *Run) mark() *mark {
	m := &mark{place: len(r.plan.Place), stop: len(r.plan.Stop), items: map[*structs.PlanGroup]int{}, live: r.live[:len(r.live):len(r.live)], gone: map[groupKey]int{}}
	for _, g := range r.plan.Place {
		m.items[g] = len(g.Items)
	}
	return m
}

// takeBack undoes the placements since the mark, and the stops of what they were to replace. What was told to stop so that
// there is room stays so.
func (r *Run) takeBack(m *mark, batches []*batch) {
	replaced := map[structs.ID]bool{}
	for _, g := range r.plan.Place {
		for _, it := range g.Items[m.items[g]:] {
			r.in.Fleet.Remove(it.AllocID)
			replaced[it.PreviousAllocation] = true
			m.gone[groupKey{g.JobVersion, g.TaskGroup}]++
		}
		g.Items = g.Items[:m.items[g]]
	}
	r.plan.Place = r.plan.Place[:m.place]
	stops := r.plan.Stop[m.stop:]
	r.plan.Stop = r.plan.Stop[:m.stop:m.stop]
	for _, s := range stops {
		if !replaced[s.AllocID] {
			r.plan.Stop = append(r.plan.Stop, s)
			continue
		}
		if r.held == nil {
			r.held = map[structs.ID]*structs.PlanStop{}
		}
		r.held[s.AllocID] = s
		r.setStopping(s.AllocID, false)
	}
	r.live = m.live
	for _, b := range batches {
		g := r.groups[b.key]
		g.rank, g.out, g.outPlan = nil, nil, nil
	}
}

// gated accounts for a placement of a group that has gates.
func (r *Run) gated(p *reconcile.Place) {
	name := p.Group.Name
	r.unplaced[name]++
	r.waiting[name] = true
	r.holdDeadline(name)
	gates := strings.Join(p.Group.Gates, ", ")
	r.why[name] = &structs.Explanation{
		Summary:  fmt.Sprintf("%s/%s needs %d more: it is held back by its gates: %s", p.Job.ID, name, r.unplaced[name], gates),
		Unblocks: []string{"the job is registered without the gates " + gates},
		Since:    r.in.Now.UnixNano(),
	}
}
