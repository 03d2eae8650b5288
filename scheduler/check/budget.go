package check

import (
	"math"
	"strconv"
	"strings"

	"berth/structs"
)

// Disrupted tells which disruption budgets a choice to take allocations breaks. The world is as it was before: what was asked to
// leave then counts as gone, and what does not serve is nobody's loss.
func Disrupted(w *World, budgets []*structs.DisruptionBudget, taken []structs.ID) []Fault {
	var fs faults
	chosen := map[structs.ID]bool{}
	for _, id := range taken {
		chosen[id] = true
	}
	for _, j := range w.Jobs {
		for _, g := range j.TaskGroups {
			if g.Disruption != nil {
				disrupted(&fs, w, "job "+j.ID+"."+g.Name, *g.Disruption, chosen, func(o *structs.Job, of *structs.TaskGroup) bool { return o == j && of == g })
			}
		}
	}
	for _, b := range budgets {
		disrupted(&fs, w, "budget "+b.Name, b.Disruption, chosen, b.Means)
	}
	return fs.sorted()
}

func disrupted(fs *faults, w *World, subject string, rule structs.Disruption, chosen map[structs.ID]bool, means func(*structs.Job, *structs.TaskGroup) bool) {
	expected, serving, lost := 0, 0, 0
	for _, j := range w.Jobs {
		if j.Stop || j.Type == "system" || j.Type == "sysbatch" {
			continue
		}
		for _, g := range j.TaskGroups {
			if !means(j, g) {
				continue
			}
			if j.Type == "service" {
				expected += *g.Count
			}
			for _, a := range w.Allocs {
				if a.Namespace != j.Namespace || a.JobID != j.ID || a.TaskGroup != g.Name || a.Terminal() {
					continue
				}
				if j.Type == "batch" {
					expected++
				}
				if !serves(a) {
					continue
				}
				serving++
				if chosen[a.ID] {
					lost++
				}
			}
		}
	}
	must := 0.0
	if rule.MinAvailable != "" {
		must = math.Ceil(share(rule.MinAvailable, expected))
	} else {
		must = float64(expected) - math.Ceil(share(rule.MaxUnavailable, expected))
	}
	if lost > 0 && float64(serving-lost) < must {
		fs.add(subject, "%d of %d serve, %d are taken, and %v must stay (%s)", serving, expected, lost, must, rule.String())
	}
}

func share(text string, of int) float64 {
	n, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil {
		return 0
	}
	if strings.HasSuffix(text, "%") {
		return n * float64(of) / 100
	}
	return n
}

// serves reports an allocation that runs, is not known to be unhealthy or still to be judged, and is not leaving.
func serves(a *structs.Allocation) bool {
	if a.ClientStatus != "running" || a.DesiredStatus != "run" || a.DesiredTransition.Migrate != nil && *a.DesiredTransition.Migrate {
		return false
	}
	if s := a.DeploymentStatus; s != nil && s.Healthy != nil {
		return *s.Healthy
	}
	return a.DeploymentID.IsZero()
}
