package structs

import (
	"strings"
	"testing"
	"time"
)

func TestParseTaint(t *testing.T) {
	for text, want := range map[string]string{
		"dedicated=gpu:NoSchedule": "", "maint:NoExecute": "", "node.disk=:PreferNoSchedule": "", "a/b.c=d-e:NoExecute": "",
		"": "no effect", "dedicated=gpu": "no effect", ":NoSchedule": "no key", "=x:NoSchedule": "no key", "a:b:NoSchedule": "no white space",
		"a b:NoSchedule": "no white space", "a:noschedule": "it must be NoSchedule", "a=b=c:NoSchedule": "",
		strings.Repeat("k", 129) + ":NoSchedule": "at most 128",
	} {
		got, err := ParseTaint(text)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case want == "" && strings.Replace(text, "=:", ":", 1) != got.String():
			t.Errorf("%q became %q", text, got.String())
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, not %q", text, err, want)
		}
	}
}

func FuzzParseTaint(f *testing.F) {
	f.Add("dedicated=gpu:NoSchedule")
	f.Fuzz(func(t *testing.T, text string) {
		x, err := ParseTaint(text)
		if err != nil {
			return
		}
		again, err := ParseTaint(x.String())
		if err != nil || *again != *x {
			t.Errorf("%q is %+v, and that is read as %+v, %v", text, x, again, err)
		}
	})
}

func TestCheckTaints(t *testing.T) {
	many := make([]*Taint, taintsMax+1)
	for i := range many {
		many[i] = &Taint{Key: "k" + number(i), Effect: TaintNoSchedule}
	}
	for want, list := range map[string][]*Taint{
		"at most 32": many, "null": {nil}, "is there twice": {{Key: "a", Value: "1", Effect: TaintNoSchedule}, {Key: "a", Value: "2", Effect: TaintNoSchedule}},
	} {
		if err := CheckTaints(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %q", err, want)
		}
	}
	if err := CheckTaints([]*Taint{{Key: "a", Effect: TaintNoSchedule}, {Key: "a", Effect: TaintNoExecute}}); err != nil {
		t.Error(err)
	}
}

func TestTolerationsAreChecked(t *testing.T) {
	j := &Job{ID: "j", TaskGroups: []*TaskGroup{{Name: "g", Tasks: []*Task{{Name: "t", Driver: "docker"}}, Tolerations: []*Toleration{
		{Operator: "like", Key: "a"}, {}, {Operator: TolerateExists, Key: "a", Value: "b"}, {Key: "a", Effect: "Never"},
		{Key: "a", Duration: new(time.Minute)}, {Key: "a", Effect: TaintNoExecute, Duration: new(-time.Minute)},
		{Operator: TolerateExists}, {Key: "a", Effect: TaintNoExecute, Duration: new(time.Minute)},
	}}}, Tolerations: make([]*Toleration, 0, 1)}
	j.Canonicalize()
	var got []string
	for _, f := range j.Validate(DefaultLimits()) {
		if strings.Contains(f.Path, "Tolerations") {
			got = append(got, f.Error())
		}
	}
	want := []string{"operator is", "has no key", "looks at no value", "effect is", "a duration is how long", "must not be negative"}
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("%q, not %q", got[i], want[i])
		}
	}
}
