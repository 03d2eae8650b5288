package cli

import (
	"slices"

	"berth/structs"
)

// placementFailures are the groups of an evaluation that found no node, and what each filter removed.
func (e *env) placementFailures(x *structs.Evaluation) {
	names := make([]string, 0, len(x.FailedTGAllocs))
	for name := range x.FailedTGAllocs {
		names = append(names, name)
	}
	for name := range x.Explanations {
		if x.FailedTGAllocs[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		n := 1
		metric := x.FailedTGAllocs[name]
		if metric != nil {
			n += metric.CoalescedFailures
		}
		plural := "s"
		if n == 1 {
			plural = ""
		}
		e.say("    Task Group %q (failed to place %d allocation%s):", name, n, plural)
		if metric != nil {
			e.metric(metric)
		}
		if why := x.Explanations[name]; why != nil {
			e.explanation(why)
		}
	}
}

// metric is the contract's account of filters.
func (e *env) metric(m *structs.AllocMetric) {
	if m.NodesEvaluated == 0 {
		e.say("      * No nodes were eligible for evaluation")
	}
	for _, dc := range sortedKeys(m.NodesAvailable) {
		if m.NodesAvailable[dc] == 0 {
			e.say("      * No nodes are available in datacenter %q", dc)
		}
	}
	for _, k := range sortedKeys(m.ClassFiltered) {
		e.say("      * Class %q: %d nodes excluded by filter", k, m.ClassFiltered[k])
	}
	for _, k := range sortedKeys(m.ConstraintFiltered) {
		e.say("      * Constraint %q: %d nodes excluded by filter", k, m.ConstraintFiltered[k])
	}
	if m.NodesExhausted > 0 {
		e.say("      * Resources exhausted on %d nodes", m.NodesExhausted)
	}
	for _, k := range sortedKeys(m.ClassExhausted) {
		e.say("      * Class %q exhausted on %d nodes", k, m.ClassExhausted[k])
	}
	for _, k := range sortedKeys(m.DimensionExhausted) {
		e.say("      * Dimension %q exhausted on %d nodes", k, m.DimensionExhausted[k])
	}
	for _, d := range m.QuotaExhausted {
		e.say("      * Quota limit hit %q", d)
	}
}

// explanation is why, in words.
func (e *env) explanation(x *structs.Explanation) {
	if x.Summary != "" {
		e.say("      %s", x.Summary)
	}
	if c := x.Closest; c != nil && c.Change != "" {
		e.say("      closest: node %s would fit with %s", c.NodeName, c.Change)
	}
	for _, u := range x.Unblocks {
		e.say("      it goes on when %s", u)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
