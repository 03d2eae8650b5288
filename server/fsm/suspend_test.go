package fsm

import (
	"testing"

	"berth/structs"
)

func suspend(name string, yes bool) *structs.JobSuspendCommand {
	return &structs.JobSuspendCommand{Namespace: "default", JobID: name, Suspend: yes, Eval: eval(70, name)}
}

func TestASuspendedJobStaysSoUntilItIsResumedOrStopped(t *testing.T) {
	w := newWorld()
	at := func() *structs.Job { return w.snap().Job("default", "web") }
	w.refuse(t, structs.KindNotFound, structs.CmdJobSuspend, suspend("web", true))
	first := w.do(t, structs.CmdJobRegister, register(job("web", 2))).(*structs.Job)
	w.do(t, structs.CmdJobSuspend, suspend("web", true))
	if j := at(); !j.Suspended || j.Version != 0 || j.JobModifyIndex != first.JobModifyIndex || j.Status != structs.JobStatusPending {
		t.Errorf("suspended: %+v", j)
	}
	if e := w.snap().Eval(evalID(70)); e == nil {
		t.Error("nobody looks at it")
	}
	w.do(t, structs.CmdJobRegister, register(job("web", 2)))
	if j := at(); !j.Suspended || j.Version != 0 {
		t.Errorf("the same again: %+v", j)
	}
	w.do(t, structs.CmdJobRegister, register(job("web", 3)))
	if j := at(); !j.Suspended || j.Version != 1 {
		t.Errorf("changed: %+v", j)
	}
	w.do(t, structs.CmdJobSuspend, suspend("web", false))
	if at().Suspended {
		t.Error("still suspended")
	}
	w.do(t, structs.CmdJobSuspend, suspend("web", true))
	w.do(t, structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: "default", JobID: "web"})
	if j := at(); j.Suspended || !j.Stop {
		t.Errorf("stopped: %+v", j)
	}
	w.refuse(t, structs.KindConflict, structs.CmdJobSuspend, suspend("web", true))
	w.do(t, structs.CmdJobRegister, register(job("web", 3)))
	if at().Suspended {
		t.Error("started, and suspended as before")
	}
}

func TestNothingIsLaunchedOfASuspendedJob(t *testing.T) {
	w := newWorld()
	p := job("nightly", 1)
	p.Type, p.Periodic = structs.JobTypeBatch, &structs.PeriodicConfig{Specs: []string{"0 * * * *"}}
	d := job("resize", 1)
	d.Type, d.ParameterizedJob = structs.JobTypeBatch, &structs.ParameterizedJobConfig{}
	for _, j := range []*structs.Job{p, d} {
		w.do(t, structs.CmdJobRegister, register(j))
		w.do(t, structs.CmdJobSuspend, &structs.JobSuspendCommand{Namespace: "default", JobID: j.ID, Suspend: true})
	}
	if l := w.snap().PeriodicLaunch("default", "nightly"); l != nil {
		t.Errorf("its schedule is followed: %+v", l)
	}
	w.refuse(t, structs.KindConflict, structs.CmdPeriodicLaunch, &structs.PeriodicLaunchCommand{Namespace: "default", JobID: "nightly", Launch: 1e18, Forced: true, EvalID: evalID(1)})
	w.refuse(t, structs.KindConflict, structs.CmdJobDispatch, &structs.JobDispatchCommand{Namespace: "default", JobID: "resize", ChildID: "resize/dispatch-1", EvalID: evalID(2)})
	w.do(t, structs.CmdJobSuspend, &structs.JobSuspendCommand{Namespace: "default", JobID: "nightly"})
	if l := w.snap().PeriodicLaunch("default", "nightly"); l == nil || l.Launch != w.now {
		t.Errorf("what was not launched meanwhile is not made up for: %+v", l)
	}
}

// The status of a suspended job follows from what still runs of it; who asks for what is so changes nothing.
func TestTheStatusOfASuspendedJob(t *testing.T) {
	w := cluster(t, 1)
	w.apply(t, planOf(group("web", 0, resources(100, 100), 1, 1)))
	w.do(t, structs.CmdAllocClientUpdate, report(1, 1, structs.AllocClientRunning))
	j := func() *structs.Job { return w.snap().Job("default", "web") }
	first := j().JobModifyIndex
	w.do(t, structs.CmdJobSuspend, suspend("web", true))
	if j().Status != structs.JobStatusRunning {
		t.Errorf("it is %s while something of it runs", j().Status)
	}
	if e := w.snap().Eval(evalID(70)); e == nil || e.JobModifyIndex != first {
		t.Errorf("its evaluation is %+v", e)
	}
	before := j().ModifyIndex
	if w.do(t, structs.CmdJobSuspend, suspend("web", true)); j().ModifyIndex != before {
		t.Error("suspended twice, it is changed twice")
	}
	w.do(t, structs.CmdAllocClientUpdate, report(1, 1, structs.AllocClientComplete))
	if j().Status != structs.JobStatusPending {
		t.Errorf("it is %s when nothing of it runs", j().Status)
	}

	w = cluster(t, 1)
	decided := eval(1, "web")
	decided.Status = structs.EvalStatusComplete
	w.apply(t, planOf(group("web", 0, resources(100, 100), 1, 1)), decided)
	w.do(t, structs.CmdAllocClientUpdate, report(1, 1, structs.AllocClientComplete))
	if j().Status != structs.JobStatusDead {
		t.Fatalf("it is %s after its end", j().Status)
	}
	w.do(t, structs.CmdJobSuspend, &structs.JobSuspendCommand{Namespace: "default", JobID: "web", Suspend: true}) // and nobody looks at it
	if j().Status != structs.JobStatusPending {
		t.Errorf("it is %s, suspended after its end", j().Status)
	}
}
