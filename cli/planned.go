package cli

import (
	"cmp"
	"fmt"
	"strings"

	"berth/api"
	"berth/structs"
)

// plannedMax is up to how many allocations are told one by one; of more, only how many each node gets.
const plannedMax = 10

// plannedPlacements tells where allocations would be placed.
func (e *env) plannedPlacements(p *api.PlanResponse) {
	if len(p.Placements) == 0 {
		return
	}
	e.head("Placements")
	if len(p.Placements) <= plannedMax {
		rows := [][]string{{"Allocation", "Node", "Because"}}
		for _, x := range p.Placements {
			rows = append(rows, []string{x.Name, x.NodeName, because(x)})
		}
		e.table(rows)
		return
	}
	count, group := map[string]int{}, map[string]string{}
	for _, x := range p.Placements {
		key := x.TaskGroup + " " + x.NodeName
		count[key]++
		group[key] = x.TaskGroup
	}
	rows := [][]string{{"Task Group", "Node", "Allocations"}}
	for _, key := range sortedKeys(count) {
		rows = append(rows, []string{group[key], strings.TrimPrefix(key, group[key]+" "), fmt.Sprint(count[key])})
	}
	e.table(rows)
}

// because is the score of the chosen node beside that of the next best.
func because(x *api.PlannedPlacement) string {
	if len(x.Best) == 0 || x.Best[0].NodeID != x.NodeID {
		return "one of several alike"
	}
	text := fmt.Sprintf("score %.3f (%s)", x.Best[0].NormScore, scoreParts(x.Best[0]))
	if len(x.Best) > 1 {
		text += fmt.Sprintf(", next best %.3f", x.Best[1].NormScore)
	}
	return text
}

// scoreParts are the parts of a score that count.
func scoreParts(m *structs.NodeScoreMeta) string {
	var parts []string
	for _, name := range sortedKeys(m.Scores) {
		if m.Scores[name] != 0 {
			parts = append(parts, fmt.Sprintf("%s %.3f", name, m.Scores[name]))
		}
	}
	return strings.Join(parts, ", ")
}

// plannedStops tells what would end, and why.
func (e *env) plannedStops(p *api.PlanResponse) {
	if len(p.Stops) == 0 {
		return
	}
	e.head("Stops")
	rows := [][]string{{"Allocation", "ID", "Node", "Because"}}
	for _, x := range p.Stops {
		rows = append(rows, []string{x.Name, x.ID.Short(), x.NodeName, x.Reason})
	}
	e.table(rows)
}

// preemptions tells which allocations of other jobs would leave.
func (e *env) preemptions(p *api.PlanResponse) {
	if p.Annotations == nil || len(p.Annotations.PreemptedAllocs) == 0 {
		return
	}
	e.head("Preemptions")
	if len(p.Annotations.PreemptedAllocs) < plannedMax {
		rows := [][]string{{"Alloc ID", "Job ID", "Task Group", "Node"}}
		for _, a := range p.Annotations.PreemptedAllocs {
			rows = append(rows, []string{a.ID.Short(), orHidden(a.JobID), a.TaskGroup, a.NodeName})
		}
		e.table(rows)
		return
	}
	count := map[string]int{}
	for _, a := range p.Annotations.PreemptedAllocs {
		count[orHidden(a.JobID)]++
	}
	rows := [][]string{{"Job ID", "Preemptions"}}
	for _, id := range sortedKeys(count) {
		rows = append(rows, []string{id, fmt.Sprint(count[id])})
	}
	e.table(rows)
}

// orHidden stands for a job that the caller may not read.
func orHidden(job string) string { return cmp.Or(job, "(of a namespace you may not read)") }
