package fsm

import (
	"strings"
	"testing"
	"time"

	"berth/structs"
)

func TestPromotionNeedsHealthyCanaries(t *testing.T) {
	w := running(t, 2)
	promote := &structs.DeploymentUpdateCommand{Promote: &structs.DeploymentPromotion{DeploymentID: deplID(1), All: true},
		Evals: []*structs.Evaluation{eval(6, "web")}}
	w.do(t, structs.CmdAllocClientUpdate, healthReport(1, 1, true))
	err := w.refuse(t, structs.KindConflict, structs.CmdDeploymentUpdate, promote)
	if !strings.Contains(err.Error(), `Task group "web" has 1/2 healthy allocations`) {
		t.Error(err)
	}
	w.do(t, structs.CmdAllocClientUpdate, healthReport(2, 2, true))
	w.do(t, structs.CmdDeploymentUpdate, promote)
	d := w.snap().Deployment(deplID(1))
	if g := d.TaskGroups["web"]; !g.Promoted || !g.RequireProgressBy.Equal(time.Unix(0, w.now).Add(time.Minute)) ||
		d.StatusDescription != structs.DeploymentDescRunning || d.ModifyTime != w.now {
		t.Errorf("promoted: %+v, %q", g, d.StatusDescription)
	}
	if a := w.snap().Alloc(allocID(1)); a.DeploymentStatus.Canary || !*a.DeploymentStatus.Healthy || a.AllocModifyIndex != w.index() {
		t.Errorf("canary: %+v", a.DeploymentStatus)
	}
	if w.snap().Eval(evalID(6)) == nil {
		t.Error("the evaluation is missing")
	}
	w.do(t, structs.CmdDeploymentUpdate, promote) // again changes nothing
}

func TestPromotionOfWhatCannotBe(t *testing.T) {
	promote := func(d, group string) *structs.DeploymentUpdateCommand {
		p := &structs.DeploymentPromotion{DeploymentID: deplID(1), Groups: []string{group}}
		if d != "" {
			p.DeploymentID = deplID(9)
		}
		return &structs.DeploymentUpdateCommand{Promote: p}
	}
	w := running(t, 0)
	w.refuse(t, structs.KindConflict, structs.CmdDeploymentUpdate, promote("", "web"))
	w.refuse(t, structs.KindNotFound, structs.CmdDeploymentUpdate, promote("", "db"))
	w.refuse(t, structs.KindNotFound, structs.CmdDeploymentUpdate, promote("other", "web"))
	all := &structs.DeploymentUpdateCommand{Promote: &structs.DeploymentPromotion{DeploymentID: deplID(1), All: true}}
	w.refuse(t, structs.KindConflict, structs.CmdDeploymentUpdate, all)
	w.do(t, structs.CmdDeploymentUpdate, &structs.DeploymentUpdateCommand{Updates: []*structs.DeploymentStatusUpdate{{DeploymentID: deplID(1), Status: "failed"}}})
	w.refuse(t, structs.KindConflict, structs.CmdDeploymentUpdate, all)
}

func TestDeploymentHealthByHand(t *testing.T) {
	w := running(t, 0)
	set := func(healthy, unhealthy []structs.ID) *structs.DeploymentUpdateCommand {
		return &structs.DeploymentUpdateCommand{Health: &structs.DeploymentHealth{DeploymentID: deplID(1), Healthy: healthy, Unhealthy: unhealthy}}
	}
	w.do(t, structs.CmdDeploymentUpdate, set([]structs.ID{allocID(1)}, []structs.ID{allocID(2)}))
	if g := w.snap().Deployment(deplID(1)).TaskGroups["web"]; g.HealthyAllocs != 1 || g.UnhealthyAllocs != 1 {
		t.Errorf("%+v", g)
	}
	if a := w.snap().Alloc(allocID(2)); *a.DeploymentStatus.Healthy || a.DeploymentStatus.Timestamp.UnixNano() != w.now {
		t.Errorf("%+v", a.DeploymentStatus)
	}
	w.refuse(t, structs.KindNotFound, structs.CmdDeploymentUpdate, set([]structs.ID{allocID(1), allocID(30)}, nil))
}

