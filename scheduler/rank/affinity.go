package rank

import (
	"strconv"

	"berth/scheduler/feasible"
	"berth/scheduler/fleet"
	"berth/structs"
)

// affinityScores is the sum of the weights that match over the sum of all weights, by row; nil without affinities.
func affinityScores(f *fleet.Fleet, job *structs.Job, group *structs.TaskGroup) *fleet.Weights {
	var all []*structs.Affinity
	all = append(all, job.Affinities...)
	all = append(all, group.Affinities...)
	for _, t := range group.Tasks {
		all = append(all, t.Affinities...)
	}
	var sum float64
	var key []byte
	for _, a := range all {
		weight := affinityWeight(a)
		sum += max(weight, -weight)
		for _, part := range [3]string{a.LTarget, a.Operand, a.RTarget} {
			key = append(strconv.AppendQuote(key, part), ' ')
		}
		key = append(strconv.AppendFloat(key, weight, 'g', -1, 64), ' ')
	}
	if sum == 0 {
		return nil
	}
	var tests []func(*structs.Node) bool
	return f.Weights(string(key), func(n *structs.Node) float64 {
		for _, a := range all[len(tests):] {
			tests = append(tests, feasible.Affinity(a))
		}
		var score float64
		for i, a := range all {
			if tests[i](n) {
				score += affinityWeight(a)
			}
		}
		return score / sum
	})
}

func affinityWeight(a *structs.Affinity) float64 {
	if a.Weight == nil {
		return 50
	}
	return float64(*a.Weight)
}
