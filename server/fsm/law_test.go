package fsm

import (
	"bytes"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"berth/state"
	"berth/structs"
)

func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		g := &generator{T: t, w: w}
		follower := w.store.Follow(state.TableJobs, state.TableNodes, state.TableAllocs, state.TableEvals, state.TableDeployments)
		defer follower.Close()
		copied := newCopy()
		var answers [][]Result
		var middle bytes.Buffer
		middleAt := 0
		for i := range rapid.IntRange(1, 60).Draw(t, "entries") {
			before := w.snap()
			watched := watchSome(t, before)
			cmds, registers := g.commands()
			answers = append(answers, w.entry(cmds...))
			after := w.snap()
			watched.check(t, after)
			noOvercommit(t, before, after, registers)
			if rapid.IntRange(0, 3).Draw(t, "poll") == 0 {
				copied.take(follower)
				copied.is(t, after)
			}
			if i == 20 {
				if err := WriteSnapshot(&middle, after); err != nil {
					t.Fatal(err)
				}
				middleAt = len(w.log)
			}
		}
		live := w.snap()
		derivedIsRight(t, live)
		copied.take(follower)
		copied.is(t, live)

		replayed := state.New()
		machine := New(replayed)
		for i, data := range w.log {
			got := applyTo(machine, i+1, data)
			for k := range got {
				if fmt.Sprint(got[k].Err) != fmt.Sprint(answers[i][k].Err) {
					t.Fatalf("entry %d, command %d: replayed answer %v, live %v", i+1, k, got[k].Err, answers[i][k].Err)
				}
			}
		}
		sameState(t, "replayed", replayed.Snapshot(), live)

		if middleAt > 0 {
			resumed := state.New()
			if err := ReadSnapshot(&middle, resumed); err != nil {
				t.Fatal(err)
			}
			for i, data := range w.log[middleAt:] {
				applyTo(New(resumed), middleAt+i+1, data)
			}
			sameState(t, "resumed", resumed.Snapshot(), live)
		}
		var end bytes.Buffer
		if err := WriteSnapshot(&end, live); err != nil {
			t.Fatal(err)
		}
		written := bytes.Clone(end.Bytes())
		if err := ReadSnapshot(&end, replayed); err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		if err := WriteSnapshot(&again, replayed.Snapshot()); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Bytes(), written) {
			t.Fatal("the snapshot of a restored state has other bytes than the one it was restored from")
		}
		sameState(t, "restored", replayed.Snapshot(), live)
		derivedIsRight(t, replayed.Snapshot())
	})
}

func sameState(t *rapid.T, what string, got, want *state.Snapshot) {
	t.Helper()
	if got.Hash() != want.Hash() {
		t.Fatalf("the %s state differs from the live one", what)
	}
	if got.Chain() != want.Chain() {
		t.Fatalf("the %s rolling hash is %v, live %v", what, got.Chain(), want.Chain())
	}
	for n := range want.Nodes() {
		if !reflect.DeepEqual(normal(got.NodeUse(n.ID)), normal(want.NodeUse(n.ID))) {
			t.Fatalf("%s: node %s is used %+v, live %+v", what, n.ID, got.NodeUse(n.ID), want.NodeUse(n.ID))
		}
	}
	for a := range got.Allocs() {
		if a.Job == nil || a.Job.Version != a.JobVersion {
			t.Fatalf("%s: allocation %s is linked to %v", what, a.ID, a.Job)
		}
	}
}

