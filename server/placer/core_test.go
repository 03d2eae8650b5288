package placer

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"

	"berth/internal/idgen"
	"berth/scheduler"
	"berth/scheduler/fleet"
	"berth/server/fsm"
	"berth/state"
	"berth/structs"
)

// bed drives a core step by step: what it proposes waits until the test applies it, or has it fail.
type bed struct {
	t       *testing.T
	now     time.Time
	ids     *idgen.SeededSource
	store   *state.Store
	machine *fsm.FSM
	core    *Core
	queue   []*proposal
}

type proposal struct {
	kind structs.CommandKind
	body msgp.Marshaler
	done func(any, error)
}

func newBed(t *testing.T) *bed {
	b := &bed{t: t, now: time.Unix(1_767_225_600, 0), ids: idgen.Seeded(7), store: state.New()}
	b.machine = fsm.New(b.store)
	b.core = NewCore(Deps{State: b.store, IDs: b.ids, Logger: hclog.NewNullLogger(), Now: func() time.Time { return b.now },
		Propose: func(kind structs.CommandKind, body msgp.Marshaler, done func(any, error)) {
			b.queue = append(b.queue, &proposal{kind, body, done})
		}})
	t.Cleanup(b.core.Close)
	return b
}

// write applies a command at once and gives what the state machine answered.
func (b *bed) write(kind structs.CommandKind, body msgp.Marshaler) any {
	b.t.Helper()
	cmd, err := structs.NewCommand(kind, b.now.UnixNano(), body)
	if err != nil {
		b.t.Fatal(err)
	}
	r := b.machine.ApplyEntry(b.store.Index()+1, &structs.LogEntry{Commands: []structs.Command{cmd}})[0]
	if r.Err != nil {
		b.t.Fatal(r.Err)
	}
	return r.Value
}

func (b *bed) step() { b.core.Step(func() {}) }

// take gives the oldest proposal; the test fails when there is none.
func (b *bed) take() *proposal {
	b.t.Helper()
	if len(b.queue) == 0 {
		b.t.Fatal("nothing was proposed")
	}
	p := b.queue[0]
	b.queue = b.queue[1:]
	return p
}

// land applies the oldest proposal.
func (b *bed) land() {
	b.t.Helper()
	p := b.take()
	p.done(b.write(p.kind, p.body), nil)
}

// fail has the oldest proposal not written.
func (b *bed) fail(kind structs.ErrorKind) {
	b.t.Helper()
	b.take().done(nil, &structs.Error{Kind: kind, Err: errors.New("the disk is on fire")})
}

// run steps and applies until nothing more is proposed.
func (b *bed) run() {
	b.t.Helper()
	for range 100 {
		if b.step(); len(b.queue) == 0 {
			return
		}
		for len(b.queue) > 0 {
			b.land()
		}
	}
	b.t.Fatal("the core proposes for ever")
}

func (b *bed) node(name string, cpu int64) *structs.Node {
	b.t.Helper()
	n := &structs.Node{
		ID: b.ids.NewID(), SecretID: b.ids.NewID(), Name: name, Datacenter: "dc1", Status: structs.NodeStatusReady,
		SchedulingEligibility: structs.NodeEligible, Attributes: map[string]string{"kernel.name": "linux", "driver.fake": "1"},
		Drivers: map[string]*structs.DriverInfo{"fake": {Detected: true, Healthy: true}},
		NodeResources: &structs.NodeResources{
			Cpu: structs.NodeCPUResources{CpuShares: cpu, TotalCpuCores: 4}, Memory: structs.NodeMemoryResources{MemoryMB: 8192},
			Disk: structs.NodeDiskResources{DiskMB: 100_000}, MinDynamicPort: 20000, MaxDynamicPort: 32000,
		},
	}
	n.ComputedClass = fleet.ComputedClass(n)
	b.write(structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: n})
	return n
}

func (b *bed) lose(n *structs.Node) {
	b.t.Helper()
	b.write(structs.CmdNodeStatus, &structs.NodeStatusCommand{NodeID: n.ID, Status: structs.NodeStatusDown})
}

func (b *bed) eval(job *structs.Job) *structs.Evaluation {
	return &structs.Evaluation{ID: b.ids.NewID(), Namespace: job.Namespace, JobID: job.ID, Type: job.Type, Priority: job.Priority,
		TriggeredBy: structs.EvalTriggerJobRegister, Status: structs.EvalStatusPending, CreateTime: b.now.UnixNano(), ModifyTime: b.now.UnixNano()}
}

