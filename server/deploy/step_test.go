package deploy

import (
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/internal/idgen"
	"berth/structs"
)

// world is a state small enough to write down: one job, its versions newest first, its deployment.
type world struct {
	d        *structs.Deployment
	job      *structs.Job
	versions []*structs.Job
	allocs   []*structs.Allocation
	others   []*structs.Job // than the one that is deployed
	evals    []*structs.Evaluation
}

func (w *world) Deployments() iter.Seq[*structs.Deployment] {
	return slices.Values([]*structs.Deployment{w.d})
}
func (w *world) JobVersions(string, string) iter.Seq[*structs.Job] { return slices.Values(w.versions) }
func (w *world) Job(_, id string) *structs.Job {
	for _, j := range append(w.others, w.job) {
		if j.ID == id {
			return j
		}
	}
	return nil
}
func (w *world) AllocsByDeployment(structs.ID) iter.Seq[*structs.Allocation] {
	return slices.Values(w.allocs)
}
func (w *world) EvalsByJob(string, string) iter.Seq[*structs.Evaluation] {
	return slices.Values(w.evals)
}

var (
	now  = time.Unix(1_700_000_000, 0)
	depl = structs.ID{1}
)

// rolling is a deployment of version 3 of a job whose version 2 is not stable and whose version 1 is.
func rolling(groups map[string]*structs.DeploymentState) *world {
	version := func(n uint64, stable bool) *structs.Job {
		return &structs.Job{ID: "web", Namespace: "default", Type: structs.JobTypeService, Priority: 50, Version: n, Stable: stable, CreateIndex: 5,
			JobModifyIndex: 7 + n, Meta: map[string]string{"version": string(rune('0' + n))}}
	}
	w := &world{job: version(3, false), d: &structs.Deployment{ID: depl, Namespace: "default", JobID: "web", JobVersion: 3, JobCreateIndex: 5,
		Status: structs.DeploymentRunning, TaskGroups: groups}}
	w.versions = []*structs.Job{w.job, version(2, false), version(1, true)}
	return w
}

// dependsOnDB lets the stable version depend on a service, which depends on others itself.
func (w *world) dependsOnDB(others ...*structs.Dependency) {
	w.versions[2].DependsOn = []*structs.Dependency{{Job: "db", Condition: structs.DependHealthy}}
	w.others = []*structs.Job{{ID: "db", Namespace: "default", Type: structs.JobTypeService, DependsOn: others}}
}

func one(g structs.DeploymentState) map[string]*structs.DeploymentState {
	if g.ProgressDeadline == 0 {
		g.ProgressDeadline = 10 * time.Minute
	}
	return map[string]*structs.DeploymentState{"g": &g}
}