func TestDeploymentStatusStabilityAndRevert(t *testing.T) {
	w := running(t, 0)
	w.do(t, structs.CmdJobRegister, register(job("web", 9)))
	by := w.now + 1e12
	w.do(t, structs.CmdDeploymentUpdate, &structs.DeploymentUpdateCommand{
		Progress: []*structs.DeploymentProgress{{DeploymentID: deplID(1), Group: "web", RequireProgressBy: by}}})
	if g := w.snap().Deployment(deplID(1)).TaskGroups["web"]; g.RequireProgressBy.UnixNano() != by {
		t.Errorf("%+v", g)
	}
	w.do(t, structs.CmdDeploymentUpdate, &structs.DeploymentUpdateCommand{
		Updates:    []*structs.DeploymentStatusUpdate{{DeploymentID: deplID(1), Status: "failed", StatusDescription: structs.DeploymentDescFailedAllocs}},
		StableJobs: []*structs.JobStabilityCommand{{Namespace: "default", JobID: "web", Version: 0, Stable: true}},
		RevertJob:  job("web", 2), Evals: []*structs.Evaluation{eval(6, "web")},
	})
	snap := w.snap()
	if d := snap.Deployment(deplID(1)); d.Status != "failed" || d.StatusDescription != structs.DeploymentDescFailedAllocs {
		t.Errorf("%+v", d)
	}
	j := snap.Job("default", "web")
	if j.Version != 2 || *j.TaskGroups[0].Count != 2 || !snap.JobVersion("default", "web", 0).Stable || j.Stable {
		t.Errorf("reverted job: version %d", j.Version)
	}
	if e := snap.Eval(evalID(6)); e.JobModifyIndex != w.index() {
		t.Errorf("%+v", e)
	}
	for _, c := range []struct {
		kind structs.ErrorKind
		cmd  *structs.DeploymentUpdateCommand
	}{
		{structs.KindConflict, &structs.DeploymentUpdateCommand{Updates: []*structs.DeploymentStatusUpdate{{DeploymentID: deplID(1), Status: "running"}}}},
		{structs.KindNotFound, &structs.DeploymentUpdateCommand{Updates: []*structs.DeploymentStatusUpdate{{DeploymentID: deplID(7), Status: "running"}}}},
		{structs.KindInvalid, &structs.DeploymentUpdateCommand{Updates: []*structs.DeploymentStatusUpdate{nil}}},
		{structs.KindConflict, &structs.DeploymentUpdateCommand{Health: &structs.DeploymentHealth{DeploymentID: deplID(1)}}},
		{structs.KindNotFound, &structs.DeploymentUpdateCommand{Health: &structs.DeploymentHealth{DeploymentID: deplID(7)}}},
		{structs.KindNotFound, &structs.DeploymentUpdateCommand{Progress: []*structs.DeploymentProgress{{DeploymentID: deplID(7)}}}},
		{structs.KindNotFound, &structs.DeploymentUpdateCommand{Progress: []*structs.DeploymentProgress{{DeploymentID: deplID(1), Group: "x"}}}},
		{structs.KindNotFound, &structs.DeploymentUpdateCommand{StableJobs: []*structs.JobStabilityCommand{{Namespace: "default", JobID: "web", Version: 99}}}},
		{structs.KindNotFound, &structs.DeploymentUpdateCommand{RevertJob: job("gone", 1)}},
	} {
		w.refuse(t, c.kind, structs.CmdDeploymentUpdate, c.cmd)
	}
}

func TestAPlanKeepsWhatHappenedInItsDeployment(t *testing.T) {
	w := running(t, 0)
	w.do(t, structs.CmdAllocClientUpdate, healthReport(1, 1, true))
	p := planOf(group("web", 0, resources(100, 100), 3, 1))
	p.Place[0].DeploymentID = deplID(1)
	p.Deployment = &structs.Deployment{ID: deplID(1), Namespace: "default", JobID: "web", Status: "running",
		TaskGroups: map[string]*structs.DeploymentState{"web": {DesiredTotal: 3}}}
	p.DeploymentUpdates = []*structs.DeploymentStatusUpdate{{DeploymentID: deplID(1), Status: "paused"}, {DeploymentID: deplID(50)}}
	w.apply(t, p)
	d := w.snap().Deployment(deplID(1))
	if g := d.TaskGroups["web"]; g.PlacedAllocs != 3 || g.HealthyAllocs != 1 || g.DesiredTotal != 3 || d.Status != "paused" {
		t.Errorf("%s %+v", d.Status, g)
	}
	p.Deployment.JobID = "other"
	w.refuse(t, structs.KindInvalid, structs.CmdPlanApply, &structs.PlanApplyCommand{Plans: []*structs.Plan{p}})
}
