package server

import (
	"strings"
	"testing"

	"berth/structs"
)

func TestHolesAreFound(t *testing.T) {
	group := &structs.TaskGroup{Name: "g", Tasks: []*structs.Task{{Name: "t"}, nil}}
	for name, c := range map[string]struct {
		body any
		want string
	}{
		"none":    {&structs.JobRegisterCommand{Job: job(1)}, ""},
		"no job":  {&structs.JobRegisterCommand{}, ""},
		"a group": {&structs.JobRegisterCommand{Job: &structs.Job{TaskGroups: []*structs.TaskGroup{nil}}}, "Job.TaskGroups[0] is empty"},
		"a task":  {&structs.JobRegisterCommand{Job: &structs.Job{TaskGroups: []*structs.TaskGroup{group}}}, "Job.TaskGroups[0].Tasks[1] is empty"},
		"a driver": {&structs.NodeRegisterCommand{Node: &structs.Node{Drivers: map[string]*structs.DriverInfo{"fake": nil}}},
			"Node.Drivers[fake] is empty"},
		"a task's state": {&structs.AllocClientUpdateCommand{Updates: []*structs.AllocClientUpdate{{TaskStates: map[string]*structs.TaskState{"t": nil}}}},
			"Updates[0].TaskStates[t] is empty"},
		"the leader's own": {&structs.PlanApplyCommand{Plans: []*structs.Plan{nil}}, ""},
	} {
		var h holes
		err := h.in(c.body)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || structs.KindOf(err) != structs.KindInvalid) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
