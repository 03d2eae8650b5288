package cli

import (
	"fmt"
	"slices"

	"berth/structs"
)

// placementFailures are the groups of an evaluation that found no node, and what each filter removed; then the groups that have
// a node, but wait for what they replace to end.
func (e *env) placementFailures(x *structs.Evaluation) {
	for _, name := range sortedKeys(x.FailedTGAllocs) {
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
	head := "    Task Group %q waits:"
	if x.Status == structs.EvalStatusFailed {
		head = "    Task Group %q is given up:"
	}
	for _, name := range waiting(x) {
		e.say(head, name)
		e.explanation(x.Explanations[name])
	}
}

// waiting are the groups of an evaluation that nothing is wrong with, but which cannot go on yet.
func waiting(x *structs.Evaluation) []string {
	return slices.DeleteFunc(sortedKeys(x.Explanations), func(name string) bool {
		return x.FailedTGAllocs[name] != nil || x.Explanations[name] == nil
	})
}

// placementHead is the heading of placementFailures: the one given where something failed.
func placementHead(failed string, x *structs.Evaluation) string {
	if len(x.FailedTGAllocs) == 0 {
		return "Waiting"
	}
	return failed
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
	for _, f := range x.Filters {
		e.say("      - %s", filterText(f))
	}
	if c := x.Closest; c != nil && c.Change != "" {
		e.say("      closest: node %s would fit with %s", c.NodeName, c.Change)
	}
	for _, u := range x.Unblocks {
		e.say("      it goes on when %s", u)
	}
}

// filterText is one reason for which nodes were refused, with what one of them has.
func filterText(f *structs.ExplainFilter) string {
	text := fmt.Sprintf("%s: %d nodes", f.Reason, f.Nodes)
	if f.Nodes == 1 {
		text = f.Reason + ": 1 node"
	}
	for _, n := range f.Examples {
		if n.Observed == "" {
			continue
		}
		text += fmt.Sprintf("; %s: %s", n.NodeName, n.Observed)
		if n.Wanted != "" {
			text += ", wanted " + n.Wanted
		}
		break
	}
	return text
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
