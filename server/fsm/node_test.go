package fsm

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"berth/structs"
)

func TestRegisteringAgainKeepsWhatOperatorsDecided(t *testing.T) {
	w := newWorld()
	n := node(1)
	n.NodePool = "gpu"
	w.do(t, structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: n, Evals: []*structs.Evaluation{eval(1, "web")}})
	got := w.snap().Node(nodeID(1))
	if !got.Ready() || got.CreateIndex != 1 || len(got.Events) != 1 || got.Events[0].Message != "Node registered" {
		t.Fatalf("registered: %+v", got)
	}
	if w.snap().NodePool("gpu") == nil || w.snap().Eval(evalID(1)) == nil {
		t.Error("the pool or the evaluation is missing")
	}
	w.do(t, structs.CmdNodeDrain, &structs.NodeDrainCommand{NodeID: nodeID(1), Meta: map[string]string{"why": "disk"},
		Strategy: &structs.DrainStrategy{DrainSpec: structs.DrainSpec{Deadline: time.Hour}}})
	w.do(t, structs.CmdNodeStatus, &structs.NodeStatusCommand{NodeID: nodeID(1), Status: structs.NodeStatusDown})
	missed := w.index()
	again := node(1)
	again.Attributes = map[string]string{"kernel": "7"}
	w.do(t, structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: again})
	got = w.snap().Node(nodeID(1))
	if got.DrainStrategy == nil || got.SchedulingEligibility != structs.NodeIneligible || got.LastDrain.Meta["why"] != "disk" ||
		got.CreateIndex != 1 || got.ModifyIndex != w.index() || got.LastMissedHeartbeat != missed || got.Attributes["kernel"] != "7" {
		t.Errorf("registered again: %+v", got)
	}
	if last := got.Events[len(got.Events)-1]; last.Message != "Node re-registered" || last.CreateIndex != w.index() {
		t.Errorf("last event %+v", last)
	}
	bad := node(2)
	bad.NodePool = structs.NodePoolAll
	w.refuse(t, structs.KindInvalid, structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: bad})
	w.refuse(t, structs.KindInvalid, structs.CmdNodeRegister, &structs.NodeRegisterCommand{})
}

func TestNodeStatusEligibilityAndEvents(t *testing.T) {
	w := newWorld()
	w.do(t, structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: node(1)})
	for i := range structs.MaxNodeEvents + 2 {
		w.do(t, structs.CmdNodeStatus, &structs.NodeStatusCommand{NodeID: nodeID(1), Status: structs.NodeStatusReady,
			Description: "d", Event: &structs.NodeEvent{Message: fmt.Sprint(i), Subsystem: "Cluster"}})
	}
	n := w.snap().Node(nodeID(1))
	if len(n.Events) != structs.MaxNodeEvents || n.Events[0].Message != "2" || n.StatusDescription != "d" || n.StatusUpdatedAt != 1e9+1 {
		t.Errorf("%d events from %q, updated at %d", len(n.Events), n.Events[0].Message, n.StatusUpdatedAt)
	}
	w.do(t, structs.CmdNodeEligibility, &structs.NodeEligibilityCommand{NodeID: nodeID(1), Eligibility: structs.NodeIneligible})
	if w.snap().Node(nodeID(1)).Ready() {
		t.Error("an ineligible node is ready")
	}
	w.refuse(t, structs.KindInvalid, structs.CmdNodeEligibility, &structs.NodeEligibilityCommand{NodeID: nodeID(1), Eligibility: "maybe"})
	w.refuse(t, structs.KindNotFound, structs.CmdNodeEligibility, &structs.NodeEligibilityCommand{NodeID: nodeID(2), Eligibility: "eligible"})
	w.refuse(t, structs.KindInvalid, structs.CmdNodeStatus, &structs.NodeStatusCommand{NodeID: nodeID(1), Status: "tired"})
	w.refuse(t, structs.KindNotFound, structs.CmdNodeStatus, &structs.NodeStatusCommand{NodeID: nodeID(2), Status: "down"})
	w.refuse(t, structs.KindNotFound, structs.CmdNodeDrain, &structs.NodeDrainCommand{NodeID: nodeID(2)})
	w.do(t, structs.CmdNodeDeregister, &structs.NodeDeregisterCommand{NodeID: nodeID(1)})
	w.refuse(t, structs.KindNotFound, structs.CmdNodeDeregister, &structs.NodeDeregisterCommand{NodeID: nodeID(1)})
}