// job registers a job of tasks that take 500 MHz.
func (b *bed) job(id string, count int, change func(*structs.Job)) *structs.Evaluation {
	b.t.Helper()
	j := &structs.Job{ID: id, Name: id, TaskGroups: []*structs.TaskGroup{{Name: "g", Count: &count,
		Tasks: []*structs.Task{{Name: "t", Driver: "fake", Resources: &structs.Resources{CPU: new(500)}}}}}}
	if change != nil {
		change(j)
	}
	j.Canonicalize()
	e := b.eval(j)
	b.write(structs.CmdJobRegister, &structs.JobRegisterCommand{Job: j, Eval: e})
	return e
}

func (b *bed) live(job string) int {
	n := 0
	for a := range b.store.Snapshot().AllocsByJob(structs.DefaultNamespace, job) {
		if a.HoldsResources() && !a.ServerTerminal() {
			n++
		}
	}
	return n
}

func (b *bed) status(e *structs.Evaluation) string { return b.store.Snapshot().Eval(e.ID).Status }

func (b *bed) want(what string, got, want any) {
	b.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Fatalf("%s is %v, want %v", what, got, want)
	}
}

// sameAsStore compares the core's fleet with one made from the store: nothing may stay taken that is not.
func (b *bed) sameAsStore() {
	b.t.Helper()
	b.core.absorb()
	snap := b.store.Snapshot()
	fresh := fleet.New()
	for n := range snap.Nodes() {
		fresh.SetNode(n)
	}
	for a := range snap.Allocs() {
		fresh.SetAlloc(a)
	}
	for n := range snap.Nodes() {
		have, _ := b.core.fleet.Row(n.ID)
		want, _ := fresh.Row(n.ID)
		b.want("free on "+n.Name, b.core.fleet.Free(have), fresh.Free(want))
		for _, u := range fresh.UsesAt(want) {
			b.want("stopping "+u.AllocID.String(), b.core.fleet.Use(u.AllocID).Stopping, u.Stopping)
		}
	}
}

func TestAnEvaluationIsPlacedAndDone(t *testing.T) {
	b := newBed(t)
	b.node("a", 4000)
	e := b.job("web", 3, nil)
	b.step()
	b.want("proposals", len(b.queue), 1)
	b.want("in the fleet before it is written", b.core.fleet.Free(0).CPU, 2500)
	b.land()
	b.run()
	b.want("live", b.live("web"), 3)
	b.want("status", b.status(e), structs.EvalStatusComplete)
	b.want("in flight", b.core.broker.Counts().InFlight, 0)
	b.sameAsStore()
}

// The next job is decided while the last one's plan is being written, on what that left.
func TestDecidesAheadOfTheLog(t *testing.T) {
	b := newBed(t)
	b.node("a", 1000)
	b.job("one", 2, nil)
	b.job("two", 1, nil)
	b.step()
	b.want("proposals", len(b.queue), 2)
	b.run()
	b.want("live", fmt.Sprint(b.live("one"), b.live("two")), "2 0")
}

// The first small plan is written at once; those decided until it is written share a command.
func TestSmallPlansShareACommand(t *testing.T) {
	b := newBed(t)
	b.node("a", 8000)
	for i := range 4 {
		b.job(fmt.Sprint("job", i), 1, nil)
	}
	b.job("empty", 0, nil)
	b.step()
	b.want("proposals", len(b.queue), 2)
	b.want("slices being written", b.core.Stats().Writing, 5)
	b.want("plans beside the first", len(b.queue[1].body.(*structs.PlanApplyCommand).Plans), 3)
	b.want("evaluations beside the first", len(b.queue[1].body.(*structs.PlanApplyCommand).Evals), 4)
	b.run()
	for i := range 4 {
		b.want("live", b.live(fmt.Sprint("job", i)), 1)
	}
	b.want("done", b.core.Stats().Evaluations, 5)
	b.want("slices being written", b.core.Stats().Writing, 0)
	b.sameAsStore()
}

// A command that is refused as a whole is written again plan by plan: one that can never be written takes no other with it.
func TestAFaultInACommandOfManyIsOnesAlone(t *testing.T) {
	b := newBed(t)
	b.node("a", 8000)
	var evals []*structs.Evaluation
	for i := range 4 {
		evals = append(evals, b.job(fmt.Sprint("job", i), 1, nil))
	}
	b.step()
	b.land()
	b.want("plans in the second command", len(b.queue[0].body.(*structs.PlanApplyCommand).Plans), 3)
	b.fail(structs.KindInternal)
	b.want("commands", len(b.queue), 3)
	b.land()
	b.fail(structs.KindInternal)
	b.land()
	b.run()
	failed := 0
	for i, e := range evals {
		if b.status(e) == structs.EvalStatusFailed {
			failed++
		} else {
			b.want("live", b.live(fmt.Sprint("job", i)), 1)
		}
	}
	b.want("failed", failed, 1)
	b.sameAsStore()
}

