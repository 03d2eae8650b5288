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

// Which taints are borne, and for how long.
func TestTolerates(t *testing.T) {
	minute, hour := time.Minute, time.Hour
	gpu := Taint{Key: "dedicated", Value: "gpu", Effect: TaintNoExecute}
	for name, c := range map[string]struct {
		kind       string
		job, group []*Toleration
		taint      Taint
		stay       time.Duration
		forever    bool
	}{
		"nobody tolerates it":       {taint: gpu},
		"its value":                 {group: []*Toleration{{Key: "dedicated", Value: "gpu"}}, taint: gpu, forever: true},
		"the job's are its groups'": {job: []*Toleration{{Key: "dedicated", Value: "gpu"}}, taint: gpu, forever: true},
		"another value":             {group: []*Toleration{{Key: "dedicated", Value: "cpu"}}, taint: gpu},
		"another key":               {group: []*Toleration{{Key: "other", Value: "gpu"}}, taint: gpu},
		"any value":                 {group: []*Toleration{{Key: "dedicated", Operator: TolerateExists}}, taint: gpu, forever: true},
		"any taint":                 {group: []*Toleration{{Operator: TolerateExists}}, taint: gpu, forever: true},
		"its effect":                {group: []*Toleration{{Key: "dedicated", Value: "gpu", Effect: TaintNoExecute}}, taint: gpu, forever: true},
		"another effect":            {group: []*Toleration{{Key: "dedicated", Value: "gpu", Effect: TaintNoSchedule}}, taint: gpu},
		"for a time":                {group: []*Toleration{{Key: "dedicated", Value: "gpu", Duration: &minute}}, taint: gpu, stay: minute},
		"the longest of several times": {job: []*Toleration{{Key: "dedicated", Value: "gpu", Duration: &hour}},
			group: []*Toleration{{Operator: TolerateExists, Duration: &minute}}, taint: gpu, stay: hour},
		"for ever beside a time": {group: []*Toleration{{Operator: TolerateExists, Duration: &minute}, {Operator: TolerateExists}}, taint: gpu, forever: true},
		"health, of a service":   {kind: JobTypeService, taint: Taint{Key: "node.disk-pressure", Effect: TaintNoSchedule}},
		"health, of a daemon":    {kind: JobTypeSystem, taint: Taint{Key: "node.disk-pressure", Effect: TaintNoSchedule}, forever: true},
		"health, of daily work":  {kind: JobTypeSysBatch, taint: Taint{Key: "node.disk-pressure", Effect: TaintNoSchedule}, forever: true},
		"another, of a daemon":   {kind: JobTypeSystem, taint: gpu},
	} {
		stay, forever := Tolerates(&Job{Type: c.kind, Tolerations: c.job}, &TaskGroup{Tolerations: c.group}, &c.taint)
		if stay != c.stay || forever != c.forever {
			t.Errorf("%s: %s, %t", name, stay, forever)
		}
	}
}

func TestWhoIsKeptAwayAndWhoLeaves(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	minute, hour := time.Minute, time.Hour
	n := &Node{Taints: []*Taint{
		{Key: "slow", Effect: TaintPreferNoSchedule, Since: at.UnixNano()}, {Key: "full", Effect: TaintNoSchedule, Since: at.UnixNano()},
		{Key: "old", Effect: TaintNoExecute, Since: at.UnixNano()}, {Key: "hot", Effect: TaintNoExecute, Since: at.UnixNano()},
	}}
	bears := func(key string, d *time.Duration) *Toleration {
		return &Toleration{Key: key, Operator: TolerateExists, Duration: d}
	}
	for _, c := range []struct {
		bears        []*Toleration
		repels, hunt string
		after        time.Duration
	}{
		{nil, "full", "old", 0},
		{[]*Toleration{bears("full", nil), bears("old", nil), bears("hot", nil)}, "", "", 0}, // the preference repels nobody
		{[]*Toleration{bears("full", nil), bears("old", &hour), bears("hot", &minute)}, "old", "hot", minute},
		{[]*Toleration{bears("old", &minute), bears("hot", &hour)}, "full", "old", minute},
		{[]*Toleration{bears("full", nil), bears("old", nil)}, "hot", "hot", 0},
	} {
		j, g := &Job{Type: JobTypeService}, &TaskGroup{Tolerations: c.bears}
		key := func(x *Taint) string {
			if x == nil {
				return ""
			}
			return x.Key
		}
		leaves, taint := n.LeavesAt(j, g)
		if got := key(n.Repels(j, g)); got != c.repels || key(taint) != c.hunt || taint != nil && !leaves.Equal(at.Add(c.after)) {
			t.Errorf("%d tolerations: repelled by %q, leaves for %q at %s", len(c.bears), got, key(taint), leaves)
		}
	}
}

// Each source has its own taints, and one that stays as it is keeps its time.
func TestSetTaints(t *testing.T) {
	n := &Node{}
	n.SetTaints(TaintFromNode, []*Taint{{Key: "a", Effect: TaintNoExecute}, {Key: "b", Effect: TaintNoExecute}}, 1)
	n.SetTaints(TaintFromOperator, []*Taint{{Key: "a", Effect: TaintNoExecute}}, 2)
	n.SetTaints(TaintFromNode, []*Taint{{Key: "a", Effect: TaintNoExecute}, {Key: "c", Value: "x", Effect: TaintNoSchedule}}, 3)
	var got []string
	for _, x := range n.Taints {
		got = append(got, x.String()+" "+x.Source+" "+number(int(x.Since)))
	}
	want := "a:NoExecute node 1, a:NoExecute operator 2, c=x:NoSchedule node 3"
	if strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
	n.SetTaints(TaintFromOperator, nil, 4)
	if len(n.Taints) != 2 || len(n.TaintsOf(TaintFromNode)) != 2 {
		t.Errorf("left: %v", n.Taints)
	}
}
