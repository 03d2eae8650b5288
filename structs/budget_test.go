package structs

import (
	"strings"
	"testing"
)

func TestLeast(t *testing.T) {
	for _, c := range []struct {
		rule     Disruption
		expected int
		least    int
	}{
		{Disruption{MinAvailable: "2"}, 3, 2}, {Disruption{MinAvailable: "2"}, 1, 2}, {Disruption{MinAvailable: "0"}, 3, 0},
		{Disruption{MinAvailable: "50%"}, 3, 2}, {Disruption{MinAvailable: "50%"}, 4, 2}, {Disruption{MinAvailable: "100%"}, 7, 7},
		{Disruption{MaxUnavailable: "1"}, 3, 2}, {Disruption{MaxUnavailable: "5"}, 3, 0}, {Disruption{MaxUnavailable: "0"}, 3, 3},
		{Disruption{MaxUnavailable: "25%"}, 3, 2}, {Disruption{MaxUnavailable: "25%"}, 8, 6}, {Disruption{MaxUnavailable: "100%"}, 8, 0},
		{Disruption{MinAvailable: "50%"}, 0, 0},
	} {
		if got := c.rule.Least(c.expected); got != c.least {
			t.Errorf("%s of %d: %d, not %d", c.rule.String(), c.expected, got, c.least)
		}
	}
}

func TestBudgetsAndClassesAreChecked(t *testing.T) {
	ok := Disruption{MinAvailable: "1"}
	for want, b := range map[string]DisruptionBudget{
		"has no name": {Job: "a", Disruption: ok}, "cannot be the name": {Name: "a b", Job: "a", Disruption: ok}, "whose allocations": {Name: "a", Disruption: ok},
		"set min_available or": {Name: "a", Job: "a"}, "are both set": {Name: "a", Job: "a", Disruption: Disruption{MinAvailable: "1", MaxUnavailable: "1"}},
		"neither a number nor a share": {Name: "a", Job: "a", Disruption: Disruption{MinAvailable: "some"}}, "more than 100%": {Name: "a", Job: "a", Disruption: Disruption{MinAvailable: "101%"}},
		"too large": {Name: "a", Job: "a", Disruption: Disruption{MinAvailable: "2000000000"}},
	} {
		if err := b.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %q", err, want)
		}
	}
	for _, text := range []string{"-1", "01", "1.5", "%", "1 %", "+1", ""} {
		if b := (DisruptionBudget{Name: "a", Job: "*", Disruption: Disruption{MinAvailable: text}}); b.Check() == nil {
			t.Errorf("%q is taken", text)
		}
	}
	for want, p := range map[string]PriorityClass{
		"has no name": {Value: 1}, "between 1 and 100": {Name: "a"}, "value is 101": {Name: "a", Value: 101}, "preemption policy": {Name: "a", Value: 1, PreemptionPolicy: "often"},
	} {
		if err := p.Check(100); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %q", err, want)
		}
	}
}

func TestAJobTakesThePriorityOfItsClass(t *testing.T) {
	classes := map[string]*PriorityClass{"low": {Name: "low", Value: 20, PreemptionPolicy: PreemptNever}, "usual": {Name: "usual", Value: 40, PreemptionPolicy: PreemptLower, Default: true}}
	find := func(name string) *PriorityClass { return classes[name] }
	for _, c := range []struct {
		job      Job
		def      bool
		class    string
		priority int
		policy   string
		told     string
	}{
		{Job{Priority: 50}, false, "", 50, "", ""},
		{Job{Priority: 50}, true, "usual", 40, PreemptLower, ""},
		{Job{Priority: 70}, true, "", 70, "", ""},
		{Job{Priority: 50, PriorityClass: "low"}, true, "low", 20, PreemptNever, ""},
		{Job{Priority: 20, PriorityClass: "low"}, true, "low", 20, PreemptNever, ""},
		{Job{Priority: 70, PriorityClass: "low"}, false, "low", 20, PreemptNever, "priority 70 is replaced by 20"},
		{Job{Priority: 70, PreemptionPolicy: PreemptLower}, false, "", 70, "", ""},
		{Job{Priority: 70, PriorityClass: "gone"}, false, "gone", 70, "", `"gone" does not exist`},
	} {
		var def *PriorityClass
		if c.def {
			def = classes["usual"]
		}
		j := c.job
		told := j.Resolve(find, def)
		text := ""
		for _, f := range told {
			text += f.Error()
		}
		if j.PriorityClass != c.class || j.Priority != c.priority || j.PreemptionPolicy != c.policy || c.told == "" && text != "" || !strings.Contains(text, c.told) {
			t.Errorf("%+v became %q %d %q with %q", c.job, j.PriorityClass, j.Priority, j.PreemptionPolicy, text)
		}
	}
}
