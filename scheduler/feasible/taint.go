package feasible

import (
	"strings"

	"berth/scheduler/fleet"
	"berth/structs"
)

// taintsTold is how many taints are told of one by one; what they and all others remove does not depend on it.
const taintsTold = 16

// taintSteps keep a group off the nodes with taints that it does not tolerate: one step for each taint, and one for the rest
// when there are many.
func taintSteps(f *fleet.Fleet, job *structs.Job, g *structs.TaskGroup) []*Step {
	var steps []*Step
	var rest []*structs.Taint
	for _, t := range f.Taints() {
		if _, forever := structs.Tolerates(job, g, t); forever || t.Effect == structs.TaintPreferNoSchedule {
			continue
		}
		if len(steps) == taintsTold {
			rest = append(rest, t)
			continue
		}
		steps = append(steps, taintStep([]*structs.Taint{t}, "taint "+t.String()+", which no toleration accepts"))
	}
	if len(rest) > 0 {
		steps = append(steps, taintStep(rest, "other taints, which no toleration accepts"))
	}
	return steps
}

func taintStep(taints []*structs.Taint, reason string) *Step {
	names := make([]string, len(taints))
	for i, t := range taints {
		names[i] = t.String()
	}
	return &Step{
		Reason: reason,
		Observe: func(n *structs.Node) (string, string) {
			for i, t := range taints {
				if fleet.HasTaint(n, t) {
					return "the node has the taint " + names[i], "a toleration of it"
				}
			}
			return "", ""
		},
		key: fleet.FilterKey{Kind: "untainted", A: strings.Join(names, "\x00")},
		test: func() func(*structs.Node) bool {
			return func(n *structs.Node) bool {
				for _, t := range taints {
					if fleet.HasTaint(n, t) {
						return false
					}
				}
				return true
			}
		},
	}
}

// Shunned are the nodes with taints that ask to be placed on last and that the group does not tolerate, nil when there are none.
func Shunned(f *fleet.Fleet, job *structs.Job, g *structs.TaskGroup) fleet.Bitmap {
	var rows fleet.Bitmap
	for _, t := range f.Taints() {
		if t.Effect != structs.TaintPreferNoSchedule {
			continue
		}
		if _, forever := structs.Tolerates(job, g, t); forever {
			continue
		}
		if rows == nil {
			rows = f.NewBitmap()
		}
		rows.Or(f.Filter(fleet.FilterKey{Kind: "tainted", A: t.String()}, func(n *structs.Node) bool { return fleet.HasTaint(n, t) }))
	}
	return rows
}
