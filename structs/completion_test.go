package structs

import "testing"

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