func TestDrainsBeginChangeAndEnd(t *testing.T) {
	w := newWorld()
	w.do(t, structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: node(1)})
	drain := func(d time.Duration) *structs.NodeDrainCommand {
		return &structs.NodeDrainCommand{NodeID: nodeID(1), Strategy: &structs.DrainStrategy{DrainSpec: structs.DrainSpec{Deadline: d}}}
	}
	w.do(t, structs.CmdNodeDrain, drain(time.Hour))
	began := time.Unix(0, w.now)
	n := w.snap().Node(nodeID(1))
	if !n.DrainStrategy.StartedAt.Equal(began) || !n.DrainStrategy.ForceDeadline.Equal(began.Add(time.Hour)) || n.LastDrain.Status != "draining" {
		t.Fatalf("drain %+v, last %+v", n.DrainStrategy, n.LastDrain)
	}
	err := w.refuse(t, structs.KindConflict, structs.CmdNodeEligibility, &structs.NodeEligibilityCommand{NodeID: nodeID(1), Eligibility: "eligible"})
	if !strings.Contains(err.Error(), "can not set node's scheduling eligibility to eligible while it is draining") {
		t.Error(err)
	}
	w.do(t, structs.CmdNodeDrain, drain(2*time.Hour))
	n = w.snap().Node(nodeID(1))
	if !n.DrainStrategy.StartedAt.Equal(began) || !n.DrainStrategy.ForceDeadline.Equal(time.Unix(0, w.now).Add(2*time.Hour)) {
		t.Errorf("changed drain %+v", n.DrainStrategy)
	}
	w.do(t, structs.CmdNodeDrain, &structs.NodeDrainCommand{NodeID: nodeID(1), Complete: true})
	n = w.snap().Node(nodeID(1))
	if n.DrainStrategy != nil || n.LastDrain.Status != "complete" || n.SchedulingEligibility != structs.NodeIneligible {
		t.Errorf("after the drain %+v", n)
	}
	w.do(t, structs.CmdNodeDrain, drain(-1))
	w.do(t, structs.CmdNodeDrain, &structs.NodeDrainCommand{NodeID: nodeID(1), MarkEligible: true})
	if n = w.snap().Node(nodeID(1)); n.LastDrain.Status != "canceled" || !n.Ready() {
		t.Errorf("after the cancelled drain %+v", n)
	}
}

func TestSchedulerConfigNamespacesAndPools(t *testing.T) {
	w := cluster(t, 1)
	if c := w.snap().SchedulerConfig(); c == nil || c.SchedulerAlgorithm != structs.SchedulerBinpack {
		t.Fatalf("default configuration %+v", c)
	}
	set := func(index uint64) *structs.SchedulerConfigCommand {
		return &structs.SchedulerConfigCommand{Config: &structs.SchedulerConfiguration{SchedulerAlgorithm: "spread"}, Check: true, Index: index}
	}
	w.refuse(t, structs.KindConflict, structs.CmdSchedulerConfig, set(4))
	w.do(t, structs.CmdSchedulerConfig, set(0))
	w.do(t, structs.CmdSchedulerConfig, set(w.index()))
	w.refuse(t, structs.KindInvalid, structs.CmdSchedulerConfig, &structs.SchedulerConfigCommand{})

	names := func(n ...string) *structs.NameDeleteCommand { return &structs.NameDeleteCommand{Names: n} }
	w.do(t, structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "team"}}})
	j := job("theirs", 1)
	j.Namespace = "team"
	w.do(t, structs.CmdJobRegister, register(j))
	w.refuse(t, structs.KindConflict, structs.CmdNamespaceDelete, names("team"))
	w.do(t, structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: "team", JobID: "theirs"})
	w.refuse(t, structs.KindInvalid, structs.CmdNamespaceDelete, names("team", "default"))
	w.do(t, structs.CmdNamespaceDelete, names("team"))
	w.refuse(t, structs.KindNotFound, structs.CmdNamespaceDelete, names("team"))
	w.refuse(t, structs.KindInvalid, structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{nil}})

	pools := func(n string) *structs.NodePoolUpsertCommand {
		return &structs.NodePoolUpsertCommand{Pools: []*structs.NodePool{{Name: n}}}
	}
	w.do(t, structs.CmdNodePoolUpsert, pools("gpu"))
	w.refuse(t, structs.KindInvalid, structs.CmdNodePoolUpsert, pools("all"))
	w.refuse(t, structs.KindInvalid, structs.CmdNodePoolUpsert, pools(""))
	n := node(2)
	n.NodePool = "gpu"
	w.do(t, structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: n})
	w.refuse(t, structs.KindConflict, structs.CmdNodePoolDelete, names("gpu"))
	w.do(t, structs.CmdNodeDeregister, &structs.NodeDeregisterCommand{NodeID: nodeID(2)})
	j = job("on-gpu", 1)
	j.NodePool = "gpu"
	w.do(t, structs.CmdJobRegister, register(j))
	w.refuse(t, structs.KindConflict, structs.CmdNodePoolDelete, names("gpu"))
	w.do(t, structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: "default", JobID: "on-gpu", Purge: true})
	w.do(t, structs.CmdNodePoolDelete, names("gpu"))
	w.refuse(t, structs.KindInvalid, structs.CmdNodePoolDelete, names("default"))
	w.refuse(t, structs.KindNotFound, structs.CmdNodePoolDelete, names("gpu"))
}
