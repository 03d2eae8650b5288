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
