package fsm

import (
	"slices"
	"testing"

	"berth/structs"
)

func taintsOf(n *structs.Node) []string {
	var all []string
	for _, t := range n.Taints {
		all = append(all, t.String()+" "+t.Source)
	}
	return all
}

func told(texts ...string) []*structs.Taint {
	var all []*structs.Taint
	for _, text := range texts {
		t, err := structs.ParseTaint(text)
		if err != nil {
			panic(err)
		}
		all = append(all, t)
	}
	return all
}

// The node's configuration and its operator each own the taints they set.
func TestTaintsHaveTwoOwners(t *testing.T) {
	w := newWorld()
	n := node(1)
	n.Taints = told("dedicated=gpu:NoSchedule", "slow:PreferNoSchedule")
	w.do(t, structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: n})
	first := w.now
	expect := func(step string, want ...string) {
		t.Helper()
		if got := taintsOf(w.snap().Node(nodeID(1))); !slices.Equal(got, want) {
			t.Errorf("%s: %q, not %q", step, got, want)
		}
	}
	expect("registered", "dedicated=gpu:NoSchedule node", "slow:PreferNoSchedule node")
	w.do(t, structs.CmdNodeTaints, &structs.NodeTaintsCommand{NodeID: nodeID(1), Taints: told("maint:NoExecute"), Check: true, Evals: []*structs.Evaluation{eval(1, "web")}})
	set, index := w.now, w.index()
	expect("set", "dedicated=gpu:NoSchedule node", "maint:NoExecute operator", "slow:PreferNoSchedule node")

	again := node(1)
	again.Taints = told("dedicated=gpu:NoSchedule", "new:NoSchedule")
	w.do(t, structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: again})
	expect("registered again", "dedicated=gpu:NoSchedule node", "maint:NoExecute operator", "new:NoSchedule node")
	got := w.snap().Node(nodeID(1))
	if got.Taints[0].Since != first || got.Taints[1].Since != set || got.Taints[2].Since != w.now || got.TaintsIndex != index {
		t.Errorf("times %d %d %d, index %d", got.Taints[0].Since, got.Taints[1].Since, got.Taints[2].Since, got.TaintsIndex)
	}

	w.refuse(t, structs.KindConflict, structs.CmdNodeTaints, &structs.NodeTaintsCommand{NodeID: nodeID(1), Check: true, Index: index - 1})
	w.refuse(t, structs.KindConflict, structs.CmdNodeTaints, &structs.NodeTaintsCommand{NodeID: nodeID(1), Taints: told("dedicated=tpu:NoSchedule")})
	w.refuse(t, structs.KindInvalid, structs.CmdNodeTaints, &structs.NodeTaintsCommand{NodeID: nodeID(1), Taints: []*structs.Taint{{Key: "a", Effect: "Never"}}})
	w.refuse(t, structs.KindNotFound, structs.CmdNodeTaints, &structs.NodeTaintsCommand{NodeID: nodeID(9)})
	w.do(t, structs.CmdNodeTaints, &structs.NodeTaintsCommand{NodeID: nodeID(1), Taints: told("maint:NoExecute", "other=x:NoSchedule"), Check: true, Index: index})
	if got := w.snap().Node(nodeID(1)).Taints[1]; got.Since != set {
		t.Errorf("a taint that stays got another time: %+v", got)
	}
	w.do(t, structs.CmdNodeTaints, &structs.NodeTaintsCommand{NodeID: nodeID(1)})
	expect("removed", "dedicated=gpu:NoSchedule node", "new:NoSchedule node")

	bare := node(1)
	bare.Taints = []*structs.Taint{{Key: "", Effect: "x"}}
	w.do(t, structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: bare})
	expect("registered with what is no taint")
}
