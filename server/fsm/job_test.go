package fsm

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"berth/state"
	"berth/structs"
)

func register(j *structs.Job) *structs.JobRegisterCommand { return &structs.JobRegisterCommand{Job: j} }

func versions(w *world, name string) []uint64 {
	var all []uint64
	for v := range w.snap().JobVersions("default", name) {
		all = append(all, v.Version)
	}
	return all
}

func TestRegisterCountsAVersionOnlyWhenTheSpecificationChanged(t *testing.T) {
	w := newWorld()
	first := w.do(t, structs.CmdJobRegister, &structs.JobRegisterCommand{Job: job("web", 2), Eval: eval(1, "web"),
		Submission: &structs.JobSubmission{Source: "one", Format: "hcl2"}}).(*structs.Job)
	if first.Version != 0 || first.CreateIndex != 1 || first.JobModifyIndex != 1 || first.Status != structs.JobStatusPending {
		t.Fatalf("first: version %d, indexes %d %d, %s", first.Version, first.CreateIndex, first.JobModifyIndex, first.Status)
	}
	if e := w.snap().Eval(evalID(1)); e.JobModifyIndex != 1 || e.CreateIndex != 1 || e.CreateTime != w.now {
		t.Errorf("evaluation %+v", e)
	}
	if s := w.snap().Submission("default", "web", 0); s.Source != "one" || s.JobModifyIndex != 1 {
		t.Errorf("submission %+v", s)
	}

	again := job("web", 2)
	again.SubmitTime, again.VaultToken = 99, "t"
	same := w.do(t, structs.CmdJobRegister, register(again)).(*structs.Job)
	if same.Version != 0 || same.JobModifyIndex != 1 {
		t.Errorf("the same again: version %d, JobModifyIndex %d", same.Version, same.JobModifyIndex)
	}
	changed := w.do(t, structs.CmdJobRegister, register(job("web", 3))).(*structs.Job)
	if changed.Version != 1 || changed.CreateIndex != 1 || changed.JobModifyIndex != 3 || changed.Stable {
		t.Errorf("changed: %+v", changed)
	}
	if got := versions(w, "web"); !slices.Equal(got, []uint64{1, 0}) {
		t.Errorf("versions %v", got)
	}
	if old := w.snap().JobVersion("default", "web", 0); *old.TaskGroups[0].Count != 2 {
		t.Errorf("version 0 has count %d", *old.TaskGroups[0].Count)
	}
}

func TestAJobThatWouldWaitForItselfIsRefused(t *testing.T) {
	w := newWorld()
	on := func(name, other string) *structs.Job {
		j := job(name, 1)
		j.DependsOn = []*structs.Dependency{{Job: other, Condition: structs.DependStarted}}
		return j
	}
	w.do(t, structs.CmdJobRegister, register(on("web", "db")))
	w.do(t, structs.CmdJobRegister, register(on("db", "load")))
	if err := w.refuse(t, structs.KindInvalid, structs.CmdJobRegister, register(on("load", "web"))); !strings.HasSuffix(err.Error(), "would wait for itself: load depends on web, web on db, db on load") {
		t.Error(err)
	}
	w.do(t, structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: "default", JobID: "web"})
	w.do(t, structs.CmdJobRegister, register(on("load", "web")))
	if err := w.refuse(t, structs.KindInvalid, structs.CmdJobRegister, register(on("web", "db"))); !strings.HasSuffix(err.Error(), "web depends on db, db on load, load on web") {
		t.Error(err)
	}
}

func TestRegisterEnforcesTheIndex(t *testing.T) {
	w := newWorld()
	for _, c := range []struct {
		index uint64
		job   *structs.Job
		want  string
	}{
		{7, job("web", 1), "Enforcing job modify index 7: job does not exist"},
		{0, job("web", 1), ""},
		{0, job("web", 2), "Enforcing job modify index 0: job already exists"},
		{9, job("web", 2), "Enforcing job modify index 9: job exists with conflicting job modify index: 2"},
		{2, job("web", 2), ""},
	} {
		cmd := &structs.JobRegisterCommand{Job: c.job, EnforceIndex: true, Index: c.index}
		if c.want == "" {
			w.do(t, structs.CmdJobRegister, cmd)
		} else if err := w.refuse(t, structs.KindConflict, structs.CmdJobRegister, cmd); !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %q, want %q", err, c.want)
		}
	}
}

