package structs

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestEveryFieldHasADecidedEffect(t *testing.T) {
	for _, c := range []struct {
		table map[string]fieldEffect
		of    reflect.Type
	}{
		{jobEffects, reflect.TypeFor[Job]()},
		{groupEffects, reflect.TypeFor[TaskGroup]()},
		{taskEffects, reflect.TypeFor[Task]()},
		{resourceEffects, reflect.TypeFor[Resources]()},
	} {
		var fields []string
		for i := range c.of.NumField() {
			fields = append(fields, c.of.Field(i).Name)
		}
		slices.Sort(fields)
		if listed := slices.Sorted(maps.Keys(c.table)); !slices.Equal(fields, listed) {
			t.Errorf("%s: fields %v, table %v", c.of, fields, listed)
		}
	}
}

func TestGroupChangeFollowsTheContract(t *testing.T) {
	base := minimal(JobTypeService)
	g := base.TaskGroups[0]
	g.Networks = []*NetworkResource{{Mode: "bridge", DynamicPorts: []Port{{Label: "a"}, {Label: "b"}}}}
	g.Services = []*Service{{Name: "web", PortLabel: "a"}}
	g.Tasks = append(g.Tasks, &Task{Name: "u", Driver: "docker"})
	base.Meta = map[string]string{"x": "1"}
	base.Canonicalize()
	task := func(j *Job) *Task { return j.TaskGroups[0].Tasks[0] }
	for name, c := range map[string]struct {
		want Change
		edit func(j *Job)
	}{
		"nothing":                      {ChangeNone, func(*Job) {}},
		"what servers set":             {ChangeNone, func(j *Job) { j.Version, j.ModifyIndex, j.Status, j.SubmitTime = 9, 9, "dead", 9 }},
		"count":                        {ChangeNone, func(j *Job) { j.TaskGroups[0].Count = new(5) }},
		"another group":                {ChangeNone, func(j *Job) { j.TaskGroups = append(j.TaskGroups, &TaskGroup{Name: "h"}) }},
		"port order":                   {ChangeNone, func(j *Job) { slices.Reverse(j.TaskGroups[0].Networks[0].DynamicPorts) }},
		"priority":                     {ChangeInPlace, func(j *Job) { j.Priority = 70 }},
		"constraint":                   {ChangeInPlace, func(j *Job) { j.Constraints = []*Constraint{{"${attr.x}", "1", "="}} }},
		"service tags":                 {ChangeInPlace, func(j *Job) { j.TaskGroups[0].Services[0].Tags = []string{"v2"} }},
		"kill timeout":                 {ChangeInPlace, func(j *Job) { task(j).KillTimeout = new(time.Minute) }},
		"restart attempts":             {ChangeInPlace, func(j *Job) { task(j).RestartPolicy.Attempts = new(9) }},
		"log size":                     {ChangeInPlace, func(j *Job) { task(j).LogConfig.MaxFiles = new(2) }},
		"task order":                   {ChangeInPlace, func(j *Job) { slices.Reverse(j.TaskGroups[0].Tasks) }},
		"restart render_templates":     {ChangeDestructive, func(j *Job) { task(j).RestartPolicy.RenderTemplates = new(true) }},
		"logs disabled":                {ChangeDestructive, func(j *Job) { task(j).LogConfig.Disabled = new(true) }},
		"image":                        {ChangeDestructive, func(j *Job) { task(j).Config = map[string]any{"image": "b"} }},
		"env":                          {ChangeDestructive, func(j *Job) { task(j).Env = map[string]string{"A": "b"} }},
		"memory":                       {ChangeDestructive, func(j *Job) { task(j).Resources.MemoryMB = new(64) }},
		"job meta":                     {ChangeDestructive, func(j *Job) { j.Meta = map[string]string{"x": "2"} }},
		"meta overlaid to the same":    {ChangeNone, func(j *Job) { j.TaskGroups[0].Meta = map[string]string{"x": "1"} }},
		"port number":                  {ChangeDestructive, func(j *Job) { j.TaskGroups[0].Networks[0].DynamicPorts[0].To = 80 }},
		"network mode":                 {ChangeDestructive, func(j *Job) { j.TaskGroups[0].Networks[0].Mode = "host" }},
		"another service":              {ChangeInPlace, func(j *Job) { j.TaskGroups[0].Services = append(j.TaskGroups[0].Services, &Service{Name: "b"}) }},
		"resources gone":               {ChangeDestructive, func(j *Job) { task(j).Resources = nil }},
		"disk":                         {ChangeDestructive, func(j *Job) { j.TaskGroups[0].EphemeralDisk.SizeMB = new(500) }},
		"a task more":                  {ChangeDestructive, func(j *Job) { j.TaskGroups[0].Tasks = append(j.TaskGroups[0].Tasks, &Task{Name: "v"}) }},
		"a task renamed":               {ChangeDestructive, func(j *Job) { task(j).Name = "z" }},
		"the group gone":               {ChangeDestructive, func(j *Job) { j.TaskGroups = nil }},
		"a proxy":                      {ChangeDestructive, func(j *Job) { j.TaskGroups[0].Services[0].Connect = &Connect{Native: true} }},
		"light and heavy at once":      {ChangeDestructive, func(j *Job) { j.Priority = 1; task(j).Driver = "exec" }},
		"a template in the other task": {ChangeDestructive, func(j *Job) { j.TaskGroups[0].Tasks[1].Templates = []*Template{{}} }},
	} {
		next := base.Copy()
		c.edit(next)
		if got := GroupChange(base, next, "g"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if got := GroupChange(next, base, "g"); got != c.want {
			t.Errorf("%s undone: %s, want %s", name, got, c.want)
		}
	}
}
