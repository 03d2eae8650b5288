package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"berth/scheduler/check"
	"berth/state"
	"berth/structs"
)

// cluster is everything of one run.
type cluster struct {
	w        *world
	cfg      Config
	net      *network
	log      *orderedLog
	ctl      *control
	nodes    []*node
	users    *workload
	family   *family
	operator *disruptions
	chores   *chores
	laws     *laws
	tenant   *tenant
	r        *rand.Rand // of faults

	troubled bool // faults happen
	faults   int
	// preempted counts who left for others.
	preempted int
	problems  []string
	seen      map[structs.ID]*structs.Allocation // as of the last entry
	before    *state.Snapshot                    // as of the last entry, nil before the first
}

func newCluster(w *world, c Config) *cluster {
	cl := &cluster{w: w, cfg: c, net: newNetwork(w), log: newLog(w), users: newWorkload(w), r: w.rng("faults"), troubled: true,
		seen: map[structs.ID]*structs.Allocation{}}
	cl.ctl = newControl(w, cl.log)
	cl.family = newFamily(cl)
	cl.operator = &disruptions{cl: cl, r: w.rng("disruptions")}
	cl.chores, cl.laws = newChores(cl), newLaws()
	cl.tenant = &tenant{cl: cl, r: w.rng("tenant")}
	cl.ctl.leaving = cl.operator.judge
	cl.log.applied = cl.applied
	cl.log.refused = cl.refused
	ids, machines := w.ids("nodes"), w.rng("machines")
	for i := range c.Nodes {
		cl.nodes = append(cl.nodes, newNode(w, cl.net, cl.ctl, i, machine(ids.NewID(), ids.NewID(), i, machines)))
	}
	return cl
}

// begin starts the cluster, its users and its troubles.
func (cl *cluster) begin() {
	cl.ctl.lead()
	for _, n := range cl.nodes {
		cl.w.after(between(cl.r, 0, 2*time.Second), n.start)
	}
	cl.w.after(2*time.Second, cl.tenant.begin)
	cl.w.after(3*time.Second, cl.user)
	cl.w.after(5*time.Second, cl.trouble)
	cl.w.after(4*time.Second, cl.family.begin)
	cl.w.after(10*time.Second, cl.family.drain)
	cl.w.after(8*time.Second, cl.operator.begin)
	cl.w.after(6*time.Second, cl.chores.begin)
}

// user does one thing, and the next a while later.
func (cl *cluster) user() {
	if !cl.troubled {
		return
	}
	register, stop, purge := cl.users.step(cl.cfg.Jobs)
	switch {
	case !cl.ctl.alive: // it would be told that there is no leader
	case register != nil:
		j := register.Copy()
		j.Canonicalize()
		j.SubmitTime = cl.w.now
		cl.w.say("register %s: count %d", j.ID, j.TaskGroups[0].Desired())
		cl.log.propose(structs.CmdJobRegister, &structs.JobRegisterCommand{Job: j, Eval: cl.eval(j, structs.EvalTriggerJobRegister)}, ignore)
	default:
		if j := cl.log.store.Snapshot().Job(structs.DefaultNamespace, stop); j != nil {
			cl.w.say("stop %s (purge: %t)", stop, purge)
			cl.log.propose(structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: j.Namespace, JobID: j.ID, Purge: purge,
				Eval: cl.eval(j, structs.EvalTriggerJobDeregister)}, ignore)
		}
	}
	cl.w.after(between(cl.r, 200*time.Millisecond, 6*time.Second), cl.user)
}

func (cl *cluster) eval(j *structs.Job, trigger string) *structs.Evaluation {
	return &structs.Evaluation{ID: cl.ctl.ids.NewID(), Namespace: j.Namespace, JobID: j.ID, Type: j.Type, Priority: j.Priority, TriggeredBy: trigger,
		Status: structs.EvalStatusPending, CreateTime: cl.w.now, ModifyTime: cl.w.now}
}

