package structs

import (
	"encoding/json"
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
