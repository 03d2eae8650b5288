package drain

import (
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"berth/scheduler/check"
	"berth/structs"
)

// cluster is a state small enough to write down.
type cluster struct {
	nodes   []*structs.Node
	jobs    map[string]*structs.Job
	allocs  []*structs.Allocation
	budgets []*structs.DisruptionBudget
}

func (c *cluster) Nodes() iter.Seq[*structs.Node] { return slices.Values(c.nodes) }
func (c *cluster) Node(id structs.ID) *structs.Node {
	for _, n := range c.nodes {
		if n.ID == id {
			return n
		}
	}
	return nil
}
func (c *cluster) Jobs() iter.Seq[*structs.Job] { return maps.Values(c.jobs) }
func (c *cluster) DisruptionBudgets() iter.Seq[*structs.DisruptionBudget] {
	return slices.Values(c.budgets)
}
func (c *cluster) Job(_, id string) *structs.Job { return c.jobs[id] }
func (c *cluster) AllocsByNode(node structs.ID) iter.Seq[*structs.Allocation] {
	return c.where(func(a *structs.Allocation) bool { return a.NodeID == node })
}
func (c *cluster) AllocsByJob(_, id string) iter.Seq[*structs.Allocation] {
	return c.where(func(a *structs.Allocation) bool { return a.JobID == id })
}
func (c *cluster) where(ok func(*structs.Allocation) bool) iter.Seq[*structs.Allocation] {
	return func(yield func(*structs.Allocation) bool) {
		for _, a := range c.allocs {
			if ok(a) && !yield(a) {
				return
			}
		}
	}
}

func id(n int) structs.ID { return structs.ID{0: 1, 14: byte(n >> 8), 15: byte(n)} }

var start = time.Unix(1_700_000_000, 0)

func (c *cluster) node(n int, d *structs.DrainSpec) *structs.Node {
	node := &structs.Node{ID: id(n)}
	if d != nil {
		node.DrainStrategy = &structs.DrainStrategy{DrainSpec: *d, StartedAt: start}
		if d.Deadline > 0 {
			node.DrainStrategy.ForceDeadline = start.Add(d.Deadline)
		}
	}
	c.nodes = append(c.nodes, node)
	return node
}

func (c *cluster) job(name, kind string, count, parallel int) {
	if c.jobs == nil {
		c.jobs = map[string]*structs.Job{}
	}
	c.jobs[name] = &structs.Job{ID: name, Type: kind, Priority: 50, TaskGroups: []*structs.TaskGroup{{
		Name: "g", Count: &count, Migrate: &structs.MigrateStrategy{MaxParallel: &parallel}}}}
}

func (c *cluster) alloc(job string, node int) *structs.Allocation {
	a := &structs.Allocation{ID: id(100 + len(c.allocs)), JobID: job, Job: c.jobs[job], TaskGroup: "g", NodeID: id(node),
		DesiredStatus: structs.AllocDesiredRun, ClientStatus: structs.AllocClientRunning}
	c.allocs = append(c.allocs, a)
	return a
}

func TestServiceMovesAFewAtATime(t *testing.T) {
	c := &cluster{}
	c.node(1, &structs.DrainSpec{Deadline: time.Hour})
	c.node(2, nil)
	c.job("web", structs.JobTypeService, 5, 2)
	for range 4 {
		c.alloc("web", 1)
	}
	c.alloc("web", 2)
	got := Step(c, start)
	if len(got.Move) != 2 || len(got.Done) != 0 || !got.Next.Equal(start.Add(time.Hour)) {
		t.Fatalf("%+v", got)
	}
	for _, a := range got.Move {
		a.DesiredTransition.Migrate = new(true)
	}
	if got := Step(c, start); len(got.Move) != 0 {
		t.Fatalf("more than max_parallel on the move: %d", len(got.Move))
	}
	c.alloc("web", 2) // one replacement runs
	if got := Step(c, start); len(got.Move) != 1 {
		t.Fatalf("one was replaced, %d may follow", len(got.Move))
	}
}

func TestWhatDoesNotServeMovesAtOnce(t *testing.T) {
	c := &cluster{}
	c.node(1, &structs.DrainSpec{})
	c.job("web", structs.JobTypeService, 3, 1)
	for range 3 {
		c.alloc("web", 1).ClientStatus = structs.AllocClientPending
	}
	if got := Step(c, start); len(got.Move) != 3 || !got.Next.IsZero() {
		t.Fatalf("%+v", got)
	}
}

