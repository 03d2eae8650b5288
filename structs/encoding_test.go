package structs

import (
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// What says nothing is not written: most of a job is empty.
func TestEmptyFieldsAreNotWritten(t *testing.T) {
	for name, v := range map[string]msgp.Marshaler{"job": &Job{}, "group": &TaskGroup{}, "task": &Task{}, "evaluation": &Evaluation{},
		"registration": &JobRegisterCommand{}, "placement": &Placement{}} {
		out, err := v.MarshalMsg(nil)
		if err != nil {
			t.Fatal(err)
		}
		n, rest, err := msgp.ReadMapHeaderBytes(out)
		if err != nil || n != 0 || len(rest) != 0 {
			t.Errorf("an empty %s is written as %d fields, %d bytes (%v)", name, n, len(out), err)
		}
	}
}

// Programs before wrote every field: nil as an empty list, no id as zeros, no time as the first.
func TestFieldsThatSayNothingAreReadAsEmpty(t *testing.T) {
	var old []byte
	old = msgp.AppendMapHeader(old, 6)
	old = msgp.AppendString(msgp.AppendString(old, "JobID"), "web")
	old = msgp.AppendBytes(msgp.AppendString(old, "NextEval"), make([]byte, 16))
	old = msgp.AppendArrayHeader(msgp.AppendString(old, "RelatedEvals"), 0)
	old = msgp.AppendNil(msgp.AppendString(old, "PlanAnnotations"))
	old = msgp.AppendBool(msgp.AppendString(old, "AnnotatePlan"), false)
	old = msgp.AppendInt(msgp.AppendString(old, "Priority"), 0)
	var e Evaluation
	if rest, err := e.UnmarshalMsg(old); err != nil || len(rest) != 0 {
		t.Fatal(err)
	}
	now, err := e.MarshalMsg(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "JobID"), "web")
	var same Evaluation
	if _, err := same.UnmarshalMsg(want); err != nil {
		t.Fatal(err)
	}
	got, err := same.MarshalMsg(nil)
	if err != nil || string(now) != string(got) {
		t.Errorf("read from the old form it is written as %q, from the new as %q (%v)", now, got, err)
	}
}
