package sim

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"berth/structs"
)

// The timing of a simulated node.
const (
	watchTimeout  = 10 * time.Second // an unanswered watch is asked again
	reportTimeout = 3 * time.Second  // an unanswered report is sent again
	startupMax    = 2 * time.Second
	stopMax       = 4 * time.Second
	guardEvery    = time.Second
)

// node models a client and its machine: what it was told, what it runs, what it has not yet managed to report.
type node struct {
	w    *world
	net  *network
	ctl  servers
	i    int
	desc *structs.Node
	r    *rand.Rand

	up         bool
	life       int // grows with every start; what belongs to an earlier life does nothing
	registered bool
	ttl        time.Duration
	born       int64 // when this life began
	beaten     int64 // when they last answered a heartbeat
	index      uint64
	watch      int // grows with every watch sent; older answers are ignored
	report     int
	tasks      map[structs.ID]*instance
	flaky      float64 // probability that a task started now will fail
	moody      float64 // the same with an exit code, of a group that says what follows from one
}

// servers is what a node can ask of the control plane. Replies run later, or never.
type servers interface {
	register(n *structs.Node, reply func(ttl time.Duration))
	heartbeat(id structs.ID, reply func(known bool, ttl time.Duration))
	allocs(id structs.ID, minIndex uint64, maxWait time.Duration, reply func(index uint64, allocs []*structs.Allocation))
	update(id structs.ID, updates []*structs.AllocClientUpdate, reply func())
}

// instance is one allocation on its node.
type instance struct {
	alloc   *structs.Allocation
	status  string
	running bool // a process exists on the machine
	stop    bool // asked to stop
	healthy *bool
	at      int64
	dirty   bool // the servers have not confirmed this status
	version int  // grows with every change, so that a late confirmation does not hide a newer one
	step    int  // grows when what was scheduled for it no longer counts
	exit    int  // what its task ended with, when it did not end well
}

func newNode(w *world, net *network, ctl servers, i int, desc *structs.Node) *node {
	return &node{w: w, net: net, ctl: ctl, i: i, desc: desc, r: w.rng(fmt.Sprintf("node %d", i)), tasks: map[structs.ID]*instance{}}
}

// start boots the machine, or only its agent when the tasks survived.
func (n *node) start() {
	if n.up {
		return
	}
	n.up, n.registered, n.index = true, false, 0
	n.beaten, n.born = n.w.now, n.w.now
	n.life++
	n.watch++
	n.w.say("node %d starts with %d tasks", n.i, n.runs())
	for _, t := range n.sorted() {
		if !t.running && t.status == structs.AllocClientRunning {
			n.set(t, structs.AllocClientFailed) // the machine died under it
		}
		t.dirty = true
		n.reconcile(t, t.alloc)
	}
	n.tryRegister()
	n.guard()
}

// guard stops what must not run without the servers for longer than its job says.
func (n *node) guard() {
	for _, t := range n.sorted() {
		if after, asked := stopAfter(t.alloc.Group()); asked && n.w.now-n.beaten >= int64(max(after, n.ttl)) {
			n.halt(t)
		}
	}
	n.later(guardEvery, n.guard)
}

// stopAfter is how long a group may run without the servers.
func stopAfter(g *structs.TaskGroup) (time.Duration, bool) {
	if g == nil || g.Disconnect == nil || g.Disconnect.StopOnClientAfter == nil {
		return 0, false
	}
	return *g.Disconnect.StopOnClientAfter, true
}

// crash stops the agent at once. With the machine gone its processes are gone too.
func (n *node) crash(machine bool) {
	if !n.up {
		return
	}
	n.up = false
	n.life++
	n.w.say("node %d crashes (machine: %t)", n.i, machine)
	for _, t := range n.sorted() {
		if machine || t.status == structs.AllocClientPending {
			t.step++
			t.running = false
		}
	}
}

// later runs f unless the node's life ended before.
func (n *node) later(d time.Duration, f func()) {
	life := n.life
	n.w.after(d, func() {
		if n.up && n.life == life {
			f()
		}
	})
}

// back wraps a reply: it crosses the network and is dropped by a later life.
func (n *node) back(f func()) func() {
	life := n.life
	return func() {
		n.net.toNode(n.i, func() {
			if n.up && n.life == life {
				f()
			}
		})
	}
}