// TestDEPSteps: what follows from each state of a deployment, by the sentence it is of.
func TestDEPSteps(t *testing.T) {
	over, open := now, now.Add(time.Second)
	for _, c := range []struct {
		name   string
		w      *world
		change func(*world)
		status string // of the one update; "" for none
		why    string
		promo  bool
		back   uint64 // version gone back to, 0 for none
		next   time.Time
	}{
		{name: "DEP-1 nothing healthy yet waits for the deadline", w: rolling(one(structs.DeploymentState{DesiredTotal: 2, RequireProgressBy: open})), next: open},
		{name: "DEP-1 all healthy is a success", w: rolling(one(structs.DeploymentState{DesiredTotal: 2, HealthyAllocs: 2, RequireProgressBy: over})),
			status: structs.DeploymentSuccessful, why: structs.DeploymentDescSuccessful},
		{name: "DEP-1 one group of two is not", w: rolling(map[string]*structs.DeploymentState{
			"a": {DesiredTotal: 1, HealthyAllocs: 1, ProgressDeadline: time.Minute, RequireProgressBy: over},
			"b": {DesiredTotal: 1, ProgressDeadline: time.Minute, RequireProgressBy: open}}), next: open},
		{name: "DEP-3 no progress by the deadline fails it", w: rolling(one(structs.DeploymentState{DesiredTotal: 2, RequireProgressBy: over})),
			status: structs.DeploymentFailed, why: "Failed due to progress deadline"},
		{name: "DEP-3 an unhealthy allocation fails it without a deadline", w: rolling(map[string]*structs.DeploymentState{"g": {DesiredTotal: 2, UnhealthyAllocs: 1}}),
			status: structs.DeploymentFailed, why: "Failed due to unhealthy allocations"},
		{name: "DEP-3 a pause stops the clock", w: rolling(one(structs.DeploymentState{DesiredTotal: 2, RequireProgressBy: over})),
			change: func(w *world) { w.d.Status = structs.DeploymentPaused }},
		{name: "DEP-3 of a stopped job nothing follows", w: rolling(one(structs.DeploymentState{DesiredTotal: 2, RequireProgressBy: over})),
			change: func(w *world) { w.job.Stop = true }},
		{name: "DEP-3 nor of an older version", w: rolling(one(structs.DeploymentState{DesiredTotal: 2, RequireProgressBy: over})),
			change: func(w *world) { w.d.JobVersion = 2 }},
		{name: "DEP-3 nor of a job that was purged meanwhile", w: rolling(one(structs.DeploymentState{DesiredTotal: 2, RequireProgressBy: over})),
			change: func(w *world) { w.d.JobCreateIndex = 4 }},
		{name: "DEP-4 a failure goes back to the newest stable version", w: rolling(one(structs.DeploymentState{DesiredTotal: 2, RequireProgressBy: over, AutoRevert: true})),
			status: structs.DeploymentFailed, why: "Failed due to progress deadline - rolling back to job version 1", back: 1},
		{name: "DEP-4 without a stable version it cannot", w: rolling(one(structs.DeploymentState{DesiredTotal: 2, RequireProgressBy: over, AutoRevert: true})),
			change: func(w *world) { w.versions = w.versions[:2] }, status: structs.DeploymentFailed,
			why: "Failed due to progress deadline - no stable job version to auto revert to"},
		{name: "DEP-4 nor to what it is already", w: rolling(one(structs.DeploymentState{DesiredTotal: 2, RequireProgressBy: over, AutoRevert: true})),
			change: func(w *world) { w.versions[2].Meta = w.job.Meta }, status: structs.DeploymentFailed,
			why: "Failed due to progress deadline - not rolling back to stable job version 1 as current job has same specification"},
		{name: "DEP-4 nor to what would wait for itself, because others depend on the job by now",
			w:      rolling(one(structs.DeploymentState{DesiredTotal: 2, RequireProgressBy: over, AutoRevert: true})),
			change: func(w *world) { w.dependsOnDB(&structs.Dependency{Job: "web", Condition: structs.DependStarted}) }, status: structs.DeploymentFailed,
			why: "Failed due to progress deadline - not rolling back to stable job version 1: it would wait for itself: web depends on db, db on web"},
		{name: "DEP-4 nor to what would wait for ever, because what it depends on never completes by now",
			w: rolling(one(structs.DeploymentState{DesiredTotal: 2, RequireProgressBy: over, AutoRevert: true})),
			change: func(w *world) {
				w.dependsOnDB()
				w.versions[2].DependsOn[0].Condition = structs.DependComplete
			}, status: structs.DeploymentFailed,
			why: `Failed due to progress deadline - not rolling back to stable job version 1: it depends on job "db", which is a service job and never completes`},
		{name: "DEP-4 but to what has to wait for another job", w: rolling(one(structs.DeploymentState{DesiredTotal: 2, RequireProgressBy: over, AutoRevert: true})),
			change: func(w *world) { w.dependsOnDB() },
			status: structs.DeploymentFailed, why: "Failed due to progress deadline - rolling back to job version 1", back: 1},
		{name: "DEP-3 a version that gave up, for a job it depends on has failed, fails at once", w: rolling(one(structs.DeploymentState{DesiredTotal: 2})),
			change: func(w *world) { w.d.StatusDescription = structs.DeploymentDescGaveUp + `: job "db" has failed` },
			status: structs.DeploymentFailed, why: `Gave up: job "db" has failed`},
		{name: "DEP-3 but not while it is paused", w: rolling(one(structs.DeploymentState{DesiredTotal: 2})),
			change: func(w *world) {
				w.d.Status, w.d.StatusDescription = structs.DeploymentPaused, structs.DeploymentDescGaveUp
			}},
		{name: "DEP-4 and goes back when one of its groups asks for it", w: rolling(map[string]*structs.DeploymentState{
			"a": {DesiredTotal: 2, HealthyAllocs: 2}, "b": {DesiredTotal: 2, AutoRevert: true}}),
			change: func(w *world) { w.d.StatusDescription = structs.DeploymentDescGaveUp + `: job "db" has failed` },
			status: structs.DeploymentFailed, why: `Gave up: job "db" has failed - rolling back to job version 1`, back: 1},
		{name: "DEP-5 healthy canaries wait for a person, without a deadline",
			w: rolling(one(structs.DeploymentState{DesiredTotal: 4, DesiredCanaries: 1, HealthyAllocs: 1, RequireProgressBy: over}))},
		{name: "DEP-5 or are promoted", w: rolling(one(structs.DeploymentState{DesiredTotal: 4, DesiredCanaries: 1, HealthyAllocs: 1, AutoPromote: true})), promo: true},
		{name: "DEP-5 not before all of them are healthy",
			w: rolling(one(structs.DeploymentState{DesiredTotal: 4, DesiredCanaries: 2, HealthyAllocs: 1, AutoPromote: true, RequireProgressBy: open})), next: open},
		{name: "DEP-5 nor before another group's are", w: rolling(map[string]*structs.DeploymentState{
			"a": {DesiredTotal: 2, DesiredCanaries: 1, HealthyAllocs: 1, AutoPromote: true, ProgressDeadline: time.Minute},
			"b": {DesiredTotal: 2, DesiredCanaries: 1, AutoPromote: true, ProgressDeadline: time.Minute, RequireProgressBy: open}}), next: open},
		{name: "DEP-5 as many canaries as wanted, unpromoted, are no success",
			w: rolling(one(structs.DeploymentState{DesiredTotal: 2, DesiredCanaries: 2, HealthyAllocs: 2}))},
		{name: "DEP-5 canaries have the deadline as well", w: rolling(one(structs.DeploymentState{DesiredTotal: 4, DesiredCanaries: 2, HealthyAllocs: 1, RequireProgressBy: over})),
			status: structs.DeploymentFailed, why: "Failed due to progress deadline"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.change != nil {
				c.change(c.w)
			}
			healthy := 0
			for _, g := range c.w.d.TaskGroups {
				healthy += g.HealthyAllocs
			}
			got := Step(c.w, now, idgen.Seeded(1), Memory{depl: healthy}) // nothing became healthy since the last look
			if !got.Next.Equal(c.next) || len(got.Moves) != 0 {
				t.Fatalf("next %v, want %v; moves %d", got.Next, c.next, len(got.Moves))
			}
			if c.status == "" && !c.promo {
				if len(got.Updates) != 0 {
					t.Fatalf("updates %+v", got.Updates[0])
				}
				return
			}
			if len(got.Updates) != 1 {
				t.Fatalf("%d updates", len(got.Updates))
			}
			u := got.Updates[0]
			if len(u.Evals) != 1 || u.Evals[0].JobID != "web" || u.Evals[0].DeploymentID != depl {
				t.Fatalf("evaluations %+v", u.Evals)
			}
			if c.promo != (u.Promote != nil) || c.promo && !u.Promote.All {
				t.Fatalf("promotion %+v", u.Promote)
			}
			if !c.promo && (len(u.Updates) != 1 || u.Updates[0].Status != c.status || u.Updates[0].StatusDescription != c.why) {
				t.Fatalf("update %+v", u.Updates)
			}
			if back := u.RevertJob; (back == nil) != (c.back == 0) || back != nil && (back.Version != c.back || back.SubmitTime != now.UnixNano()) {
				t.Fatalf("goes back to %+v", back)
			}
			if stable := c.status == structs.DeploymentSuccessful; stable != (len(u.StableJobs) == 1) {
				t.Fatalf("marked as stable: %+v", u.StableJobs)
			}
		})
	}
}