func TestBatchWaitsForTheDeadlineAndSystemForTheRest(t *testing.T) {
	c := &cluster{}
	c.node(1, &structs.DrainSpec{Deadline: time.Minute})
	c.job("sum", structs.JobTypeBatch, 1, 1)
	c.job("logs", structs.JobTypeSystem, 1, 1)
	sum, logs := c.alloc("sum", 1), c.alloc("logs", 1)
	if got := Step(c, start); len(got.Move) != 0 {
		t.Fatalf("moved before the deadline: %v", got.Move)
	}
	if got := Step(c, start.Add(time.Minute)); !slices.Equal(got.Move, []*structs.Allocation{sum, logs}) {
		t.Fatalf("at the deadline: %v", got.Move)
	}
	sum.ClientStatus = structs.AllocClientComplete
	if got := Step(c, start); !slices.Equal(got.Move, []*structs.Allocation{logs}) {
		t.Fatalf("with the batch done: %v", got.Move)
	}
	c.nodes[0].DrainStrategy.IgnoreSystemJobs = true
	if got := Step(c, start); len(got.Move) != 0 || !slices.Equal(got.Done, []structs.ID{id(1)}) {
		t.Fatalf("system jobs ignored: %+v", got)
	}
}

func TestAForcedDrainAsksForAllAtOnce(t *testing.T) {
	c := &cluster{}
	c.node(1, &structs.DrainSpec{Deadline: -1})
	c.job("web", structs.JobTypeService, 3, 1)
	c.job("sum", structs.JobTypeBatch, 1, 1)
	for range 3 {
		c.alloc("web", 1)
	}
	c.alloc("sum", 1)
	if got := Step(c, start); len(got.Move) != 4 {
		t.Fatalf("%+v", got)
	}
}

func TestAnEmptyNodeIsDone(t *testing.T) {
	c := &cluster{}
	c.node(1, &structs.DrainSpec{Deadline: time.Hour})
	c.node(2, nil)
	if got := Step(c, start); !slices.Equal(got.Done, []structs.ID{id(1)}) {
		t.Fatalf("%+v", got)
	}
}

// taint gives a node a NoExecute taint that was set at start.
func taint(n *structs.Node, key string) {
	n.SetTaints(structs.TaintFromOperator, []*structs.Taint{{Key: key, Effect: structs.TaintNoExecute}}, start.UnixNano())
}

func TestATaintMakesLeaveWhatDoesNotTolerateIt(t *testing.T) {
	c := &cluster{}
	n := c.node(1, nil)
	c.node(2, nil)
	c.job("web", structs.JobTypeService, 3, 1)
	c.job("sum", structs.JobTypeBatch, 1, 1)
	c.job("patient", structs.JobTypeService, 1, 1)
	c.job("stays", structs.JobTypeService, 1, 1)
	c.job("logs", structs.JobTypeSystem, 1, 1)
	c.jobs["patient"].TaskGroups[0].Tolerations = []*structs.Toleration{{Key: "maint", Operator: structs.TolerateExists, Effect: structs.TaintNoExecute, Duration: new(5 * time.Minute)}}
	c.jobs["stays"].Tolerations = []*structs.Toleration{{Operator: structs.TolerateExists}}
	web := []*structs.Allocation{c.alloc("web", 1), c.alloc("web", 1), c.alloc("web", 2)}
	sum, patient, _, logs := c.alloc("sum", 1), c.alloc("patient", 1), c.alloc("stays", 1), c.alloc("logs", 1)
	if got := Step(c, start); len(got.Move) != 0 {
		t.Fatalf("without a taint: %v", got.Move)
	}
	taint(n, "maint")
	got := Step(c, start.Add(time.Second))
	if !slices.Equal(got.Move, []*structs.Allocation{web[0], sum, logs}) || !got.Next.Equal(start.Add(5*time.Minute)) || len(got.Done) != 0 {
		t.Fatalf("tainted: %v, again at %v", got.Move, got.Next)
	}
	cmd := MoveCommand(c, got.Move, start, func() structs.ID { return id(999) })
	if len(cmd.Evals) != 3 || cmd.Evals[0].TriggeredBy != structs.EvalTriggerNodeTaint {
		t.Errorf("evaluations %+v", cmd.Evals)
	}
	for _, a := range got.Move {
		a.DesiredTransition.Migrate = new(true)
	}
	if got := Step(c, start.Add(time.Minute)); len(got.Move) != 0 {
		t.Fatalf("more than max_parallel leave: %v", got.Move)
	}
	if got := Step(c, start.Add(5*time.Minute)); !slices.Equal(got.Move, []*structs.Allocation{patient}) {
		t.Fatalf("when its time is over: %v", got.Move)
	}
	n.Taints = nil
	if got := Step(c, start.Add(6*time.Minute)); len(got.Move) != 0 || !got.Next.IsZero() {
		t.Fatalf("the taint is gone: %+v", got)
	}
	taint(n, "node.disk-pressure")
	if got := Step(c, start); slices.Contains(got.Move, logs) {
		t.Fatal("a system job does not tolerate what tells of a node's health")
	}
}

