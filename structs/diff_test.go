package structs

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func diffJob() *Job {
	j := &Job{ID: "web", Name: "web", Datacenters: []string{"dc1"}, Meta: map[string]string{"a": "1"}, TaskGroups: []*TaskGroup{{
		Name: "g", Count: new(2), Tasks: []*Task{{Name: "t", Driver: "docker", Config: map[string]any{"image": "a:1", "args": []any{"x", "y"}},
			Env: map[string]string{"K": "v"}, Resources: &Resources{CPU: new(100)}}}}}}
	j.Canonicalize()
	return j
}

func TestAnUnchangedJobHasNoDifference(t *testing.T) {
	d, err := JobDiffOf(diffJob(), diffJob(), false)
	if err != nil || d.Type != DiffNone || len(d.Fields)+len(d.Objects)+len(d.TaskGroups) != 0 {
		text, _ := json.Marshal(d)
		t.Fatalf("%s, %v", text, err)
	}
	d, err = JobDiffOf(diffJob(), diffJob(), true)
	if err != nil || d.Type != DiffNone {
		t.Fatal(d, err)
	}
	if d, err := JobDiffOf(nil, nil, true); err != nil || d.Type != DiffNone {
		t.Fatal(d, err)
	}
}

func TestDifferencesAreNamed(t *testing.T) {
	j := diffJob()
	j.Priority = 70
	j.Datacenters = []string{"dc1", "dc2"}
	j.Meta["b"] = "2"
	g := j.TaskGroups[0]
	g.Count = new(3)
	g.Tasks[0].Config["image"] = "a:2"
	g.Tasks[0].Config["args"] = []any{"x"}
	delete(g.Tasks[0].Env, "K")
	g.Tasks[0].Resources.CPU = new(200)
	d, err := JobDiffOf(diffJob(), j, false)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(d)
	want := `{"Type":"Edited","ID":"web","Fields":[{"Type":"Added","Name":"Meta[b]","Old":"","New":"2","Annotations":null},` +
		`{"Type":"Edited","Name":"Priority","Old":"50","New":"70","Annotations":null}],` +
		`"Objects":[{"Type":"Edited","Name":"Datacenters","Fields":[{"Type":"Added","Name":"Datacenters","Old":"","New":"dc2","Annotations":null}],"Objects":null}],` +
		`"TaskGroups":[{"Type":"Edited","Name":"g","Fields":[{"Type":"Edited","Name":"Count","Old":"2","New":"3","Annotations":null}],"Objects":null,` +
		`"Tasks":[{"Type":"Edited","Name":"t","Fields":[{"Type":"Deleted","Name":"Env[K]","Old":"v","New":"","Annotations":null}],` +
		`"Objects":[{"Type":"Edited","Name":"Config","Fields":[{"Type":"Deleted","Name":"args[1]","Old":"y","New":"","Annotations":null},` +
		`{"Type":"Edited","Name":"image","Old":"a:1","New":"a:2","Annotations":null}],"Objects":null},` +
		`{"Type":"Edited","Name":"Resources","Fields":[{"Type":"Edited","Name":"CPU","Old":"100","New":"200","Annotations":null}],"Objects":null}],"Annotations":null}],"Updates":null}]}`
	if string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

func TestNewAndGoneJobs(t *testing.T) {
	for _, c := range []struct {
		old, job *Job
		want     string
	}{{nil, diffJob(), DiffAdded}, {diffJob(), nil, DiffDeleted}} {
		d, err := JobDiffOf(c.old, c.job, false)
		if err != nil || d.Type != c.want || len(d.TaskGroups) != 1 || d.TaskGroups[0].Type != c.want || d.TaskGroups[0].Tasks[0].Type != c.want {
			t.Errorf("%+v, %v", d, err)
		}
	}
	other := diffJob()
	other.ID = "other"
	if _, err := JobDiffOf(diffJob(), other, false); err == nil {
		t.Error("jobs of different ids are compared")
	}
}

// flat writes a difference as lines "Added Meta[b] ”=>2", in their order, those of blocks below their names.
func flat(d *JobDiff) (out []string) {
	var objects func(at string, fields []*FieldDiff, list []*ObjectDiff)
	objects = func(at string, fields []*FieldDiff, list []*ObjectDiff) {
		for _, f := range fields {
			out = append(out, fmt.Sprintf("%s %s%s %q=>%q", f.Type, at, f.Name, f.Old, f.New))
		}
		for _, o := range list {
			out = append(out, o.Type+" "+at+o.Name)
			objects(at+o.Name+".", o.Fields, o.Objects)
		}
	}
	objects("", d.Fields, d.Objects)
	for _, g := range d.TaskGroups {
		out = append(out, g.Type+" group "+g.Name)
		objects(g.Name+".", g.Fields, g.Objects)
		for _, t := range g.Tasks {
			out = append(out, t.Type+" task "+t.Name)
			objects(g.Name+"."+t.Name+".", t.Fields, t.Objects)
		}
	}
	return out
}

func TestDifferencesOfListsMapsAndBlocks(t *testing.T) {
	task := func(j *Job) *Task { return j.TaskGroups[0].Tasks[0] }
	const group, inTask = "Edited group g", "Edited task t"
	for name, c := range map[string]struct {
		old, now func(j *Job)
		want     []string
	}{
		"a list comes": {func(j *Job) {}, func(j *Job) {
			j.TaskGroups[0].Services = []*Service{{Name: "s", Tags: []string{"a"}}}
			j.Datacenters = append(j.Datacenters, "x", "x")
		},
			[]string{"Edited Datacenters", `Added Datacenters.Datacenters ""=>"x"`, group, "Added g.Service"}},
		"a list goes": {func(j *Job) { task(j).Services = []*Service{{Name: "s", Provider: "nomad", Tags: []string{"a"}}} },
			func(j *Job) { task(j).Services = []*Service{{Name: "s", Provider: "nomad"}} },
			[]string{group, inTask, "Edited g.t.Service", "Deleted g.t.Service.Tags", `Deleted g.t.Service.Tags.Tags "a"=>""`}},
		"a list is there": {func(j *Job) { task(j).Services = []*Service{{Name: "s", Provider: "nomad"}} },
			func(j *Job) { task(j).Services = []*Service{{Name: "s", Provider: "nomad", Tags: []string{"a"}}} },
			[]string{group, inTask, "Edited g.t.Service", "Added g.t.Service.Tags", `Added g.t.Service.Tags.Tags ""=>"a"`}},
		"one of a list is another": {func(j *Job) { j.Datacenters = []string{"a", "b"} }, func(j *Job) { j.Datacenters = []string{"b", "c"} },
			[]string{"Edited Datacenters", `Deleted Datacenters.Datacenters "a"=>""`, `Added Datacenters.Datacenters ""=>"c"`}},
		"the order of a list": {func(j *Job) { j.Datacenters = []string{"a", "b"} }, func(j *Job) { j.Datacenters = []string{"b", "a"} }, nil},
		"the same block twice": {func(j *Job) { j.Constraints = []*Constraint{{"${attr.a}", "1", "="}} },
			func(j *Job) { j.Constraints = []*Constraint{{"${attr.a}", "1", "="}, {"${attr.a}", "1", "="}} },
			[]string{"Added Constraint", `Added Constraint.LTarget ""=>"${attr.a}"`, `Added Constraint.Operand ""=>"="`, `Added Constraint.RTarget ""=>"1"`}},
		"a block without a name": {func(j *Job) { j.Constraints = []*Constraint{{"${attr.a}", "1", "="}} }, func(j *Job) { j.Constraints = []*Constraint{{"${attr.a}", "2", "="}} },
			[]string{"Deleted Constraint", `Deleted Constraint.LTarget "${attr.a}"=>""`, `Deleted Constraint.Operand "="=>""`, `Deleted Constraint.RTarget "1"=>""`,
				"Added Constraint", `Added Constraint.LTarget ""=>"${attr.a}"`, `Added Constraint.Operand ""=>"="`, `Added Constraint.RTarget ""=>"2"`}},
		"values of a driver": {func(j *Job) {
			task(j).Config = map[string]any{"a": map[string]any{"b": int64(1), "c": true}, "l": []any{1.5}}
		},
			func(j *Job) { task(j).Config = map[string]any{"a": map[string]any{"b": int64(2), "c": true}, "l": "x"} },
			[]string{group, inTask, "Edited g.t.Config", `Edited g.t.Config.a[b] "1"=>"2"`, `Deleted g.t.Config.l[0] "1.5"=>""`, `Added g.t.Config.l ""=>"x"`}},
		"a driver's block comes": {func(j *Job) { task(j).Config = nil }, func(j *Job) { task(j).Config = map[string]any{"a": "b"} },
			[]string{group, inTask, "Added g.t.Config", `Added g.t.Config.a ""=>"b"`}},
		"a driver's block goes": {func(j *Job) { task(j).Config = map[string]any{"a": "b"} }, func(j *Job) { task(j).Config = nil },
			[]string{group, inTask, "Deleted g.t.Config", `Deleted g.t.Config.a "b"=>""`}},
		"what is sent with a dispatch": {func(j *Job) { j.Payload = []byte("a") }, func(j *Job) { j.Payload = []byte("b") }, []string{`Edited Payload "a"=>"b"`}},
		"a map of blocks": {func(j *Job) { j.TaskGroups[0].Volumes = map[string]*VolumeRequest{"v": {Type: "host", Source: "a"}} },
			func(j *Job) { j.TaskGroups[0].Volumes = map[string]*VolumeRequest{"v": {Type: "host", Source: "b"}} },
			[]string{group, "Edited g.Volumes[v]", `Edited g.Volumes[v].Source "a"=>"b"`}},
	} {
		old, now := diffJob(), diffJob()
		c.old(old)
		c.now(now)
		old.Canonicalize()
		now.Canonicalize()
		d, err := JobDiffOf(old, now, false)
		if err != nil {
			t.Fatal(err)
		}
		got := flat(d)
		if len(got) > len(c.want) && strings.HasPrefix(name, "a list comes") {
			got = got[:len(c.want)] // what a whole new block holds is shown below
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
		whole, err := JobDiffOf(old, now, true)
		if err != nil {
			t.Fatal(err)
		}
		var changes []string
		for _, line := range flat(whole) {
			if !strings.HasPrefix(line, DiffNone+" ") {
				changes = append(changes, line)
			}
		}
		if want := flat(d); !slices.Equal(changes, want) {
			t.Errorf("%s: beside what did not change:\n%s\nwant\n%s", name, strings.Join(changes, "\n"), strings.Join(want, "\n"))
		}
		if whole.Type != d.Type || (d.Type == DiffNone) != (c.want == nil) {
			t.Errorf("%s: %s and %s", name, d.Type, whole.Type)
		}
	}
}

// What did not change is shown only beside, with its value, and never for what has none.
func TestWhatStaysIsShownOnDemand(t *testing.T) {
	d, err := JobDiffOf(diffJob(), diffJob(), true)
	if err != nil {
		t.Fatal(err)
	}
	got := flat(d)
	for _, want := range []string{`None Meta[a] "1"=>"1"`, "None Datacenters", `None Datacenters.Datacenters "dc1"=>"dc1"`, "None group g", "None task t", `None g.t.Env[K] "v"=>"v"`,
		`None g.t.Config.args[1] "y"=>"y"`} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing in\n%s", want, strings.Join(got, "\n"))
		}
	}
	for _, line := range got {
		if !strings.HasPrefix(line, DiffNone) || strings.HasSuffix(line, `""=>""`) {
			t.Errorf("shown: %s", line)
		}
	}
}
