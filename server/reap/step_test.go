package reap

import (
	"slices"
	"testing"
	"time"

	"berth/state"
	"berth/structs"
)

var now = time.Unix(1_700_000_000, 0)

// ago is so long before now, Unix ns.
func ago(d time.Duration) int64 { return now.Add(-d).UnixNano() }

func job(id, kind, status string, submitted int64) *structs.Job {
	return &structs.Job{ID: id, Namespace: "default", Type: kind, Status: status, Stop: status == structs.JobStatusDead, SubmitTime: submitted}
}

func eval(n byte, job, kind, status string, modified int64) *structs.Evaluation {
	return &structs.Evaluation{ID: structs.ID{1, n}, Namespace: "default", JobID: job, Type: kind, Status: status, ModifyTime: modified}
}

func alloc(n byte, job string, eval byte, client string, modified int64) *structs.Allocation {
	return &structs.Allocation{ID: structs.ID{2, n}, Namespace: "default", JobID: job, EvalID: structs.ID{1, eval}, NodeID: structs.ID{3, 1},
		DesiredStatus: structs.AllocDesiredRun, ClientStatus: client, ModifyTime: modified}
}

// TestWhatIsOverGoesWhenItIsOldEnough: each case is a state, and what of it goes.
func TestWhatIsOverGoesWhenItIsOldEnough(t *testing.T) {
	const hour = time.Hour
	batch, service, dead, running := structs.JobTypeBatch, structs.JobTypeService, structs.JobStatusDead, structs.JobStatusRunning
	complete, failed := structs.AllocClientComplete, structs.AllocClientFailed
	for _, c := range []struct {
		name  string
		force bool
		put   func(*state.WriteTxn)
		jobs  []string
		evals []byte // their second bytes, and so on
		alloc []byte
		depl  []byte
		nodes []byte
	}{
		{name: "a dead job with all that is left of it", put: func(t *state.WriteTxn) {
			t.PutJob(job("a", batch, dead, ago(9*hour)))
			t.PutEval(eval(1, "a", batch, "complete", ago(5*hour)))
			t.PutAlloc(alloc(1, "a", 1, complete, ago(5*hour)))
		}, jobs: []string{"a"}, evals: []byte{1}, alloc: []byte{1}},
		{name: "not one that another depends on, until that one is over", put: func(t *state.WriteTxn) {
			for _, x := range []struct{ id, status, on string }{{"web", running, "load"}, {"late", dead, "old"}} {
				t.PutJob(job(x.on, batch, dead, ago(9*hour)))
				j := job(x.id, service, x.status, ago(hour))
				j.DependsOn = []*structs.Dependency{{Job: x.on, Condition: structs.DependComplete}}
				t.PutJob(j)
			}
		}, jobs: []string{"old"}},
		{name: "not one whose last evaluation is still to be decided", put: func(t *state.WriteTxn) {
			t.PutJob(job("a", batch, dead, ago(9*hour)))
			t.PutEval(eval(1, "a", batch, "pending", ago(9*hour)))
		}},
		{name: "nor one of which something ended a moment ago", put: func(t *state.WriteTxn) {
			j := job("a", batch, dead, ago(9*hour))
			j.TTLAfterFinished = new(2 * hour)
			t.PutJob(j)
			t.PutEval(eval(1, "a", batch, "complete", ago(9*hour)))
			t.PutAlloc(alloc(1, "a", 1, complete, ago(hour)))
		}},
		{name: "a job's own time is shorter, or longer, than the threshold", put: func(t *state.WriteTxn) {
			for id, ttl := range map[string]time.Duration{"brief": time.Minute, "long": 20 * hour} {
				j := job(id, batch, dead, ago(9*hour))
				j.TTLAfterFinished = &ttl
				t.PutJob(j)
			}
		}, jobs: []string{"brief"}},
		{name: "but not when everything is to go", force: true, put: func(t *state.WriteTxn) {
			j := job("long", batch, dead, ago(time.Second))
			j.TTLAfterFinished = new(20 * hour)
			t.PutJob(j)
		}, jobs: []string{"long"}},
		{name: "not one that ended within the threshold", put: func(t *state.WriteTxn) {
			t.PutJob(job("a", batch, dead, ago(9*hour)))
			t.PutEval(eval(1, "a", batch, "complete", ago(3*hour)))
		}},
		{name: "forced, whatever its age", force: true, put: func(t *state.WriteTxn) {
			t.PutJob(job("a", batch, dead, ago(0)))
			t.PutEval(eval(1, "a", batch, "complete", ago(0)))
		}, jobs: []string{"a"}, evals: []byte{1}},
		{name: "forced, not one of which something still runs", force: true, put: func(t *state.WriteTxn) {
			t.PutJob(job("a", batch, dead, ago(9*hour)))
			t.PutEval(eval(1, "a", batch, "complete", ago(9*hour)))
			t.PutAlloc(alloc(1, "a", 1, structs.AllocClientRunning, ago(9*hour)))
		}},
		{name: "a parent stays while it has instances, and they go first", put: func(t *state.WriteTxn) {
			p := job("p", batch, dead, ago(9*hour))
			p.ParameterizedJob = &structs.ParameterizedJobConfig{}
			child := job("p/dispatch-1-a", batch, dead, ago(9*hour))
			child.ParentID = "p"
			t.PutJob(p)
			t.PutJob(child)
		}, jobs: []string{"p/dispatch-1-a"}},
		{name: "a parent without instances goes once it is stopped", put: func(t *state.WriteTxn) {
			p, live := job("p", batch, dead, ago(9*hour)), job("q", batch, running, ago(9*hour))
			p.Periodic, live.Periodic = &structs.PeriodicConfig{}, &structs.PeriodicConfig{}
			t.PutJob(p)
			t.PutJob(live)
		}, jobs: []string{"p"}},
		{name: "an evaluation of a job that goes on", put: func(t *state.WriteTxn) {
			t.PutJob(job("a", service, running, ago(9*hour)))
			t.PutEval(eval(1, "a", service, "complete", ago(2*hour)))
			t.PutEval(eval(2, "a", service, "complete", ago(hour/2)))
			t.PutEval(eval(3, "a", service, "blocked", ago(9*hour)))
		}, evals: []byte{1}},
		{name: "one of a batch job a day later", put: func(t *state.WriteTxn) {
			t.PutJob(job("a", batch, running, ago(90*hour)))
			t.PutEval(eval(1, "a", batch, "complete", ago(25*hour)))
			t.PutEval(eval(2, "a", batch, "complete", ago(23*hour)))
		}, evals: []byte{1}},
		{name: "not without its allocations", put: func(t *state.WriteTxn) {
			t.PutJob(job("a", service, running, ago(9*hour)))
			t.PutEval(eval(1, "a", service, "complete", ago(2*hour)))
			t.PutAlloc(alloc(1, "a", 1, structs.AllocClientRunning, ago(2*hour)))
		}},
		{name: "a failure stays until it was replaced", put: func(t *state.WriteTxn) {
			t.PutJob(job("a", service, running, ago(9*hour)))
			t.PutEval(eval(1, "a", service, "complete", ago(2*hour)))
			t.PutAlloc(alloc(1, "a", 1, failed, ago(2*hour)))
			t.PutEval(eval(2, "a", service, "complete", ago(2*hour)))
			done := alloc(2, "a", 2, failed, ago(2*hour))
			done.NextAllocation = structs.ID{2, 9}
			t.PutAlloc(done)
		}, evals: []byte{2}, alloc: []byte{2}},
		{name: "JOB-1 that a batch task is done is remembered while the job lives", put: func(t *state.WriteTxn) {
			t.PutJob(job("a", batch, running, ago(90*hour)))
			t.PutEval(eval(1, "a", batch, "complete", ago(48*hour)))
			t.PutAlloc(alloc(1, "a", 1, complete, ago(48*hour)))
		}},
		{name: "an allocation whose evaluation is gone", put: func(t *state.WriteTxn) {
			stopped := alloc(1, "a", 9, complete, ago(2*hour))
			stopped.DesiredStatus = structs.AllocDesiredStop
			t.PutJob(job("a", service, running, ago(9*hour)))
			t.PutAlloc(stopped)
		}, alloc: []byte{1}},
		{name: "deployments that ended, but not that of the version that is there", put: func(t *state.WriteTxn) {
			j := job("a", service, running, ago(9*hour))
			j.Version = 2
			t.PutJob(j)
			for i, d := range []structs.Deployment{{JobVersion: 1, Status: structs.DeploymentFailed}, {JobVersion: 2, Status: structs.DeploymentSuccessful},
				{JobVersion: 1, Status: structs.DeploymentRunning}, {JobVersion: 1, Status: structs.DeploymentFailed, ModifyTime: ago(hour / 2)}} {
				d.ID, d.Namespace, d.JobID = structs.ID{4, byte(i + 1)}, "default", "a"
				if d.ModifyTime == 0 {
					d.ModifyTime = ago(2 * hour)
				}
				t.PutDeployment(&d)
			}
		}, depl: []byte{1}},
		{name: "nodes that are down or cut off for a day, with nothing on them", put: func(t *state.WriteTxn) {
			for n, at := range map[byte]int64{1: ago(25 * hour), 2: ago(25 * hour), 3: ago(23 * hour)} {
				t.PutNode(&structs.Node{ID: structs.ID{3, n}, Status: structs.NodeStatusDown, StatusUpdatedAt: at / 1e9})
			}
			t.PutNode(&structs.Node{ID: structs.ID{3, 5}, Status: structs.NodeStatusDisconnected, StatusUpdatedAt: ago(25*hour) / 1e9})
			t.PutNode(&structs.Node{ID: structs.ID{3, 4}, Status: structs.NodeStatusReady, StatusUpdatedAt: ago(99*hour) / 1e9})
			unknown := alloc(1, "a", 1, structs.AllocClientUnknown, ago(25*hour))
			t.PutJob(job("a", service, running, ago(99*hour)))
			t.PutEval(eval(1, "a", service, "complete", ago(99*hour)))
			t.PutAlloc(unknown) // on node 1
		}, nodes: []byte{2, 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := state.New()
			txn := store.Begin(1)
			c.put(txn)
			txn.Commit()
			got := Step(store.Snapshot(), now, Thresholds{}, c.force)
			var jobs []string
			for _, j := range got.Jobs {
				jobs = append(jobs, j.ID)
			}
			second := func(ids []structs.ID) []byte {
				var out []byte
				for _, id := range ids {
					out = append(out, id[1])
				}
				return out
			}
			if !slices.Equal(jobs, c.jobs) || !slices.Equal(second(got.Evals), c.evals) || !slices.Equal(second(got.Allocs), c.alloc) ||
				!slices.Equal(second(got.Deployments), c.depl) || !slices.Equal(second(got.Nodes), c.nodes) {
				t.Fatalf("jobs %v, evaluations %v, allocations %v, deployments %v, nodes %v go", jobs, second(got.Evals), second(got.Allocs),
					second(got.Deployments), second(got.Nodes))
			}
		})
	}
}