// A node that is drained and tainted asks each allocation once.
func TestADrainedAndTaintedNodeAsksOnce(t *testing.T) {
	c := &cluster{}
	n := c.node(1, &structs.DrainSpec{Deadline: -1})
	c.job("web", structs.JobTypeService, 2, 1)
	c.alloc("web", 1)
	c.alloc("web", 1)
	taint(n, "maint")
	if got := Step(c, start); len(got.Move) != 2 {
		t.Fatalf("%v", got.Move)
	}
}

func TestADrainWaitsForBudgets(t *testing.T) {
	c := &cluster{}
	c.node(1, &structs.DrainSpec{Deadline: time.Hour})
	c.node(2, nil)
	c.job("db-1", structs.JobTypeService, 1, 1)
	c.job("db-2", structs.JobTypeService, 1, 1)
	c.job("web", structs.JobTypeService, 4, 4)
	c.jobs["web"].TaskGroups[0].Disruption = &structs.Disruption{MinAvailable: "75%"}
	c.budgets = []*structs.DisruptionBudget{{Name: "quorum", Job: "db-*", Disruption: structs.Disruption{MaxUnavailable: "1"}}}
	db1, db2 := c.alloc("db-1", 1), c.alloc("db-2", 1)
	web := []*structs.Allocation{c.alloc("web", 1), c.alloc("web", 1), c.alloc("web", 1), c.alloc("web", 2)}
	got := Step(c, start)
	if !slices.Equal(got.Move, []*structs.Allocation{db1, web[0]}) {
		t.Fatalf("moves %v", got.Move)
	}
	why := map[structs.ID]string{}
	for _, w := range got.Waiting {
		why[w.Alloc.ID] = w.Reason
	}
	if len(why) != 3 || why[db2.ID] != "disruption budget quorum: 1 of 2 allocations are available, and 1 must stay so (max_unavailable 1)" ||
		why[web[1].ID] != "the disruption block of group g of job web: 3 of 4 allocations are available, and 3 must stay so (min_available 75%)" {
		t.Fatalf("%q", why)
	}
	for _, a := range got.Move {
		a.DesiredTransition.Migrate = new(true)
	}
	if got := Step(c, start); len(got.Move) != 0 {
		t.Fatalf("nothing was replaced, and more leave: %v", got.Move)
	}
	db1.ClientStatus = structs.AllocClientComplete
	c.alloc("db-1", 2)
	if got := Step(c, start); !slices.Equal(got.Move, []*structs.Allocation{db2}) {
		t.Fatalf("db-1 is back: %v", got.Move)
	}
	if got := Step(c, start.Add(time.Hour)); len(got.Move) != 3 || len(got.Waiting) != 0 {
		t.Fatalf("at the deadline: %v", got.Move)
	}
}

func TestATaintWaitsForBudgetsWithoutEnd(t *testing.T) {
	c := &cluster{}
	taint(c.node(1, nil), "maint")
	c.job("sum", structs.JobTypeBatch, 2, 1)
	c.jobs["sum"].TaskGroups[0].Disruption = &structs.Disruption{MaxUnavailable: "0"}
	c.alloc("sum", 1)
	c.alloc("sum", 1)
	for _, at := range []time.Time{start, start.Add(1000 * time.Hour)} {
		if got := Step(c, at); len(got.Move) != 0 || len(got.Waiting) != 2 {
			t.Fatalf("%+v", got)
		}
	}
}