// A job's second evaluation waits for its first one's plan.
func TestOneEvaluationOfAJobAtATime(t *testing.T) {
	b := newBed(t)
	b.node("a", 4000)
	b.job("web", 1, nil)
	b.job("web", 2, nil)
	b.step()
	b.want("proposals", len(b.queue), 1)
	b.run()
	b.want("live", b.live("web"), 2)
}

func TestARefusedPlanIsTakenOffTheFleetAndDecidedAnew(t *testing.T) {
	for _, atOnce := range []bool{false, true} {
		t.Run(fmt.Sprintf("all_at_once=%v", atOnce), func(t *testing.T) {
			b := newBed(t)
			gone := b.node("a", 1000)
			b.node("b", 1000)
			e := b.job("web", 4, func(j *structs.Job) { j.AllAtOnce = atOnce })
			b.step()
			b.lose(gone) // between decision and log: the state machine refuses what is for it
			b.land()
			if want := map[bool]int{false: 2, true: 0}[atOnce]; b.live("web") != want {
				t.Fatalf("%d accepted, want %d", b.live("web"), want)
			}
			b.sameAsStore()
			b.run()
			b.want("status", b.status(e), structs.EvalStatusComplete)
			if !atOnce {
				b.want("live", b.live("web"), 2)
			}
			b.sameAsStore()
		})
	}
}

// What cannot be written for now is tried again, each time later; what can never be written fails its evaluation.
func TestAPlanThatIsNotWritten(t *testing.T) {
	t.Run("for now", func(t *testing.T) {
		b := newBed(t)
		b.node("a", 4000)
		e := b.job("web", 1, nil)
		var pauses []time.Duration
		for range 9 {
			b.step()
			b.fail(structs.KindUnavailable)
			b.sameAsStore()
			b.step()
			b.want("proposals before the pause is over", len(b.queue), 0)
			at, ok := b.core.Next()
			if !ok {
				t.Fatal("it is not tried again")
			}
			pauses = append(pauses, at.Sub(b.now))
			b.now = at
		}
		if pauses[0] != retryAfter || pauses[1] != 2*retryAfter || pauses[8] != retryMax || !slices.IsSorted(pauses) {
			t.Errorf("pauses %v", pauses)
		}
		b.run()
		b.want("live", b.live("web"), 1)
		b.want("status", b.status(e), structs.EvalStatusComplete)
	})
	t.Run("ever", func(t *testing.T) {
		b := newBed(t)
		b.node("a", 4000)
		e := b.job("web", 1, nil)
		b.step()
		b.fail(structs.KindLimit)
		b.sameAsStore()
		b.run()
		stored := b.store.Snapshot().Eval(e.ID)
		b.want("status", stored.Status, structs.EvalStatusFailed)
		b.want("description", stored.StatusDescription, "its plan could not be written: the disk is on fire")
		next := b.store.Snapshot().Eval(stored.NextEval)
		b.want("follow-up", next.TriggeredBy, structs.EvalTriggerFailedFollowUp)
		b.now = next.WaitUntil
		b.run()
		b.want("live", b.live("web"), 1)
	})
	t.Run("not even the failure", func(t *testing.T) {
		b := newBed(t)
		b.node("a", 4000)
		b.job("web", 1, nil)
		b.step()
		b.fail(structs.KindLimit)
		b.fail(structs.KindLimit)
		b.step()
		b.want("proposals", len(b.queue), 0)
		b.now = b.now.Add(followUpAfter)
		b.run()
		b.want("live", b.live("web"), 1)
	})
}

// Plans refused again and again end in a failed evaluation with a follow-up.
func TestRefusedForGood(t *testing.T) {
	b := newBed(t)
	b.node("a", 4000)
	e := b.job("web", 1, nil)
	for range maxAttempts {
		b.step()
		p := b.take()
		cmd := p.body.(*structs.PlanApplyCommand)
		node := cmd.Plans[0].Place[0].Items[0].NodeID
		p.done([]*structs.PlanResult{{RefusedNodes: map[structs.ID]string{node: "it is haunted"}}}, nil)
	}
	b.run()
	b.want("status", b.status(e), structs.EvalStatusFailed)
	b.want("failed", b.core.Stats().Failed, 1)
	b.sameAsStore()
}

