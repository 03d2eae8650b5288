package sim

import (
	"strings"
	"testing"
	"time"

	"berth/state"
	"berth/structs"
)

// lawRig is a state and the laws that judge each of its entries, five seconds apart.
type lawRig struct {
	*testing.T
	store *state.Store
	laws  *laws
	index uint64
	node  structs.ID
}

func newLawRig(t *testing.T) *lawRig {
	r := &lawRig{T: t, store: state.New(), laws: newLaws(), node: structs.ID{1}}
	r.entry(func(txn *state.WriteTxn) {
		txn.PutNode(&structs.Node{ID: r.node, Name: "n", Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible})
	})
	return r
}

// entry changes the state and gives what the laws find.
func (r *lawRig) entry(change func(*state.WriteTxn)) string {
	before := r.store.Snapshot()
	r.index++
	txn := r.store.Begin(r.index)
	change(txn)
	txn.Commit()
	snap := r.store.Snapshot()
	var placed, changed []*structs.Allocation
	for a := range snap.Allocs() {
		switch was := before.Alloc(a.ID); {
		case was == nil:
			placed = append(placed, a)
		case was.ClientStatus != a.ClientStatus:
			changed = append(changed, a)
		}
	}
	return strings.Join(r.laws.look(snap, r.now(), placed, changed), "; ")
}

func (r *lawRig) now() int64 { return epoch + int64(r.index)*int64(5*time.Second) }

func (r *lawRig) job(j *structs.Job) string {
	return r.entry(func(txn *state.WriteTxn) {
		j.Canonicalize()
		j.SubmitTime = r.now()
		txn.PutJob(j)
		txn.PutJobVersion(j)
	})
}

// alloc puts an allocation of an index of a job in a state; with an exit code it failed.
func (r *lawRig) alloc(id byte, job string, index uint32, status string, exit string) string {
	return r.entry(func(txn *state.WriteTxn) {
		a := &structs.Allocation{ID: structs.ID{id}, Namespace: "default", JobID: job, Job: r.store.Snapshot().Job("default", job), TaskGroup: "g", Index: index, NodeID: r.node,
			DesiredStatus: structs.AllocDesiredRun, ClientStatus: status}
		if exit != "" {
			a.TaskStates = map[string]*structs.TaskState{"main": {State: structs.TaskStateDead, Failed: true,
				Events: []*structs.TaskEvent{{Type: structs.TaskTerminated, Details: map[string]string{"exit_code": exit}}}}}
		}
		txn.PutAlloc(a)
	})
}

func (r *lawRig) expect(what, want, found string) {
	r.Helper()
	if want == "" && found != "" || !strings.Contains(found, want) {
		r.Errorf("%s: want %q, found %q", what, want, found)
	}
}

func (r *lawRig) rest() string {
	return strings.Join(r.laws.rest(r.store.Snapshot(), r.now()), "; ")
}

// chore is a batch job of three indexes, each tried again once.
func chore(id string) *structs.Job {
	return &structs.Job{ID: id, Type: structs.JobTypeBatch, TaskGroups: []*structs.TaskGroup{{Name: "g", Count: new(3), Tasks: []*structs.Task{{Name: "main", Driver: "fake"}},
		Completion: &structs.Completion{Retries: new(1), Rules: []*structs.ExitRule{{ExitCodes: []string{"3"}, Action: structs.ExitIgnore},
			{ExitCodes: []string{"4"}, Action: structs.ExitFailIndex}, {ExitCodes: []string{"6"}, Action: structs.ExitFailJob}}}}}}
}

const (
	runs   = structs.AllocClientRunning
	failed = structs.AllocClientFailed
	well   = structs.AllocClientComplete
)

func TestTheLawsOfWaitingFindPlantedFaults(t *testing.T) {
	r := newLawRig(t)
	first, then := chore("first"), chore("then")
	first.TaskGroups[0].Count = new(1)
	then.DependsOn = []*structs.Dependency{{Job: "first", Condition: structs.DependComplete}}
	r.job(first)
	r.job(then)
	r.expect("nothing is there yet", "", r.alloc(1, "first", 0, runs, ""))
	r.expect("too early", "I38", r.alloc(2, "then", 0, runs, ""))
	r.expect("what has begun does not look back", "", r.alloc(3, "then", 1, runs, ""))

	r = newLawRig(t)
	r.job(first)
	r.job(then)
	r.alloc(1, "first", 0, runs, "")
	r.alloc(1, "first", 0, well, "")
	r.expect("in time", "", r.alloc(2, "then", 0, runs, ""))

	r = newLawRig(t)
	r.job(first)
	r.job(then)
	r.entry(func(txn *state.WriteTxn) {
		txn.PutEval(&structs.Evaluation{ID: structs.ID{9}, Namespace: "default", JobID: "then", Status: structs.EvalStatusBlocked, WaitsForJobs: []*structs.JobWait{{Job: "first"}}})
	})
	if found := r.rest(); strings.Contains(found, "I38") {
		t.Errorf("it may wait: %s", found)
	}
	r.alloc(1, "first", 0, runs, "")
	r.alloc(1, "first", 0, well, "")
	r.expect("forgotten", "I38: job then waits for", r.rest())
}