func TestRegisterRefusesWhatHasNoPlace(t *testing.T) {
	w := newWorld()
	lost := job("web", 1)
	lost.Namespace = "nowhere"
	w.refuse(t, structs.KindInvalid, structs.CmdJobRegister, register(lost))
	far := job("web", 1)
	far.NodePool = "far"
	w.refuse(t, structs.KindInvalid, structs.CmdJobRegister, register(far))
	w.refuse(t, structs.KindInvalid, structs.CmdJobRegister, register(nil))
}

func TestRegisterPreservesCountsAndResources(t *testing.T) {
	w := newWorld()
	w.do(t, structs.CmdJobRegister, register(job("web", 7)))
	next := job("web", 1)
	next.Priority, next.TaskGroups[0].Tasks[0].Resources.CPU = 60, new(999)
	got := w.do(t, structs.CmdJobRegister, &structs.JobRegisterCommand{Job: next, PreserveCounts: true, PreserveResources: true}).(*structs.Job)
	if g := got.TaskGroups[0]; *g.Count != 7 || *g.Tasks[0].Resources.CPU != 100 || got.Priority != 60 {
		t.Errorf("count %d, cpu %d, priority %d", *g.Count, *g.Tasks[0].Resources.CPU, got.Priority)
	}
}

func TestSixVersionsAreKeptAndThoseTaggedOrInUse(t *testing.T) {
	w := cluster(t, 1) // version 0 has count 2
	w.apply(t, planOf(group("web", 0, resources(100, 100), 1, 1)))
	for i := range 3 {
		w.do(t, structs.CmdJobRegister, register(job("web", 10+i)))
	}
	w.do(t, structs.CmdJobVersionTag, &structs.JobVersionTagCommand{Namespace: "default", JobID: "web", Version: 2,
		Tag: &structs.JobVersionTag{Name: "golden"}})
	for i := range 7 {
		w.do(t, structs.CmdJobRegister, register(job("web", 20+i)))
	}
	if got := versions(w, "web"); !slices.Equal(got, []uint64{10, 9, 8, 7, 6, 5, 2, 0}) {
		t.Errorf("versions %v", got)
	}
}

func TestVersionTags(t *testing.T) {
	w := newWorld()
	w.do(t, structs.CmdJobRegister, register(job("web", 1)))
	w.do(t, structs.CmdJobRegister, register(job("web", 2)))
	tag := func(version uint64, name string) *structs.JobVersionTagCommand {
		return &structs.JobVersionTagCommand{Namespace: "default", JobID: "web", Version: version, Tag: &structs.JobVersionTag{Name: name}}
	}
	w.do(t, structs.CmdJobVersionTag, tag(1, "v"))
	if v := w.snap().Job("default", "web").VersionTag; v == nil || v.Name != "v" || v.TaggedTime != w.now {
		t.Errorf("current version's tag %+v", v)
	}
	w.refuse(t, structs.KindConflict, structs.CmdJobVersionTag, tag(0, "v"))
	w.refuse(t, structs.KindNotFound, structs.CmdJobVersionTag, tag(9, "w"))
	w.do(t, structs.CmdJobVersionTag, &structs.JobVersionTagCommand{Namespace: "default", JobID: "web", Name: "v"})
	if v := w.snap().JobVersion("default", "web", 1).VersionTag; v != nil {
		t.Errorf("removed tag is still %+v", v)
	}
	err := w.refuse(t, structs.KindNotFound, structs.CmdJobVersionTag, &structs.JobVersionTagCommand{Namespace: "default", JobID: "web", Name: "v"})
	if !strings.Contains(err.Error(), `tag "v" not found`) {
		t.Error(err)
	}
}