// trouble makes one fault, and the next a while later.
func (cl *cluster) trouble() {
	if !cl.troubled {
		return
	}
	cl.faults++
	n := cl.nodes[cl.r.IntN(len(cl.nodes))]
	switch k := cl.r.IntN(9); k {
	case 0, 1: // an agent dies, its tasks live
		n.crash(false)
		cl.w.after(between(cl.r, 100*time.Millisecond, 30*time.Second), n.start)
	case 2: // a machine dies
		n.crash(true)
		cl.w.after(between(cl.r, 2*time.Second, 60*time.Second), n.start)
	case 3: // a node is cut off, in one direction or both
		dirs := cut{up: cl.r.IntN(2) == 0, down: true}
		if chance(cl.r, 0.5) {
			dirs = cut{up: true, down: dirs.up}
		}
		cl.w.say("node %d is cut off (up %t, down %t)", n.i, dirs.up, dirs.down)
		cl.net.cut[n.i] = dirs
		away := between(cl.r, time.Second, 40*time.Second)
		if chance(cl.r, 0.3) {
			away *= 5 // longer than most jobs wait
		}
		cl.w.after(away, func() { delete(cl.net.cut, n.i) })
	case 4: // the network is bad for everybody
		cl.w.say("the network turns bad")
		cl.net.loss, cl.net.dup, cl.net.slow = 0.2*cl.r.Float64(), 0.2*cl.r.Float64(), 0.2*cl.r.Float64()
		cl.w.after(between(cl.r, time.Second, 20*time.Second), func() { cl.net.loss, cl.net.dup, cl.net.slow = 0, 0, 0 })
	case 5: // the leader falls
		if cl.ctl.alive {
			cl.ctl.fall(between(cl.r, 300*time.Millisecond, 4*time.Second))
		}
	case 6: // tasks of a node fail
		n.flaky = cl.r.Float64()
		cl.w.after(between(cl.r, 5*time.Second, 40*time.Second), func() { n.flaky = 0 })
	case 7: // an operator closes a node, and opens it again
		if cl.ctl.alive && cl.log.store.Snapshot().Node(n.desc.ID) != nil {
			cl.eligibility(n, structs.NodeIneligible)
			cl.w.after(between(cl.r, 5*time.Second, 60*time.Second), func() { cl.eligibility(n, structs.NodeEligible) })
		}
	case 8: // a whole rack loses power
		for _, m := range cl.nodes {
			if m.i%racks == n.i%racks && chance(cl.r, 0.5) {
				m.crash(true)
				cl.w.after(between(cl.r, 5*time.Second, 50*time.Second), m.start)
			}
		}
	}
	cl.w.after(between(cl.r, 500*time.Millisecond, 12*time.Second), cl.trouble)
}

// eligibility opens or closes a node; while there is no leader it is tried again.
func (cl *cluster) eligibility(n *node, word string) {
	if !cl.ctl.alive {
		cl.w.after(time.Second, func() { cl.eligibility(n, word) })
		return
	}
	snap := cl.log.store.Snapshot()
	if snap.Node(n.desc.ID) == nil {
		return
	}
	done := false
	cl.log.propose(structs.CmdNodeEligibility, &structs.NodeEligibilityCommand{NodeID: n.desc.ID, Eligibility: word}, func(any, error) { done = true })
	cl.w.after(2*time.Second, func() {
		if !done {
			cl.eligibility(n, word)
		}
	})
}

// calm ends all faults: from now on everything has to come to rest.
func (cl *cluster) calm() {
	cl.w.say("calm")
	cl.troubled = false
	cl.net.calm()
	cl.family.end()
	cl.chores.end()
	for _, n := range cl.nodes {
		n.flaky = 0
		n.start()
	}
}

// problem notes what a checker found.
func (cl *cluster) problem(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	cl.problems = append(cl.problems, fmt.Sprintf("%.3f s: %s", float64(cl.w.now-epoch)/float64(time.Second), text))
	cl.w.say("PROBLEM %s", text)
}

// refused is called for commands the state machine refused: what a leader proposes for what is gone meanwhile may be refused,
// never for being malformed.
func (cl *cluster) refused(kind structs.CommandKind, err error) {
	if structs.KindOf(err) == structs.KindInvalid || structs.KindOf(err) == structs.KindInternal {
		cl.problem("command %d was refused: %v", kind, err)
	}
	cl.w.say("refused: %v", err)
}