// noOvercommit: a node's allocations hold more than it has only if they did before, or it registered anew.
func noOvercommit(t *rapid.T, before, after *state.Snapshot, registers map[structs.ID]bool) {
	for n := range after.Nodes() {
		use := after.NodeUse(n.ID)
		if use == nil || registers[n.ID] {
			continue
		}
		was := before.NodeUse(n.ID)
		if was == nil {
			was = &state.NodeUse{}
		}
		c := capacityOf(n)
		for _, d := range [][3]int64{
			{use.Amount.CPU, was.Amount.CPU, c.CPU}, {use.Amount.MemoryMB, was.Amount.MemoryMB, c.MemoryMB},
			{use.Amount.DiskMB, was.Amount.DiskMB, c.DiskMB},
		} {
			if d[0] > d[2] && d[0] > d[1] {
				t.Fatalf("node %s is over-committed: %+v of %+v, before %+v", n.ID, use.Amount, c, was.Amount)
			}
		}
		for i, p := range use.Ports {
			if i > 0 && p.Clashes(use.Ports[i-1]) {
				t.Fatalf("node %s: port %d is held twice", n.ID, p.Port)
			}
		}
		for i, core := range use.Cores {
			if i > 0 && core == use.Cores[i-1] {
				t.Fatalf("node %s: core %d is held twice", n.ID, core)
			}
		}
	}
}

// derivedIsRight computes from the tables what the store keeps incrementally.
func derivedIsRight(t *rapid.T, snap *state.Snapshot) {
	uses := map[structs.ID]*state.NodeUse{}
	counts := map[structs.JobKey]*state.JobCounts{}
	now := map[structs.JobKey]map[string]structs.TaskGroupSummary{}
	count := func(key structs.JobKey) *state.JobCounts {
		if counts[key] == nil {
			counts[key] = &state.JobCounts{}
		}
		return counts[key]
	}
	for a := range snap.Allocs() {
		key := structs.JobKey{Namespace: a.Namespace, ID: a.JobID}
		count(key).Allocs++
		if !a.Terminal() {
			count(key).Live++
		}
		if a.HoldsResources() {
			if uses[a.NodeID] == nil {
				uses[a.NodeID] = &state.NodeUse{NodeID: a.NodeID}
			}
			uses[a.NodeID].Add(a.AllocatedResources)
		}
		if now[key] == nil {
			now[key] = map[string]structs.TaskGroupSummary{}
		}
		line := now[key][a.TaskGroup]
		switch a.ClientStatus {
		case "pending":
			line.Starting++
		case "running":
			line.Running++
		case "unknown":
			line.Unknown++
		}
		now[key][a.TaskGroup] = line
	}
	for e := range snap.Evals() {
		count(e.JobKey()).Evals++
		if !e.Terminal() {
			count(e.JobKey()).OpenEvals++
		}
	}
	for n := range 5 {
		got, want := snap.NodeUse(nodeID(n)), uses[nodeID(n)]
		if !reflect.DeepEqual(normal(got), normal(want)) {
			t.Fatalf("node %d is used %+v, want %+v", n, got, want)
		}
	}
	for key, want := range counts {
		if got := snap.JobCounts(key.Namespace, key.ID); got != *want {
			t.Fatalf("job %v counts %+v, want %+v", key, got, want)
		}
	}
	for j := range snap.Jobs() {
		s := snap.JobSummary(j.Namespace, j.ID)
		for group, got := range s.Summary {
			want := now[j.Key()][group]
			if got.Starting != want.Starting || got.Running != want.Running || got.Unknown != want.Unknown {
				t.Fatalf("job %s, group %s: summary %+v, want %+v", j.ID, group, got, want)
			}
		}
		if want := jobStatus(j, snap.JobCounts(j.Namespace, j.ID)); j.Status != want {
			t.Fatalf("job %s is %s, want %s", j.ID, j.Status, want)
		}
		if v := snap.JobVersion(j.Namespace, j.ID, j.Version); v == nil || v.JobModifyIndex != j.JobModifyIndex {
			t.Fatalf("job %s: version %d is kept as %v", j.ID, j.Version, v)
		}
	}
}

func normal(u *state.NodeUse) *state.NodeUse {
	if u == nil {
		return nil
	}
	c := u.Clone()
	if len(c.Ports) == 0 {
		c.Ports = nil
	}
	if len(c.Cores) == 0 {
		c.Cores = nil
	}
	if len(c.Devices) == 0 {
		c.Devices = nil
	}
	return c
}

// stateCopy is a copy of the state kept by nothing but its changes.
type stateCopy struct {
	jobs        map[structs.JobKey]*structs.Job
	nodes       map[structs.ID]*structs.Node
	allocs      map[structs.ID]*structs.Allocation
	evals       map[structs.ID]*structs.Evaluation
	deployments map[structs.ID]*structs.Deployment
}