func TestALotGoesInPiecesAndInOrder(t *testing.T) {
	pieces := Split(&structs.ReapCommand{Allocs: make([]structs.ID, maxCommand+1), Evals: make([]structs.ID, 1), Jobs: make([]structs.JobRef, 1)})
	if len(pieces) != 4 || len(pieces[0].Allocs) != maxCommand || len(pieces[1].Allocs) != 1 || len(pieces[2].Evals) != 1 || len(pieces[3].Jobs) != 1 {
		t.Fatalf("%d pieces", len(pieces))
	}
}

// Between the looks at everything only jobs that say how long they are kept are looked for.
func TestOnlyJobsThatSaySoGoBetweenTheLooks(t *testing.T) {
	store := state.New()
	txn := store.Begin(1)
	txn.PutJob(job("old", structs.JobTypeBatch, structs.JobStatusDead, ago(99*time.Hour)))
	brief := job("brief", structs.JobTypeBatch, structs.JobStatusDead, ago(time.Hour))
	brief.TTLAfterFinished = new(time.Minute)
	txn.PutJob(brief)
	txn.Commit()
	if got := Finished(store.Snapshot(), now); len(got.Jobs) != 1 || got.Jobs[0].ID != "brief" {
		t.Errorf("%v go", got.Jobs)
	}
}