// applied checks the state after every entry: what changed, and the nodes and jobs it concerns.
func (cl *cluster) applied(*structs.LogEntry) {
	snap := cl.log.store.Snapshot()
	nodes, jobs := map[structs.ID]bool{}, map[structs.JobKey]bool{}
	var placed, changed []*structs.Allocation
	for a := range snap.Allocs() {
		if a.ClientStatus == structs.AllocClientUnknown {
			if p := checkUnknown(a, snap.Job(a.Namespace, a.JobID), snap.Node(a.NodeID), cl.w.time()); p != "" {
				cl.problem("%s", p)
			}
		}
		before := cl.seen[a.ID]
		if before == a {
			continue
		}
		cl.seen[a.ID] = a
		var was *structs.Node
		if cl.before != nil {
			was = cl.before.Node(a.NodeID)
		}
		for _, p := range checkEntry(before, a, was, snap.Node(a.NodeID)) {
			cl.problem("%s", p)
		}
		if before == nil {
			cl.checkBeside(a, snap.Alloc(a.PreviousAllocation))
			placed = append(placed, a)
		} else if before.ClientStatus != a.ClientStatus {
			changed = append(changed, a)
		}
		if !a.PreemptedByAllocation.IsZero() && (before == nil || before.PreemptedByAllocation.IsZero()) {
			cl.operator.preempted(snap, a)
		}
		nodes[a.NodeID] = true
		jobs[structs.JobKey{Namespace: a.Namespace, ID: a.JobID}] = true
	}
	for _, id := range sortedKeys(nodes, func(id structs.ID) string { return string(id[:]) }) {
		n := snap.Node(id)
		if n == nil {
			continue
		}
		here := collect(snap.AllocsByNode(id))
		for _, f := range check.State(&check.World{Nodes: []*structs.Node{n}, Allocs: here}) {
			cl.problem("%s", f)
		}
		for _, p := range checkNode(n, here) {
			cl.problem("%s", p)
		}
	}
	for _, key := range sortedKeys(jobs, func(k structs.JobKey) string { return k.Namespace + "/" + k.ID }) {
		j := snap.Job(key.Namespace, key.ID)
		if j == nil {
			continue
		}
		for _, p := range checkJob(j, collect(snap.AllocsByJob(key.Namespace, key.ID)), cl.w.time()) {
			cl.problem("%s", p)
		}
	}
	cl.family.check(snap)
	for _, p := range cl.laws.look(snap, cl.w.now, placed, changed) {
		cl.problem("%s", p)
	}
	cl.tenant.check(snap)
	cl.before = snap
	cl.ctl.applied()
}

// besideMin is the shortest stop_on_client_after that is judged: less is within what messages and stops may take.
const besideMin = 10 * time.Second

// checkBeside finds a replacement that was made while what it replaces still runs, though its node was to stop it by itself before.
func (cl *cluster) checkBeside(a, previous *structs.Allocation) {
	if previous == nil || previous.ClientStatus != structs.AllocClientLost {
		return
	}
	after, asked := stopAfter(previous.Group())
	if now, ok := stopAfter(a.Group()); !asked || !ok || now != after || after < besideMin {
		return
	}
	for _, n := range cl.nodes {
		t := n.tasks[previous.ID]
		if n.desc.ID == previous.NodeID && t != nil && t.running && !t.stop && n.up && cl.w.now-n.born > int64(after+besideMin) {
			cl.problem("I25: %s runs %s, which was to stop by itself and was replaced", n.desc.Name, previous.ID.Short())
		}
	}
}

// judge looks at the end.
func (cl *cluster) judge() {
	snap := cl.log.store.Snapshot()
	v := view{nodes: collect(snap.Nodes()), jobs: collect(snap.Jobs()), allocs: collect(snap.Allocs()), evals: collect(snap.Evals()),
		deployments: collect(snap.Deployments()), refused: map[structs.JobKey]bool{}}
	for _, j := range v.jobs {
		never := len(collect(snap.AllocsByJob(j.Namespace, j.ID))) == 0 && mayRefuse(j) // one in front may be mended since
		v.refused[j.Key()] = never || refuses(beside(snap, j), j)
	}
	for _, p := range slices.Concat(checkReferences(v), checkQuiet(v), cl.laws.rest(snap, cl.w.now)) {
		cl.problem("%s", p)
	}
	for _, f := range check.State(&check.World{Nodes: v.nodes, Jobs: v.jobs, Allocs: v.allocs, Deployments: v.deployments}) {
		cl.problem("check: %s", f)
	}
	cl.judgeNodes(v)
}

// judgeNodes compares what runs on the machines with what the servers think.
func (cl *cluster) judgeNodes(v view) {
	live := map[structs.ID]bool{}
	for _, a := range v.allocs {
		if !a.Terminal() {
			live[a.ID] = true
		}
	}
	for _, n := range cl.nodes {
		for _, t := range n.sorted() {
			if t.running && !live[t.alloc.ID] {
				cl.problem("I20: %s runs %s, which is over for the servers", n.desc.Name, t.alloc.ID.Short())
			}
			if !t.running && live[t.alloc.ID] {
				cl.problem("I13: %s does not run %s, which is live for the servers", n.desc.Name, t.alloc.ID.Short())
			}
		}
	}
}