func TestTheLawsOfCompletionFindPlantedFaults(t *testing.T) {
	type step struct {
		id     byte
		index  uint32
		status string
		exit   string
	}
	begin := []step{{1, 0, runs, ""}, {2, 1, runs, ""}}
	for name, c := range map[string]struct {
		change func(*structs.Completion)
		steps  []step
		want   string
	}{
		"a retry":                        {nil, []step{{1, 0, failed, "1"}, {3, 0, runs, ""}}, ""},
		"one too many":                   {nil, []step{{1, 0, failed, "1"}, {3, 0, runs, ""}, {3, 0, failed, "1"}, {4, 0, runs, ""}}, "I39"},
		"what is not counted":            {nil, []step{{1, 0, failed, "3"}, {3, 0, runs, ""}, {3, 0, failed, "3"}, {4, 0, runs, ""}, {4, 0, failed, "1"}, {5, 0, runs, ""}}, ""},
		"an index that is given up":      {nil, []step{{1, 0, failed, "4"}, {3, 0, runs, ""}}, "I39"},
		"another index then":             {nil, []step{{1, 0, failed, "4"}, {3, 2, runs, ""}}, ""},
		"a job that is given up":         {nil, []step{{1, 0, failed, "6"}, {3, 2, runs, ""}}, "I39"},
		"too many indexes":               {func(c *structs.Completion) { c.MaxFailed = new(0) }, []step{{1, 0, failed, "4"}, {3, 2, runs, ""}}, "I39"},
		"an index twice":                 {nil, []step{{1, 0, well, ""}, {3, 0, runs, ""}}, "I39"},
		"enough":                         {func(c *structs.Completion) { c.Success = new(1) }, []step{{1, 0, well, ""}, {3, 2, runs, ""}}, "I39"},
		"not enough, for it is the same": {func(c *structs.Completion) { c.Success = new(2) }, []step{{1, 0, well, ""}, {3, 2, runs, ""}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, j := newLawRig(t), chore("work")
			if c.change != nil {
				c.change(j.TaskGroups[0].Completion)
			}
			r.job(j)
			found := ""
			for _, s := range append(begin, c.steps...) {
				found += r.alloc(s.id, "work", s.index, s.status, s.exit)
			}
			r.expect(name, c.want, found)
		})
	}
	r := newLawRig(t)
	r.job(chore("work"))
	r.alloc(1, "work", 0, runs, "")
	r.alloc(1, "work", 0, well, "")
	r.expect("indexes that nothing came of", "I39: index 2", r.rest())
	r.alloc(2, "work", 1, runs, "")
	r.expect("something runs yet", "", r.rest())
}

func TestTheLawsOfJobsSetAsideAndKeptFindPlantedFaults(t *testing.T) {
	r := newLawRig(t)
	aside := chore("aside")
	aside.Suspended = true
	r.job(aside)
	r.expect("placed", "I40", r.alloc(1, "aside", 0, runs, ""))
	r.expect("still runs", "I40", r.rest())
	r.alloc(1, "aside", 0, well, "")
	r.expect("nothing runs", "", r.rest())

	gone := func(txn *state.WriteTxn) { txn.DeleteJob(structs.JobKey{Namespace: "default", ID: "kept"}) }
	for _, c := range []struct {
		ttl    time.Duration
		purged bool
		want   string
	}{{time.Minute, false, "I41"}, {time.Second, false, ""}, {time.Minute, true, ""}} {
		r = newLawRig(t)
		kept := chore("kept")
		kept.TTLAfterFinished = new(c.ttl)
		r.job(kept)
		r.alloc(1, "kept", 0, runs, "")
		r.alloc(1, "kept", 0, well, "")
		r.laws.purged[structs.JobKey{Namespace: "default", ID: "kept"}] = c.purged
		r.expect("gone", c.want, r.entry(gone))
	}
	r = newLawRig(t)
	kept := chore("kept")
	kept.TTLAfterFinished, kept.Status, kept.TaskGroups[0].Count = new(time.Minute), structs.JobStatusDead, new(1)
	r.job(kept)
	r.alloc(1, "kept", 0, runs, "")
	r.alloc(1, "kept", 0, well, "")
	r.expect("still there", "", r.rest())
	r.index += 100
	r.expect("there for ever", "I41", r.rest())
}