func newCopy() *stateCopy {
	return &stateCopy{map[structs.JobKey]*structs.Job{}, map[structs.ID]*structs.Node{}, map[structs.ID]*structs.Allocation{},
		map[structs.ID]*structs.Evaluation{}, map[structs.ID]*structs.Deployment{}}
}

func follow[K comparable, T any](m map[K]*T, changes []state.Change[T], key func(*T) K) {
	for _, c := range changes {
		if c.Deleted {
			delete(m, key(c.Object))
		} else {
			m[key(c.Object)] = c.Object
		}
	}
}

func (c *stateCopy) take(f *state.Follower) {
	ch, ok := f.Poll()
	if !ok {
		return
	}
	follow(c.jobs, ch.Jobs, (*structs.Job).Key)
	follow(c.nodes, ch.Nodes, func(o *structs.Node) structs.ID { return o.ID })
	follow(c.allocs, ch.Allocs, func(o *structs.Allocation) structs.ID { return o.ID })
	follow(c.evals, ch.Evals, func(o *structs.Evaluation) structs.ID { return o.ID })
	follow(c.deployments, ch.Deployments, func(o *structs.Deployment) structs.ID { return o.ID })
}

func same[K comparable, T any](t *rapid.T, table string, m map[K]*T, seq iter.Seq[*T], key func(*T) K) {
	n := 0
	for o := range seq {
		n++
		if m[key(o)] != o {
			t.Fatalf("followed %s: %v is %+v, not %+v", table, key(o), m[key(o)], o)
		}
	}
	if n != len(m) {
		t.Fatalf("followed %d %s, there are %d", len(m), table, n)
	}
}

func (c *stateCopy) is(t *rapid.T, snap *state.Snapshot) {
	same(t, "jobs", c.jobs, snap.Jobs(), (*structs.Job).Key)
	same(t, "nodes", c.nodes, snap.Nodes(), func(o *structs.Node) structs.ID { return o.ID })
	same(t, "allocs", c.allocs, snap.Allocs(), func(o *structs.Allocation) structs.ID { return o.ID })
	same(t, "evals", c.evals, snap.Evals(), func(o *structs.Evaluation) structs.ID { return o.ID })
	same(t, "deployments", c.deployments, snap.Deployments(), func(o *structs.Deployment) structs.ID { return o.ID })
}

// watches are queries that are watched: the channel must be closed exactly when the answer is another one.
type watches []watched

type watched struct {
	name   string
	table  bool
	ch     <-chan struct{}
	before []any
	ask    func(*state.Snapshot) []any
}

func (ws *watches) add(name string, snap *state.Snapshot, ch <-chan struct{}, ask func(*state.Snapshot) []any) {
	*ws = append(*ws, watched{name: name, ch: ch, before: ask(snap), ask: ask})
}

func (ws *watches) addTable(name string, snap *state.Snapshot, ch <-chan struct{}, ask func(*state.Snapshot) []any) {
	*ws = append(*ws, watched{name: name, table: true, ch: ch, before: ask(snap), ask: ask})
}

func list[T any](seq iter.Seq[*T]) []any {
	var all []any
	for o := range seq {
		all = append(all, o)
	}
	return all
}

