package scheduler_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"berth/structs"
)

// tolerationOf reads "key=value:Effect 5m"; without value it exists, "*" tolerates everything.
func tolerationOf(text string) (*structs.Toleration, error) {
	words := strings.Fields(text)
	t := &structs.Toleration{Operator: structs.TolerateExists}
	if len(words) > 1 {
		d, err := time.ParseDuration(words[1])
		if err != nil {
			return nil, err
		}
		t.Duration = &d
	}
	if words[0] == "*" {
		return t, nil
	}
	t.Key, t.Effect, _ = strings.Cut(words[0], ":")
	key, value, ok := strings.Cut(t.Key, "=")
	if ok {
		t.Key, t.Value, t.Operator = key, value, structs.TolerateEqual
	}
	return t, nil
}

// taint sets taints of a node, untaint removes those of a key: taint node-1 key=value:Effect.
func (s *script) taint(verb string, args []string) error {
	old := s.w.nodes[args[0]]
	if old == nil {
		return fmt.Errorf("there is no node %q", args[0])
	}
	n := *old
	taints := n.TaintsOf(structs.TaintFromOperator)
	for _, text := range args[1:] {
		if verb == "untaint" {
			taints = slices.DeleteFunc(slices.Clone(taints), func(t *structs.Taint) bool { return t.Key == text })
			continue
		}
		t, err := structs.ParseTaint(text)
		if err != nil {
			return err
		}
		taints = append(taints, t)
	}
	n.SetTaints(structs.TaintFromOperator, taints, s.w.now.UnixNano())
	s.w.putNode(&n)
	s.w.nodeEvent(&n, structs.EvalTriggerNodeUpdate)
	s.w.evictTainted()
	return nil
}

// evictTainted asks those to leave whose time on a tainted node is over, as the servers do.
func (w *world) evictTainted() {
	for _, a := range w.allocsOf(func(a *structs.Allocation) bool { return !a.Terminal() && a.DesiredTransition.Migrate == nil }) {
		n := w.nodes[a.NodeName]
		if n == nil {
			continue
		}
		if at, taint := n.LeavesAt(a.Job, a.Group()); taint != nil && !w.now.Before(at) {
			c := *a
			c.DesiredTransition.Migrate = new(true)
			w.putAlloc(&c)
			w.enqueue(a.JobID, structs.EvalTriggerNodeTaint)
		}
	}
}
