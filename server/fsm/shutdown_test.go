package fsm

import (
	"testing"
	"time"

	"berth/structs"
)

func TestANodeThatShutsDownIsDrainedAndComesBack(t *testing.T) {
	for name, c := range map[string]struct {
		before, between func(w *world, t *testing.T) // the shutdown; the return
		eligible        bool                         // after the return
		draining        bool
	}{
		"alone": {nil, nil, true, false},
		"done meanwhile": {nil, func(w *world, t *testing.T) {
			w.do(t, structs.CmdNodeDrain, &structs.NodeDrainCommand{NodeID: nodeID(1), Complete: true})
		}, true, false},
		"told again after that": {nil, func(w *world, t *testing.T) {
			w.do(t, structs.CmdNodeDrain, &structs.NodeDrainCommand{NodeID: nodeID(1), Complete: true})
			w.do(t, structs.CmdNodeShutdown, &structs.NodeShutdownCommand{NodeID: nodeID(1), Deadline: time.Hour})
		}, true, false},
		"closed before by the operator": {func(w *world, t *testing.T) {
			w.do(t, structs.CmdNodeEligibility, &structs.NodeEligibilityCommand{NodeID: nodeID(1), Eligibility: structs.NodeIneligible})
		}, nil, false, false},
		"closed meanwhile": {nil, func(w *world, t *testing.T) {
			w.do(t, structs.CmdNodeDrain, &structs.NodeDrainCommand{NodeID: nodeID(1), Complete: true})
			w.do(t, structs.CmdNodeEligibility, &structs.NodeEligibilityCommand{NodeID: nodeID(1), Eligibility: structs.NodeIneligible})
		}, false, false},
		"ended and kept closed meanwhile by the operator": {nil, func(w *world, t *testing.T) {
			w.do(t, structs.CmdNodeDrain, &structs.NodeDrainCommand{NodeID: nodeID(1)})
		}, false, false},
		"ended and opened meanwhile by the operator": {nil, func(w *world, t *testing.T) {
			w.do(t, structs.CmdNodeDrain, &structs.NodeDrainCommand{NodeID: nodeID(1), MarkEligible: true})
		}, true, false},
		"drained by the operator before": {func(w *world, t *testing.T) {
			w.do(t, structs.CmdNodeDrain, &structs.NodeDrainCommand{NodeID: nodeID(1), Strategy: &structs.DrainStrategy{}})
		}, nil, false, true},
		"drained by the operator meanwhile": {nil, func(w *world, t *testing.T) {
			w.do(t, structs.CmdNodeDrain, &structs.NodeDrainCommand{NodeID: nodeID(1), Strategy: &structs.DrainStrategy{}})
		}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.do(t, structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: node(1)})
			if c.before != nil {
				c.before(w, t)
			}
			had := w.snap().Node(nodeID(1)).DrainStrategy
			w.do(t, structs.CmdNodeShutdown, &structs.NodeShutdownCommand{NodeID: nodeID(1), Deadline: time.Hour, Force: true, IgnoreSystemJobs: true})
			n := w.snap().Node(nodeID(1))
			if had != nil && n.DrainStrategy != had {
				t.Errorf("the operator's drain is %+v", n.DrainStrategy)
			}
			if d := n.DrainStrategy; had == nil && (!d.Shutdown || d.Deadline != -1 || !d.IgnoreSystemJobs || !d.ForceDeadline.Equal(time.Unix(0, w.now).Add(time.Hour)) || n.SchedulingEligibility != structs.NodeIneligible) {
				t.Errorf("the drain is %+v", d)
			}
			if c.between != nil {
				c.between(w, t)
			}
			for range 2 {
				w.do(t, structs.CmdNodeShutdown, &structs.NodeShutdownCommand{NodeID: nodeID(1), Back: true})
				n = w.snap().Node(nodeID(1))
				if got := n.SchedulingEligibility == structs.NodeEligible; got != c.eligible || (n.DrainStrategy != nil) != c.draining {
					t.Errorf("back, it is %s, its drain %+v", n.SchedulingEligibility, n.DrainStrategy)
				}
			}
		})
	}
	w := newWorld()
	w.refuse(t, structs.KindNotFound, structs.CmdNodeShutdown, &structs.NodeShutdownCommand{NodeID: nodeID(1)})
}