// Whatever is drained and tainted, no budget is broken before a deadline, as the independent checker counts; and what serves
// again lets the rest go on.
func TestNoBudgetIsBroken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &cluster{}
		for n := range 4 {
			var d *structs.DrainSpec
			if n > 0 && rapid.Bool().Draw(t, "drained") {
				d = &structs.DrainSpec{}
			}
			if node := c.node(n, d); n > 0 && rapid.Bool().Draw(t, "tainted") {
				taint(node, "maint")
			}
		}
		amounts := []string{"0", "1", "2", "25%", "50%", "100%"}
		for _, name := range []string{"a-1", "a-2", "b-1"} {
			kind := rapid.SampledFrom([]string{structs.JobTypeService, structs.JobTypeBatch}).Draw(t, "type")
			count := rapid.IntRange(1, 6).Draw(t, "count")
			c.job(name, kind, count, rapid.IntRange(1, 6).Draw(t, "max_parallel"))
			if rapid.Bool().Draw(t, "block") {
				d := &structs.Disruption{MaxUnavailable: rapid.SampledFrom(amounts).Draw(t, "max")}
				if rapid.Bool().Draw(t, "min") {
					d.MinAvailable, d.MaxUnavailable = d.MaxUnavailable, ""
				}
				c.jobs[name].TaskGroups[0].Disruption = d
			}
			for range count {
				a := c.alloc(name, rapid.IntRange(0, 3).Draw(t, "node"))
				a.ClientStatus = rapid.SampledFrom([]string{structs.AllocClientRunning, structs.AllocClientRunning, structs.AllocClientPending}).Draw(t, "status")
			}
		}
		c.budgets = []*structs.DisruptionBudget{{Name: "a", Job: "a-*", Disruption: structs.Disruption{MinAvailable: rapid.SampledFrom(amounts).Draw(t, "of a")}},
			{Name: "all", Group: "g", Disruption: structs.Disruption{MaxUnavailable: rapid.SampledFrom(amounts).Draw(t, "of all")}}}
		for range 30 {
			w := &check.World{Nodes: c.nodes, Allocs: c.allocs}
			for _, name := range []string{"a-1", "a-2", "b-1"} {
				w.Jobs = append(w.Jobs, c.jobs[name])
			}
			got := Step(c, start.Add(time.Minute))
			var taken []structs.ID
			for _, a := range got.Move {
				taken = append(taken, a.ID)
			}
			if faults := check.Disrupted(w, c.budgets, taken); len(faults) > 0 {
				t.Fatalf("%v", faults)
			}
			for _, a := range got.Move {
				a.DesiredTransition.Migrate = new(true)
			}
			for _, a := range slices.Clone(c.allocs) {
				if asked(a) && !a.ClientTerminal() && rapid.Bool().Draw(t, "replaced") {
					a.ClientStatus, a.DesiredStatus = structs.AllocClientComplete, structs.AllocDesiredStop
					c.alloc(a.JobID, 0)
				}
			}
		}
	})
}

// Whatever the order of things, a drain keeps its budget and ends when allocations that leave are replaced elsewhere.
func TestEveryDrainKeepsItsBudgetAndEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &cluster{}
		count, parallel := rapid.IntRange(1, 12).Draw(t, "count"), rapid.IntRange(1, 4).Draw(t, "parallel")
		c.node(1, &structs.DrainSpec{})
		c.node(2, &structs.DrainSpec{})
		c.node(3, nil)
		c.job("web", structs.JobTypeService, count, parallel)
		for range count {
			c.alloc("web", rapid.IntRange(1, 3).Draw(t, "node"))
		}
		for steps := 0; ; steps++ {
			if steps > 10*count+10 {
				t.Fatal("the drain does not end")
			}
			got := Step(c, start)
			for _, a := range got.Move {
				a.DesiredTransition.Migrate = new(true)
			}
			healthy := 0
			var leaving []*structs.Allocation
			for _, a := range c.allocs {
				switch {
				case asked(a) && !a.ClientTerminal():
					leaving = append(leaving, a)
				case Healthy(a):
					healthy++
				}
			}
			if healthy < count-parallel {
				t.Fatalf("%d of %d are healthy with max_parallel %d", healthy, count, parallel)
			}
			if len(got.Done) == 2 {
				return
			}
			if len(leaving) == 0 {
				continue
			}
			a := leaving[rapid.IntRange(0, len(leaving)-1).Draw(t, "replaced")]
			a.ClientStatus, a.DesiredStatus = structs.AllocClientComplete, structs.AllocDesiredStop
			c.alloc("web", 3)
		}
	})
}
