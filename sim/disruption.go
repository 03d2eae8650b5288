package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tinylib/msgp/msgp"

	"berth/scheduler/check"
	"berth/state"
	"berth/structs"
)

// disruptions is an operator who taints nodes and sets disruption budgets, and the judge of who is made to leave. Its draws are
// its own.
type disruptions struct {
	cl   *cluster
	r    *rand.Rand
	over bool
}

// begin sets budgets over the jobs of the workload.
func (d *disruptions) begin() {
	for i, rule := range []structs.Disruption{{MinAvailable: "50%"}, {MaxUnavailable: "2"}} {
		b := &structs.DisruptionBudget{Namespace: structs.DefaultNamespace, Name: fmt.Sprintf("budget-%d", i), Job: fmt.Sprintf("job-%d*", i), Disruption: rule}
		d.cl.family.insist(structs.CmdDisruptionBudget, func() msgp.Marshaler { return &structs.DisruptionBudgetCommand{Budget: b} })
	}
	if d.cl.cfg.Preempt {
		config := structs.DefaultSchedulerConfiguration()
		config.PreemptionConfig.ServiceSchedulerEnabled, config.PreemptionConfig.BatchSchedulerEnabled = true, true
		d.cl.family.insist(structs.CmdSchedulerConfig, func() msgp.Marshaler { return &structs.SchedulerConfigCommand{Config: config} })
	}
	d.taint()
}

// preempted judges what left for another: only for one of a clearly higher priority.
func (d *disruptions) preempted(snap *state.Snapshot, a *structs.Allocation) {
	d.cl.preempted++
	by := snap.Alloc(a.PreemptedByAllocation)
	if by == nil || by.Job == nil || a.Job == nil {
		return // it is not placed yet, and may never be
	}
	if by.Job.Priority < a.Job.Priority+preemptGap || by.NodeID != a.NodeID {
		d.cl.problem("I42: %s of priority %d left for %s of priority %d", a.Name(), a.Job.Priority, by.Name(), by.Job.Priority)
	}
}

// preemptGap is by how much the priority of one for which others leave is higher.
const preemptGap = 10

// taint makes allocations leave a node, or keeps them off, and ends that a while later.
func (d *disruptions) taint() {
	if d.over {
		return
	}
	n := d.cl.nodes[d.r.IntN(len(d.cl.nodes))]
	effect := []string{structs.TaintNoSchedule, structs.TaintPreferNoSchedule, structs.TaintNoExecute, structs.TaintNoExecute}[d.r.IntN(4)]
	set := func(taints ...*structs.Taint) {
		if d.cl.log.store.Snapshot().Node(n.desc.ID) != nil {
			d.cl.w.say("node %d has %d taints", n.i, len(taints))
			d.cl.family.insist(structs.CmdNodeTaints, func() msgp.Marshaler { return &structs.NodeTaintsCommand{NodeID: n.desc.ID, Taints: taints} })
		}
	}
	set(&structs.Taint{Key: "maintenance", Effect: effect})
	d.cl.w.after(between(d.r, 3*time.Second, 60*time.Second), func() { set() })
	d.cl.w.after(between(d.r, 5*time.Second, 30*time.Second), d.taint)
}

// guard gives some jobs a disruption block.
func guard(j *structs.Job, r *rand.Rand) {
	rules := []*structs.Disruption{nil, nil, {MinAvailable: "75%"}, {MaxUnavailable: "1"}, {MinAvailable: "1"}}
	j.TaskGroups[0].Disruption = rules[r.IntN(len(rules))]
}

// judge looks at what is about to be asked to leave: no budget may be broken. A step in which a deadline forces is not judged.
func (d *disruptions) judge(snap *state.Snapshot, move []*structs.Allocation, now time.Time) {
	var taken []structs.ID
	for _, a := range move {
		if n := snap.Node(a.NodeID); n != nil && n.DrainStrategy != nil && !now.Before(n.DrainStrategy.ForceDeadline) {
			return
		}
		taken = append(taken, a.ID)
	}
	w := &check.World{Jobs: collect(snap.Jobs()), Allocs: collect(snap.Allocs())}
	for _, f := range check.Disrupted(w, collect(snap.DisruptionBudgets()), taken) {
		d.cl.problem("%s", f)
	}
}