// A job has one evaluation that waits for room; the cancel of others is not lost when it cannot be written.
func TestCancelsExtraBlockedEvaluations(t *testing.T) {
	b := newBed(t)
	b.node("a", 100)
	b.job("web", 1, nil)
	b.run()
	snap := b.store.Snapshot()
	var first *structs.Evaluation
	for e := range snap.EvalsByJob(structs.DefaultNamespace, "web") {
		if e.Status == structs.EvalStatusBlocked {
			first = e
		}
	}
	second := *first
	second.ID = b.ids.NewID()
	b.write(structs.CmdEvalUpsert, &structs.EvalUpsertCommand{Evals: []*structs.Evaluation{&second}})
	b.step()
	b.step()
	b.want("proposals", len(b.queue), 1)
	b.fail(structs.KindNoLeader)
	b.step()
	b.want("proposals before the pause is over", len(b.queue), 0)
	b.want("to be cancelled", b.core.Stats().Cancelable, 1)
	at, ok := b.core.Next()
	if !ok || at.Sub(b.now) != retryAfter {
		t.Fatalf("tried again at %v, %v", at, ok)
	}
	b.now = at
	b.run()
	waiting := 0
	for e := range b.store.Snapshot().EvalsByJob(structs.DefaultNamespace, "web") {
		if e.Status == structs.EvalStatusBlocked {
			waiting++
		}
	}
	b.want("blocked evaluations", waiting, 1)
	b.want("to be cancelled", b.core.Stats().Cancelable, 0)
	if at, ok := b.core.Next(); ok {
		t.Errorf("something is left to do at %v", at)
	}
}

// A large evaluation comes in slices; a small one has its turn between them.
func TestASmallEvaluationGoesBetweenTheSlicesOfALargeOne(t *testing.T) {
	b := newBed(t)
	for i := range 80 {
		b.node(fmt.Sprint("n", i), 100_000)
	}
	b.job("large", 2000, nil)
	small := false
	b.core.Step(func() {
		if !small {
			small = true
			b.job("small", 1, nil)
		}
	})
	var order []string
	for _, p := range b.queue {
		if cmd := p.body.(*structs.PlanApplyCommand); len(cmd.Plans) > 0 {
			order = append(order, cmd.Plans[0].Place[0].JobID)
		}
	}
	if at := slices.Index(order, "small"); at != 1 {
		t.Fatalf("plans came as %v", order)
	}
	b.run()
	b.want("live", fmt.Sprint(b.live("large"), b.live("small")), "2000 1")
	b.sameAsStore()
}

// A panic of the scheduler fails the evaluation and leaves the others alone.
func TestAPanicFailsItsEvaluationOnly(t *testing.T) {
	b := newBed(t)
	b.node("a", 4000)
	e := b.job("broken", 1, nil)
	b.core.absorb()
	w := &work{}
	eval, _ := b.core.broker.Take(b.now)
	w.eval = eval
	b.core.guard(w, func() { panic("out of cheese") })
	b.core.decide(w)
	b.job("web", 1, nil)
	b.run()
	b.want("status", b.status(e), structs.EvalStatusFailed)
	b.want("live", b.live("web"), 1)
	b.sameAsStore()
}

// A large evaluation leaves the log room: what comes while it is placed is written behind a few slices, not behind all.
func TestALargeEvaluationDoesNotFillTheLog(t *testing.T) {
	b := newBed(t)
	for i := range 80 {
		b.node(fmt.Sprint("n", i), 1_000_000)
	}
	const count = 8 * scheduler.SliceMax
	b.job("large", count, func(j *structs.Job) { j.TaskGroups[0].Tasks[0].Resources.MemoryMB = new(10) })
	waiting := func() (n int) {
		for _, p := range b.queue {
			n += slice{plan: p.body.(*structs.PlanApplyCommand).Plans[0]}.placements()
		}
		return n
	}
	b.step()
	b.want("placements on their way", waiting(), maxPlacing)
	b.job("small", 1, nil)
	b.step()
	b.want("with a small one behind them", waiting(), maxPlacing+1)
	b.land()
	b.step()
	b.want("when a slice has landed", waiting(), maxPlacing+1)
	b.run()
	b.want("live", fmt.Sprint(b.live("large"), b.live("small")), fmt.Sprint(count, 1))
	b.want("placements on their way at the end", b.core.placing, 0)
	b.sameAsStore()
}