func watchSome(t *rapid.T, s *state.Snapshot) watches {
	var ws watches
	for n := range 4 {
		name := jobName(n)
		_, ch := s.JobW("default", name)
		ws.add("job", s, ch, func(s *state.Snapshot) []any { return []any{s.Job("default", name)} })
		_, ch = s.JobSummaryW("default", name)
		ws.add("summary", s, ch, func(s *state.Snapshot) []any { return []any{s.JobSummary("default", name)} })
		_, ch = s.JobVersionsW("default", name)
		ws.add("versions", s, ch, func(s *state.Snapshot) []any { return list(s.JobVersions("default", name)) })
		_, ch = s.AllocsByJobW("default", name)
		ws.add("allocs of job", s, ch, func(s *state.Snapshot) []any { return list(s.AllocsByJob("default", name)) })
		_, ch = s.EvalsByJobW("default", name)
		ws.add("evals of job", s, ch, func(s *state.Snapshot) []any { return list(s.EvalsByJob("default", name)) })
		_, ch = s.LatestDeploymentW("default", name)
		ws.add("deployments of job", s, ch, func(s *state.Snapshot) []any { return list(s.DeploymentsByJob("default", name)) })
		_, ch = s.NodeW(nodeID(n))
		ws.add("node", s, ch, func(s *state.Snapshot) []any { return []any{s.Node(nodeID(n))} })
		_, ch = s.AllocsByNodeW(nodeID(n))
		ws.add("allocs of node", s, ch, func(s *state.Snapshot) []any { return list(s.AllocsByNode(nodeID(n))) })
		_, ch = s.AllocsByEvalW(evalID(n))
		ws.add("allocs of eval", s, ch, func(s *state.Snapshot) []any { return list(s.AllocsByEval(evalID(n))) })
		_, ch = s.AllocsByDeploymentW(deplID(n))
		ws.add("allocs of deployment", s, ch, func(s *state.Snapshot) []any { return list(s.AllocsByDeployment(deplID(n))) })
		_, ch = s.AllocW(allocID(n))
		ws.add("alloc", s, ch, func(s *state.Snapshot) []any { return []any{s.Alloc(allocID(n))} })
		_, ch = s.EvalW(evalID(n))
		ws.add("eval", s, ch, func(s *state.Snapshot) []any { return []any{s.Eval(evalID(n))} })
		_, ch = s.DeploymentW(deplID(n))
		ws.add("deployment", s, ch, func(s *state.Snapshot) []any { return []any{s.Deployment(deplID(n))} })
		_, ch = s.NodePoolW(poolName(n))
		ws.add("pool", s, ch, func(s *state.Snapshot) []any { return []any{s.NodePool(poolName(n))} })
	}
	_, ch := s.JobsW()
	ws.addTable("jobs", s, ch, func(s *state.Snapshot) []any { return list(s.Jobs()) })
	_, ch = s.NodesW()
	ws.addTable("nodes", s, ch, func(s *state.Snapshot) []any { return list(s.Nodes()) })
	_, ch = s.AllocsW()
	ws.addTable("allocs", s, ch, func(s *state.Snapshot) []any { return list(s.Allocs()) })
	_, ch = s.EvalsW()
	ws.addTable("evals", s, ch, func(s *state.Snapshot) []any { return list(s.Evals()) })
	_, ch = s.DeploymentsW()
	ws.addTable("deployments", s, ch, func(s *state.Snapshot) []any { return list(s.Deployments()) })
	_, ch = s.NodePoolsW()
	ws.addTable("pools", s, ch, func(s *state.Snapshot) []any { return list(s.NodePools()) })
	_, ch = s.NamespacesW()
	ws.addTable("namespaces", s, ch, func(s *state.Snapshot) []any { return list(s.Namespaces()) })
	_, ch = s.AuthorityRootsW()
	ws.addTable("roots", s, ch, func(s *state.Snapshot) []any { return list(s.AuthorityRoots()) })
	_, ch = s.JoinTokensW()
	ws.addTable("join tokens", s, ch, func(s *state.Snapshot) []any { return list(s.JoinTokens()) })
	_, ch = s.PeriodicLaunchesW()
	ws.addTable("periodic launches", s, ch, func(s *state.Snapshot) []any { return list(s.PeriodicLaunches()) })
	_, ch = s.SchedulerConfigW()
	ws.addTable("config", s, ch, func(s *state.Snapshot) []any { return []any{s.SchedulerConfig()} })
	return ws
}

// check allows the watch of a whole table to fire for what came and went within one entry.
func (ws watches) check(t *rapid.T, after *state.Snapshot) {
	for _, w := range ws {
		closed := false
		select {
		case <-w.ch:
			closed = true
		default:
		}
		if changed := !slices.Equal(w.before, w.ask(after)); changed && !closed || closed && !changed && !w.table {
			t.Fatalf("the watch of %s fired %v, its answer changed %v: %v, %v", w.name, closed, changed, w.before, w.ask(after))
		}
	}
}