func (n *node) tryRegister() {
	desc := *n.desc
	reply := func(ttl time.Duration) {
		n.back(func() {
			if n.registered {
				return
			}
			n.registered, n.ttl, n.beaten = true, ttl, n.w.now
			for _, t := range n.tasks {
				t.dirty = true // the servers may have thought otherwise meanwhile
			}
			n.beat()
			n.poll()
			n.send()
		})()
	}
	n.net.toServers(n.i, func() { n.ctl.register(&desc, reply) })
	n.later(between(n.r, time.Second, 3*time.Second), func() {
		if !n.registered {
			n.tryRegister()
		}
	})
}

func (n *node) beat() {
	reply := func(known bool, ttl time.Duration) {
		n.back(func() {
			if !known && n.registered {
				n.registered = false
				n.tryRegister()
				return
			}
			if silent := n.w.now - n.beaten; silent > int64(n.ttl) {
				for _, t := range n.tasks {
					t.dirty = true
				}
				n.send()
			}
			n.ttl, n.beaten = ttl, n.w.now
		})()
	}
	n.net.toServers(n.i, func() { n.ctl.heartbeat(n.desc.ID, reply) })
	life := n.registered
	n.later(between(n.r, n.ttl/3, n.ttl/2), func() {
		if life && n.registered {
			n.beat()
		}
	})
}

// poll asks for allocations newer than what the node knows, and again when nothing comes.
func (n *node) poll() {
	n.watch++
	mine := n.watch
	again := func() {
		if n.registered && n.watch == mine {
			n.poll()
		}
	}
	reply := func(index uint64, allocs []*structs.Allocation) {
		n.back(func() {
			if n.watch == mine {
				n.accept(index, allocs)
				n.later(between(n.r, 0, 5*time.Millisecond), again)
			}
		})()
	}
	min := n.index
	n.net.toServers(n.i, func() { n.ctl.allocs(n.desc.ID, min, watchTimeout/2, reply) })
	n.later(watchTimeout, again)
}

// accept takes what should be on the node. What is not in it was reaped.
func (n *node) accept(index uint64, allocs []*structs.Allocation) {
	if index < n.index {
		return
	}
	n.index = index
	wanted := map[structs.ID]bool{}
	for _, a := range allocs {
		wanted[a.ID] = true
		t := n.tasks[a.ID]
		if t == nil {
			if a.ClientTerminal() {
				continue
			}
			t = &instance{alloc: a, status: structs.AllocClientPending, at: n.w.now}
			n.tasks[a.ID] = t
		}
		n.reconcile(t, a)
	}
	for _, t := range n.sorted() {
		if !wanted[t.alloc.ID] {
			n.halt(t)
			if !t.running {
				delete(n.tasks, t.alloc.ID)
			}
		}
	}
}

// reconcile compares one instance with what it should be and takes the next step.
func (n *node) reconcile(t *instance, a *structs.Allocation) {
	if t.alloc.DeploymentID != a.DeploymentID && !terminal(t.status) {
		t.healthy, t.at = nil, n.w.now // it is judged anew for the deployment it was moved to
	}
	t.alloc = a
	if a.ClientStatus == structs.AllocClientUnknown && t.status != structs.AllocClientPending {
		n.changed(t) // the servers had lost sight of it
	}
	switch {
	case a.ServerTerminal():
		n.halt(t)
	case t.status == structs.AllocClientPending:
		n.begin(t)
	}
	n.watchHealth(t)
}

// begin starts the process.
func (n *node) begin(t *instance) {
	t.step++
	step := t.step
	r := n.w.rng("task " + t.alloc.ID.String())
	n.later(between(r, 20*time.Millisecond, startupMax), func() {
		if t.step != step || t.stop || t.status != structs.AllocClientPending {
			return
		}
		t.running = true
		n.set(t, structs.AllocClientRunning)
		n.plan(t, r)
		n.watchHealth(t)
	})
}

// plan decides how the process will end by itself. It runs on while the agent is away.
func (n *node) plan(t *instance, r *rand.Rand) {
	step := t.step
	fails := chance(r, n.flaky)
	length := between(r, time.Second, 40*time.Second)
	exit := 0
	if t.alloc.Group().Completion != nil && chance(r, n.moody) {
		exit, fails = exitCodes[r.IntN(len(exitCodes))], true
	}
	if t.alloc.Job.Type != structs.JobTypeBatch && !fails {
		return // a service runs on
	}
	n.w.after(length, func() {
		if t.step != step || !t.running {
			return
		}
		t.running, t.exit = false, exit
		status := structs.AllocClientComplete
		if fails {
			status = structs.AllocClientFailed
		}
		n.set(t, status)
	})
}

