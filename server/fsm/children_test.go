package fsm

import (
	"slices"
	"strings"
	"testing"

	"berth/structs"
)

// template is a parameterized job with a required and an optional key.
func template(t *testing.T, w *world, payload string) {
	t.Helper()
	j := &structs.Job{ID: "resize", Type: structs.JobTypeBatch, Meta: map[string]string{"size": "1", "own": "yes"},
		ParameterizedJob: &structs.ParameterizedJobConfig{Payload: payload, MetaRequired: []string{"file"}, MetaOptional: []string{"size"}},
		TaskGroups:       []*structs.TaskGroup{{Name: "g", Tasks: []*structs.Task{{Name: "t", Driver: "fake"}}}}}
	j.Canonicalize()
	w.do(t, structs.CmdJobRegister, &structs.JobRegisterCommand{Job: j})
}

func dispatchOf(id string) *structs.JobDispatchCommand {
	return &structs.JobDispatchCommand{Namespace: "default", JobID: "resize", ChildID: "resize/dispatch-1-" + id, Meta: map[string]string{"file": "a.png"},
		EvalID: structs.ID{7, id[0]}}
}

func TestJOB5ADispatchMakesAnInstance(t *testing.T) {
	w := newWorld()
	template(t, w, structs.DispatchPayloadOptional)
	c := dispatchOf("a")
	c.Payload, c.Meta["size"], c.Priority = []byte("pixels"), "9", 70
	made := w.do(t, structs.CmdJobDispatch, c).(*structs.Job)
	if made.ID != c.ChildID || made.Name != c.ChildID || made.ParentID != "resize" || !made.Dispatched || string(made.Payload) != "pixels" ||
		made.Priority != 70 || made.IsParameterized() || made.SubmitTime != w.now {
		t.Fatalf("made %+v", made)
	}
	if m := made.Meta; len(m) != 3 || m["size"] != "9" || m["own"] != "yes" || m["file"] != "a.png" {
		t.Fatalf("meta %v", m)
	}
	evals := slices.Collect(w.snap().EvalsByJob("default", made.ID))
	if len(evals) != 1 || evals[0].ID != c.EvalID || evals[0].Priority != 70 {
		t.Fatalf("evaluations %+v", evals)
	}
	if n := w.snap().JobSummary("default", "resize").Children; n.Pending != 1 || n.Running+n.Dead != 0 {
		t.Fatalf("children %+v", n)
	}
	if w.snap().Job("default", "resize").Meta["size"] != "1" {
		t.Fatal("the template was changed")
	}
}

func TestJOB5AnIdempotencyTokenMakesOneInstance(t *testing.T) {
	w := newWorld()
	template(t, w, structs.DispatchPayloadOptional)
	a, b, other := dispatchOf("a"), dispatchOf("b"), dispatchOf("c")
	a.IdempotencyToken, b.IdempotencyToken, other.IdempotencyToken = "once", "once", "twice"
	w.do(t, structs.CmdJobDispatch, a)
	if made := w.do(t, structs.CmdJobDispatch, b).(*structs.Job); made.ID != a.ChildID {
		t.Fatalf("the second dispatch made %s", made.ID)
	}
	if made := w.do(t, structs.CmdJobDispatch, other).(*structs.Job); made.ID != other.ChildID {
		t.Fatalf("another token answered %s", made.ID)
	}
	if n := len(slices.Collect(w.snap().Children("default", "resize"))); n != 2 {
		t.Fatalf("%d instances", n)
	}
}

func TestJOB5WhatATemplateDoesNotAllowIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		change        func(*structs.JobDispatchCommand)
		want          string
	}{
		{"no payload", structs.DispatchPayloadRequired, func(*structs.JobDispatchCommand) {}, "not provided but required"},
		{"a payload", structs.DispatchPayloadForbidden, func(c *structs.JobDispatchCommand) { c.Payload = []byte("x") }, "forbidden"},
		{"a large payload", structs.DispatchPayloadOptional, func(c *structs.JobDispatchCommand) { c.Payload = make([]byte, 16<<10+1) }, "exceeds maximum size; 16385 > 16384"},
		{"an unknown key", structs.DispatchPayloadOptional, func(c *structs.JobDispatchCommand) { c.Meta["b"], c.Meta["a"] = "", "" }, "unpermitted metadata keys: [a b]"},
		{"a missing key", structs.DispatchPayloadOptional, func(c *structs.JobDispatchCommand) { c.Meta = nil }, "required meta keys: [file]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			template(t, w, c.payload)
			d := dispatchOf("a")
			c.change(d)
			if err := w.refuse(t, structs.KindInvalid, structs.CmdJobDispatch, d); !strings.Contains(err.Error(), c.want) {
				t.Fatalf("refused with %q", err)
			}
		})
	}
	w := newWorld()
	w.refuse(t, structs.KindNotFound, structs.CmdJobDispatch, dispatchOf("a"))
	template(t, w, structs.DispatchPayloadOptional)
	full := dispatchOf("a")
	full.Payload = make([]byte, 16<<10)
	w.do(t, structs.CmdJobDispatch, full)
	w.refuse(t, structs.KindConflict, structs.CmdJobDispatch, dispatchOf("a"))
	w.do(t, structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: "default", JobID: "resize"})
	w.refuse(t, structs.KindConflict, structs.CmdJobDispatch, dispatchOf("b"))
	if j := w.snap().Job("default", full.ChildID); j.Stop {
		t.Fatal("the stop of a template stopped its instance")
	}
	if j := w.snap().Job("default", "resize"); j.Status != structs.JobStatusDead || j.SubmitTime != w.now-1e9 {
		t.Fatalf("stopped template %+v", j)
	}
}

func TestALaunchThatIsReplacedByNoOneKnownIsRefused(t *testing.T) {
	w := newWorld()
	j := &structs.Job{ID: "p", Type: structs.JobTypeBatch, Periodic: &structs.PeriodicConfig{Specs: []string{"@hourly"}, Overlap: structs.OverlapReplace},
		TaskGroups: []*structs.TaskGroup{{Name: "g", Tasks: []*structs.Task{{Name: "t", Driver: "fake"}}}}}
	j.Canonicalize()
	w.do(t, structs.CmdJobRegister, &structs.JobRegisterCommand{Job: j})
	begin := w.now
	launch := func(after int64, replaces ...structs.PeriodicReplace) *structs.PeriodicLaunchCommand {
		return &structs.PeriodicLaunchCommand{Namespace: "default", JobID: "p", Launch: begin + after, EvalID: structs.ID{8, byte(after / 1e9)}, Replaces: replaces}
	}
	first := w.do(t, structs.CmdPeriodicLaunch, launch(100e9)).(*structs.Job)
	if again := w.do(t, structs.CmdPeriodicLaunch, launch(100e9)).(*structs.Job); again.ID != first.ID {
		t.Fatalf("the same launch again made %s", again.ID)
	}
	w.refuse(t, structs.KindConflict, structs.CmdPeriodicLaunch, launch(200e9))
	w.refuse(t, structs.KindConflict, structs.CmdPeriodicLaunch, launch(50e9))
	if l := w.snap().PeriodicLaunch("default", "p"); l.Launch != begin+100e9 {
		t.Fatalf("a refused launch was noted: %+v", l)
	}
	w.do(t, structs.CmdPeriodicLaunch, launch(200e9, structs.PeriodicReplace{JobID: first.ID, EvalID: structs.ID{9}}))
	if was := w.snap().Job("default", first.ID); !was.Stop || w.snap().Eval(structs.ID{9}).JobID != first.ID {
		t.Fatalf("replaced %+v", was)
	}
}