func TestStabilityIsNotedOnTheVersionAndTheJob(t *testing.T) {
	w := newWorld()
	w.do(t, structs.CmdJobRegister, register(job("web", 1)))
	stable := func(v uint64) *structs.JobStabilityCommand {
		return &structs.JobStabilityCommand{Namespace: "default", JobID: "web", Version: v, Stable: true}
	}
	w.do(t, structs.CmdJobStability, stable(0))
	w.do(t, structs.CmdJobRegister, register(job("web", 2)))
	if snap := w.snap(); !snap.JobVersion("default", "web", 0).Stable || snap.Job("default", "web").Stable {
		t.Error("version 0 must be stable, the new one not")
	}
	w.do(t, structs.CmdJobStability, stable(1))
	if snap := w.snap(); !snap.Job("default", "web").Stable || snap.Job("default", "web").JobModifyIndex != 3 {
		t.Error("the current version must be stable, its JobModifyIndex unchanged")
	}
	w.refuse(t, structs.KindNotFound, structs.CmdJobStability, stable(5))
}

func TestDeregisterStopsOrPurges(t *testing.T) {
	w := cluster(t, 1)
	w.apply(t, planOf(group("web", 0, resources(100, 100), 1, 1)))
	stop := func(purge bool) *structs.JobDeregisterCommand {
		return &structs.JobDeregisterCommand{Namespace: "default", JobID: "web", Purge: purge, NoShutdownDelay: true, Eval: eval(2, "web")}
	}
	w.do(t, structs.CmdJobDeregister, stop(false))
	snap := w.snap()
	j, al := snap.Job("default", "web"), snap.Alloc(allocID(1))
	if !j.Stop || j.Version != 1 || j.JobModifyIndex != w.index() || j.Status != structs.JobStatusRunning {
		t.Errorf("stopped job: %+v", j)
	}
	if al.DesiredTransition.NoShutdownDelay == nil || al.AllocModifyIndex != w.index() {
		t.Errorf("allocation: %+v", al)
	}
	if e := snap.Eval(evalID(2)); e.JobModifyIndex != w.index() {
		t.Errorf("evaluation: %+v", e)
	}

	w.do(t, structs.CmdJobDeregister, stop(true))
	if snap = w.snap(); snap.Job("default", "web") != nil || snap.JobSummary("default", "web") != nil {
		t.Error("the purged job is still there")
	}
	if got := versions(w, "web"); !slices.Equal(got, []uint64{0}) {
		t.Errorf("kept versions %v, want the allocation's", got)
	}
	w.refuse(t, structs.KindNotFound, structs.CmdJobDeregister, stop(true))
	back := w.do(t, structs.CmdJobRegister, register(job("web", 1))).(*structs.Job)
	if back.Version != 1 || back.CreateIndex != w.index() {
		t.Errorf("registered again: version %d, created at %d", back.Version, back.CreateIndex)
	}
	if s := w.snap().JobSummary("default", "web").Summary["web"]; s.Starting != 1 {
		t.Errorf("summary %+v, want the allocation that is left", s)
	}
}

func TestThePurgedJobsVersionsGoWithItsLastAllocation(t *testing.T) {
	w := cluster(t, 1)
	w.apply(t, planOf(group("web", 0, resources(100, 100), 1, 1)))
	w.do(t, structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: "default", JobID: "web", Purge: true})
	w.do(t, structs.CmdAllocClientUpdate, report(1, 1, "complete"))
	w.do(t, structs.CmdReap, &structs.ReapCommand{Allocs: []structs.ID{allocID(1)}})
	if got := versions(w, "web"); len(got) != 0 {
		t.Errorf("versions %v are left", got)
	}
}