// halt stops the process; it takes a moment. The end is reported as complete.
func (n *node) halt(t *instance) {
	if t.stop || terminal(t.status) {
		return
	}
	t.stop = true
	r := n.w.rng("stop " + t.alloc.ID.String())
	n.w.after(between(r, 10*time.Millisecond, stopMax), func() {
		if terminal(t.status) {
			return
		}
		t.running = false
		n.set(t, structs.AllocClientComplete)
	})
}

// watchHealth reports the allocation healthy when it ran long enough for its deployment.
func (n *node) watchHealth(t *instance) {
	if t.alloc.DeploymentID.IsZero() || t.healthy != nil || t.status != structs.AllocClientRunning {
		return
	}
	g := t.alloc.Group()
	if g == nil || g.Update == nil || g.Update.MinHealthyTime == nil {
		return
	}
	step, deployment := t.step, t.alloc.DeploymentID
	n.later(max(0, *g.Update.MinHealthyTime-time.Duration(n.w.now-t.at)), func() {
		if t.step == step && t.running && t.healthy == nil && t.alloc.DeploymentID == deployment {
			t.healthy = new(true)
			n.changed(t)
		}
	})
}

// set moves the instance to another status.
func (n *node) set(t *instance, status string) {
	t.status, t.at = status, n.w.now
	if status == structs.AllocClientFailed && !t.alloc.DeploymentID.IsZero() && t.healthy == nil {
		t.healthy = new(false)
	}
	n.changed(t)
}

func (n *node) changed(t *instance) {
	t.dirty = true
	t.version++
	if n.up && n.registered {
		n.send()
	}
}

// send reports everything not confirmed yet, until it is confirmed.
func (n *node) send() {
	var updates []*structs.AllocClientUpdate
	var sent []*instance
	var versions []int
	for _, t := range n.sorted() {
		if t.dirty && t.status != structs.AllocClientPending {
			updates = append(updates, n.update(t))
			sent, versions = append(sent, t), append(versions, t.version)
		}
	}
	if len(updates) == 0 || !n.registered {
		return
	}
	n.report++
	mine := n.report
	reply := func() {
		n.back(func() {
			for k, t := range sent {
				if t.version == versions[k] {
					t.dirty = false
				}
			}
		})()
	}
	n.net.toServers(n.i, func() { n.ctl.update(n.desc.ID, updates, reply) })
	n.later(reportTimeout, func() {
		if n.report == mine {
			n.send()
		}
	})
}

// update is what the servers are told of one instance.
func (n *node) update(t *instance) *structs.AllocClientUpdate {
	at := time.Unix(0, t.at).UTC()
	state := &structs.TaskState{State: structs.TaskStateRunning, StartedAt: at}
	if terminal(t.status) {
		state.State, state.FinishedAt, state.Failed = structs.TaskStateDead, at, t.status == structs.AllocClientFailed
	}
	if t.exit != 0 {
		state.Events = []*structs.TaskEvent{{Type: structs.TaskTerminated, Time: t.at, Details: map[string]string{"exit_code": strconv.Itoa(t.exit)}}}
	}
	u := &structs.AllocClientUpdate{ID: t.alloc.ID, NodeID: n.desc.ID, ClientStatus: t.status, TaskStates: map[string]*structs.TaskState{"main": state}}
	if t.healthy != nil {
		u.DeploymentStatus = &structs.AllocDeploymentStatus{Healthy: new(*t.healthy), Timestamp: at}
	}
	return u
}

// sorted lists the instances by id.
func (n *node) sorted() []*instance {
	return sortedBy(n.tasks, func(id structs.ID) string { return string(id[:]) })
}

// runs counts the processes on the machine.
func (n *node) runs() int {
	running := 0
	for _, t := range n.tasks {
		if t.running {
			running++
		}
	}
	return running
}

func terminal(status string) bool {
	switch status {
	case structs.AllocClientComplete, structs.AllocClientFailed, structs.AllocClientLost:
		return true
	}
	return false
}
