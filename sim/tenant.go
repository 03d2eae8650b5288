package sim

import (
	"math/rand/v2"
	"time"

	"github.com/tinylib/msgp/msgp"

	"berth/state"
	"berth/structs"
)

// tenant is an operator who sets a queue over the jobs of the workload for a while, and the judge of what they hold. Its draws are its own.
type tenant struct {
	cl *cluster
	r  *rand.Rand
}

const tenantQueue = "everybody"

// begin sets the queue before there are jobs: its limit never changes, so that nothing may ever be beyond it. In some runs there is none.
func (t *tenant) begin() {
	if chance(t.r, 0.4) {
		return
	}
	var all structs.QueueAmount
	for _, n := range t.cl.nodes {
		r := n.desc.NodeResources
		all = all.Plus(structs.QueueAmount{CPU: r.Cpu.CpuShares, MemoryMB: r.Memory.MemoryMB}, 1)
	}
	q := &structs.Queue{Name: tenantQueue, Namespaces: []string{structs.QueueRest},
		Limit: structs.QueueAmount{CPU: all.CPU * int64(20+t.r.IntN(60)) / 100, MemoryMB: all.MemoryMB * int64(20+t.r.IntN(60)) / 100}}
	t.cl.family.insist(structs.CmdQueue, func() msgp.Marshaler { return &structs.QueueCommand{Queue: q} })
	t.cl.w.after(between(t.r, 60*time.Second, 10*time.Minute), t.end)
}

// end removes the queue, if it is still there: then everything has its place again.
func (t *tenant) end() {
	if t.cl.log.store.Snapshot().Queue(tenantQueue) != nil {
		t.cl.w.say("the queue goes")
		t.cl.log.propose(structs.CmdQueueDelete, &structs.NameDeleteCommand{Names: []string{tenantQueue}}, ignore)
		t.cl.w.after(5*time.Second, t.end)
	}
}

// check looks at what the queue's jobs hold: no more than the limit, and with what leaves no more than twice that and one allocation, which
// may have been larger than the one in its place.
func (t *tenant) check(snap *state.Snapshot) {
	q := snap.Queue(tenantQueue)
	if q == nil {
		return
	}
	var held, leaving, largest structs.QueueAmount
	for a := range snap.Allocs() {
		if a.Job == nil || !structs.InQueues(a.Job.Type) || !a.HoldsResources() || snap.Node(a.NodeID) == nil {
			continue
		}
		r := a.AllocatedResources.Comparable()
		one := structs.QueueAmount{CPU: r.CPU, MemoryMB: r.MemoryMB}
		largest = largest.Most(one)
		if a.ServerTerminal() {
			leaving = leaving.Plus(one, 1)
		} else {
			held = held.Plus(one, 1)
		}
	}
	if !held.Within(q.Limit) {
		t.cl.problem("I29: queue %s holds %s of %s", q.Name, held, q.Limit)
	}
	if all := held.Plus(leaving, 1); !all.Within(q.Limit.Plus(q.Limit, 1).Plus(largest, 1)) {
		t.cl.problem("I29: queue %s holds %s of %s, and %s leaves", q.Name, held, q.Limit, leaving)
	}
}
