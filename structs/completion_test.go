package structs

import (
	"slices"
	"strings"
	"testing"
)

func failedTask(events ...*TaskEvent) *TaskState {
	return &TaskState{State: TaskStateDead, Failed: true, Events: events}
}

func exitEvent(code string) *TaskEvent {
	return &TaskEvent{Type: TaskTerminated, Details: map[string]string{"exit_code": code}}
}

func TestWhatFollowsFromAFailure(t *testing.T) {
	c := &Completion{Rules: []*ExitRule{
		{Task: "side", ExitCodes: []string{"42"}, Action: ExitIgnore},
		{ExitCodes: []string{"42", "100 - 120"}, Action: ExitFailJob},
		{ExitCodes: []string{"7"}, Action: ExitFailIndex},
		{ExitCodes: []string{"1-255"}, Action: ExitIgnore},
	}}
	well := &TaskState{State: TaskStateDead, Events: []*TaskEvent{exitEvent("42")}}
	for name, s := range map[string]struct {
		c     *Completion
		tasks map[string]*TaskState
		want  string
	}{
		"no block":                    {nil, map[string]*TaskState{"main": failedTask(exitEvent("42"))}, ExitCount},
		"its own code":                {c, map[string]*TaskState{"main": failedTask(exitEvent("42"))}, ExitFailJob},
		"another task's rule first":   {c, map[string]*TaskState{"side": failedTask(exitEvent("42"))}, ExitIgnore},
		"within a range":              {c, map[string]*TaskState{"main": failedTask(exitEvent("120"))}, ExitFailJob},
		"above it":                    {c, map[string]*TaskState{"main": failedTask(exitEvent("121"))}, ExitIgnore},
		"the last end counts":         {c, map[string]*TaskState{"main": failedTask(exitEvent("42"), &TaskEvent{Type: TaskRestarting}, exitEvent("7"))}, ExitFailIndex},
		"the gravest of two":          {c, map[string]*TaskState{"main": failedTask(exitEvent("7")), "side": failedTask(exitEvent("42"))}, ExitFailIndex},
		"who ended well does not":     {c, map[string]*TaskState{"main": well, "side": failedTask(exitEvent("8"))}, ExitIgnore},
		"a start that failed":         {c, map[string]*TaskState{"main": failedTask(exitEvent("42"), &TaskEvent{Type: TaskDriverFailure})}, ExitCount},
		"failed after it ended well":  {&Completion{Rules: []*ExitRule{{ExitCodes: []string{"0-255"}, Action: ExitFailJob}}}, map[string]*TaskState{"main": failedTask(exitEvent("0"))}, ExitCount},
		"an end nobody saw":           {c, map[string]*TaskState{"main": failedTask(exitEvent("0"))}, ExitCount},
		"no task that failed at all":  {c, nil, ExitCount},
		"a task that never told more": {c, map[string]*TaskState{"main": nil, "side": failedTask()}, ExitCount},
	} {
		if got := s.c.AfterFailure(&Allocation{TaskStates: s.tasks}); got != s.want {
			t.Errorf("%s: %s, want %s", name, got, s.want)
		}
	}
}

func TestHowManyAreWanted(t *testing.T) {
	for _, c := range []struct {
		g    *TaskGroup
		want int
	}{
		{nil, 0}, {&TaskGroup{Count: new(3)}, 3}, {&TaskGroup{Count: new(3), Completion: &Completion{}}, 3},
		{&TaskGroup{Count: new(3), Completion: &Completion{Success: new(2)}}, 2},
		{&TaskGroup{Count: new(3), Completion: &Completion{Success: new(9)}}, 3}, // scaled down since
	} {
		if got := c.g.Wanted(); got != c.want {
			t.Errorf("%+v: %d, want %d", c.g, got, c.want)
		}
	}
}

// The bounds of a completion block: the last that is allowed, and the first that is not.
func TestCompletionsAreChecked(t *testing.T) {
	rule := func(codes ...string) *Completion {
		return &Completion{Rules: []*ExitRule{{ExitCodes: codes, Action: ExitIgnore}}}
	}
	for _, c := range []struct {
		c    *Completion
		want string
	}{
		{&Completion{Retries: new(0), MaxFailed: new(0), Success: new(1)}, ""}, {&Completion{Retries: new(10_000), MaxFailed: new(2), Success: new(3)}, ""},
		{&Completion{Retries: new(-1)}, "retries is -1"}, {&Completion{Retries: new(10_001)}, "retries is 10001"},
		{&Completion{MaxFailed: new(-1)}, "max_failed is -1"}, {&Completion{MaxFailed: new(3)}, "max_failed is 3; it must be between 0 and one less than the count"},
		{&Completion{Success: new(0)}, "success is 0"}, {&Completion{Success: new(4)}, "success is 4"},
		{rule("1", "255", "3-4", "7-7"), ""}, {rule("0"), "no exit code of a failure"}, {rule("256"), "no exit code of a failure"}, {rule("1-256"), "no exit code of a failure"},
		{rule("4-3"), "no exit code of a failure"}, {rule("x"), "no exit code of a failure"}, {rule(), "codes is empty"},
		{&Completion{Rules: slices.Repeat(rule("1").Rules, exitRulesMax)}, ""}, {&Completion{Rules: slices.Repeat(rule("1").Rules, exitRulesMax+1)}, "at most 32"},
	} {
		j := &Job{ID: "load", Type: JobTypeBatch, TaskGroups: []*TaskGroup{{Name: "g", Count: new(3), Tasks: []*Task{{Name: "t", Driver: "docker"}}, Completion: c.c}}}
		j.Canonicalize()
		var got []string
		for _, f := range j.Validate(DefaultLimits()) {
			if strings.Contains(f.Path, "Completion") {
				got = append(got, f.Error())
			}
		}
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
			t.Errorf("%+v: %q, want %q", c.c, got, c.want)
		}
	}
}