func TestDEP1EachHealthyAllocationLetsTheNextFollow(t *testing.T) {
	w := rolling(one(structs.DeploymentState{DesiredTotal: 3, RequireProgressBy: now.Add(time.Minute)}))
	mem, ids := Memory{}, idgen.Seeded(1)
	look := func(healthy int) int {
		w.d.TaskGroups["g"].HealthyAllocs = healthy
		return len(Step(w, now, ids, mem).Updates)
	}
	for i, c := range []struct{ healthy, updates int }{{0, 0}, {1, 1}, {1, 0}, {2, 1}, {2, 0}} {
		if got := look(c.healthy); got != c.updates {
			t.Fatalf("look %d: %d evaluations asked for, want %d", i, got, c.updates)
		}
	}
	// DEP-8: the next leader asks once more, and does not begin the deadline anew.
	mem = Memory{}
	if got := Step(w, now, ids, mem); len(got.Updates) != 1 || !got.Next.Equal(now.Add(time.Minute)) {
		t.Fatalf("%+v", got)
	}
	w.d.Status = structs.DeploymentSuccessful
	if Step(w, now, ids, mem); len(mem) != 0 {
		t.Fatal("a deployment that ended is remembered")
	}
}

func TestDEP1UnhealthyAllocationsAreReplacedOnce(t *testing.T) {
	w := rolling(one(structs.DeploymentState{DesiredTotal: 2, UnhealthyAllocs: 1, RequireProgressBy: now.Add(time.Minute)}))
	alloc := func(n byte, healthy bool) *structs.Allocation {
		return &structs.Allocation{ID: structs.ID{2, n}, DesiredStatus: structs.AllocDesiredRun, ClientStatus: structs.AllocClientRunning,
			DeploymentStatus: &structs.AllocDeploymentStatus{Healthy: &healthy}}
	}
	asked, replaced, stopped := alloc(3, false), alloc(4, false), alloc(5, false)
	asked.DesiredTransition.Reschedule = new(true)
	replaced.NextAllocation = structs.ID{9}
	stopped.DesiredStatus = structs.AllocDesiredStop
	w.allocs = []*structs.Allocation{alloc(1, true), alloc(2, false), asked, replaced, stopped, {ID: structs.ID{2, 6}}}
	got := Step(w, now, idgen.Seeded(1), Memory{})
	if len(got.Moves) != 1 || len(got.Moves[0].Transitions) != 1 || len(got.Moves[0].Evals) != 1 {
		t.Fatalf("%+v", got)
	}
	for id := range got.Moves[0].Transitions {
		if !strings.HasPrefix(id, "0202") {
			t.Fatalf("moved %s", id)
		}
	}
}

