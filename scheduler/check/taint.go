package check

import (
	"strings"

	"berth/structs"
)

// checkTolerated tells which taints of the node nothing of the group tolerates.
func checkTolerated(fs *faults, subject string, job *structs.Job, g *structs.TaskGroup, n *structs.Node) {
	daemon := job.Type == "system" || job.Type == "sysbatch"
	for _, t := range n.Taints {
		ok := t.Effect == "PreferNoSchedule" || daemon && strings.HasPrefix(t.Key, "node.")
		for _, have := range append(append([]*structs.Toleration(nil), job.Tolerations...), g.Tolerations...) {
			sameKey := have.Key == t.Key || have.Key == "" && have.Operator == "exists"
			sameValue := have.Operator == "exists" || have.Value == t.Value
			if sameKey && sameValue && (have.Effect == "" || have.Effect == t.Effect) && have.Duration == nil {
				ok = true
			}
		}
		if !ok {
			fs.add(subject, "node %s has taint %s", n.Name, t.String())
		}
	}
}
