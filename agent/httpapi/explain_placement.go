package httpapi

import (
	"fmt"
	"slices"
	"strings"

	"berth/api"
	"berth/state"
	"berth/structs"
)

// placementFacts tell why an allocation is where it is: the parts of its node's score, the next best node, whose place it took,
// who left for it or for whom it left, and which evaluation decided it.
func placementFacts(s teller, al *structs.Allocation) []api.WhyFact {
	var facts []api.WhyFact
	add := func(label, format string, args ...any) {
		facts = append(facts, api.WhyFact{Label: label, Value: fmt.Sprintf(format, args...)})
	}
	if m := al.Metrics; m != nil && len(m.ScoreMetaData) > 0 {
		if i := slices.IndexFunc(m.ScoreMetaData, func(x *structs.NodeScoreMeta) bool { return x.NodeID == al.NodeID }); i >= 0 {
			add("its node's score", "%s", scoreText(m.ScoreMetaData[i]))
		} else {
			add("placed with others alike", "the first of them on %s", nodeName(s.Snapshot, m.ScoreMetaData[0].NodeID))
		}
		for _, x := range m.ScoreMetaData {
			if x.NodeID != al.NodeID {
				add("the next best node", "%s: %s", nodeName(s.Snapshot, x.NodeID), scoreText(x))
				break
			}
		}
	}
	if e := s.Eval(al.EvalID); e != nil {
		add("decided by", "evaluation %s (%s)", e.ID.Short(), e.TriggeredBy)
	}
	if !al.PreviousAllocation.IsZero() {
		add("took the place of", "%s", allocText(s, al.PreviousAllocation))
	}
	if !al.NextAllocation.IsZero() {
		add("its place was taken by", "%s", allocText(s, al.NextAllocation))
	}
	for _, id := range al.PreemptedAllocations {
		add("left for it", "%s", allocText(s, id))
	}
	if !al.PreemptedByAllocation.IsZero() {
		add("had to leave for", "%s", allocText(s, al.PreemptedByAllocation))
	}
	return facts
}

func scoreText(m *structs.NodeScoreMeta) string {
	var parts []string
	for name, score := range m.Scores {
		if score != 0 {
			parts = append(parts, fmt.Sprintf("%s %.3f", name, score))
		}
	}
	slices.Sort(parts)
	return fmt.Sprintf("%.3f (%s)", m.NormScore, strings.Join(parts, ", "))
}

func nodeName(s *state.Snapshot, id structs.ID) string {
	if n := s.Node(id); n != nil {
		return n.Name
	}
	return id.Short()
}

func allocText(s teller, id structs.ID) string {
	if a := s.Alloc(id); a != nil && !s.reads(a.Namespace) {
		return id.Short() + " of a namespace that you may not read"
	} else if a != nil {
		return fmt.Sprintf("%s (%s) on %s: %s", a.Name(), id.Short(), a.NodeName, a.ClientStatus)
	}
	return id.Short() + ", which is not there (any more)"
}