// The limit of a queue is nothing a version could be blamed for: while it is all that holds a group back, the deadline moves on.
func TestARolloutThatWaitsForItsQueueHasTime(t *testing.T) {
	health := func(healthy *bool) *structs.Allocation {
		return &structs.Allocation{ID: structs.ID{9}, TaskGroup: "g", DesiredStatus: structs.AllocDesiredRun, DeploymentStatus: &structs.AllocDeploymentStatus{Healthy: healthy}}
	}
	waits := func() *structs.Evaluation {
		return &structs.Evaluation{Status: structs.EvalStatusBlocked, QuotaLimitReached: "ml", Explanations: map[string]*structs.Explanation{"g": {Queue: &structs.ExplainQueue{}}}}
	}
	moved := now.Add(10 * time.Minute)
	for name, c := range map[string]struct {
		left   time.Duration // of the deadline of ten minutes
		change func(w *world)
		moves  bool
		failed bool
		next   time.Time
	}{
		"when half of it is over":            {left: 5 * time.Minute, moves: true},
		"and at the end, should nobody look": {moves: true},
		"but not before":                     {left: 6 * time.Minute, next: now.Add(time.Minute)},
		"where something is not healthy":     {failed: true, change: func(w *world) { w.allocs = append(w.allocs, health(new(false))) }},
		"or not yet":                         {failed: true, change: func(w *world) { w.allocs = append(w.allocs, health(nil)) }},
		"whatever is told to stop, or of another group": {moves: true, change: func(w *world) {
			leaves, another := health(nil), health(nil)
			leaves.DesiredStatus, another.TaskGroup = structs.AllocDesiredStop, "h"
			w.allocs = append(w.allocs, leaves, another)
		}},
		"where nothing is held back":          {failed: true, change: func(w *world) { w.evals = nil }},
		"where nothing is held back any more": {failed: true, change: func(w *world) { w.evals[0].Status = structs.EvalStatusComplete }},
		"where it waits for room":             {failed: true, change: func(w *world) { w.evals[0].QuotaLimitReached = "" }},
		"where another group waits for the limit": {failed: true, change: func(w *world) {
			w.evals[0].Explanations = map[string]*structs.Explanation{"h": {Queue: &structs.ExplainQueue{}}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := rolling(one(structs.DeploymentState{DesiredTotal: 4, PlacedAllocs: 1, HealthyAllocs: 1, RequireProgressBy: now.Add(c.left)}))
			w.allocs, w.evals = []*structs.Allocation{health(new(true))}, []*structs.Evaluation{waits()}
			if c.change != nil {
				c.change(w)
			}
			got := Step(w, now, idgen.Seeded(1), Memory{depl: 1})
			var moves, failed bool
			for _, u := range got.Updates {
				failed = failed || len(u.Updates) == 1 && u.Updates[0].Status == structs.DeploymentFailed
				moves = moves || len(u.Progress) == 1 && *u.Progress[0] == structs.DeploymentProgress{DeploymentID: depl, Group: "g", RequireProgressBy: moved.UnixNano()}
			}
			if moves != c.moves || failed != c.failed || !got.Next.Equal(c.next) {
				t.Errorf("the deadline moves: %t, the rollout failed: %t, the next look is at %s: %+v", moves, failed, got.Next, got.Updates)
			}
		})
	}
}