func TestJobStatus(t *testing.T) {
	periodic := job("p", 1)
	periodic.Periodic = &structs.PeriodicConfig{Spec: "@daily"}
	system := job("s", 1)
	system.Type = structs.JobTypeSystem
	as := func(j *structs.Job, status string, stop bool) *structs.Job {
		c := *j
		c.Status, c.Stop = status, stop
		return &c
	}
	for _, c := range []struct {
		name string
		job  *structs.Job
		n    state.JobCounts
		want string
	}{
		{"new", as(job("j", 1), "pending", false), state.JobCounts{}, "pending"},
		{"to be decided", as(job("j", 1), "dead", false), state.JobCounts{Evals: 1, OpenEvals: 1}, "pending"},
		{"alive", as(job("j", 1), "pending", true), state.JobCounts{Allocs: 1, Live: 1}, "running"},
		{"over", as(job("j", 1), "running", false), state.JobCounts{Allocs: 1, Evals: 1}, "dead"},
		{"over and reaped", as(job("j", 1), "dead", false), state.JobCounts{}, "dead"},
		{"periodic", as(periodic, "pending", false), state.JobCounts{}, "running"},
		{"periodic, stopped", as(periodic, "running", true), state.JobCounts{}, "dead"},
		{"system without nodes", as(system, "pending", false), state.JobCounts{Evals: 1}, "running"},
		{"system, reaped", as(system, "running", false), state.JobCounts{}, "running"},
		{"system, stopped", as(system, "running", true), state.JobCounts{Evals: 1}, "dead"},
	} {
		if got := jobStatus(c.job, c.n); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestJobStatusAndSummaryFollowTheAllocations(t *testing.T) {
	w := cluster(t, 2)
	expect := func(status string, want structs.TaskGroupSummary) {
		t.Helper()
		j, s := w.snap().Job("default", "web"), w.snap().JobSummary("default", "web")
		if j.Status != status || s.Summary["web"] != want || j.JobModifyIndex != 3 {
			t.Errorf("status %s, summary %+v; want %s, %+v", j.Status, s.Summary["web"], status, want)
		}
	}
	expect("pending", structs.TaskGroupSummary{})
	waits := eval(1, "web")
	waits.QueuedAllocations = map[string]int{"web": 2}
	w.do(t, structs.CmdEvalUpsert, &structs.EvalUpsertCommand{Evals: []*structs.Evaluation{waits}})
	expect("pending", structs.TaskGroupSummary{Queued: 2})
	done := eval(1, "web")
	done.Status = structs.EvalStatusComplete
	w.apply(t, planOf(group("web", 0, resources(100, 100), 1, 1, 2)), done)
	expect("running", structs.TaskGroupSummary{Starting: 2})
	w.do(t, structs.CmdAllocClientUpdate, report(1, 1, "running"))
	w.do(t, structs.CmdAllocClientUpdate, report(2, 2, "failed"))
	expect("running", structs.TaskGroupSummary{Running: 1, Failed: 1})
	w.do(t, structs.CmdAllocClientUpdate, report(1, 1, "complete"))
	expect("dead", structs.TaskGroupSummary{Complete: 1, Failed: 1})
	w.do(t, structs.CmdReap, &structs.ReapCommand{Allocs: []structs.ID{allocID(1), allocID(2)}, Evals: []structs.ID{evalID(1)}})
	expect("dead", structs.TaskGroupSummary{Complete: 1, Failed: 1})
}

func TestParentsCountTheirChildren(t *testing.T) {
	w := newWorld()
	parent := job("batch", 1)
	parent.Periodic = &structs.PeriodicConfig{Spec: "@daily"}
	w.do(t, structs.CmdJobRegister, register(parent))
	for i := range 2 {
		child := job(fmt.Sprintf("batch/%d", i), 1)
		child.ParentID = "batch"
		w.do(t, structs.CmdJobRegister, &structs.JobRegisterCommand{Job: child, Eval: eval(i, child.ID)})
	}
	over := eval(1, "batch/1")
	over.Status = structs.EvalStatusComplete
	w.do(t, structs.CmdEvalUpsert, &structs.EvalUpsertCommand{Evals: []*structs.Evaluation{over}})
	if c := w.snap().JobSummary("default", "batch").Children; c == nil || *c != (structs.JobChildrenSummary{Pending: 1, Dead: 1}) {
		t.Errorf("children %+v", c)
	}
	if s := w.snap().Job("default", "batch").Status; s != "running" {
		t.Errorf("the parent is %s", s)
	}
}
