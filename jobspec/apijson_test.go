package jobspec

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"berth/structs"
)

func rendered(diags Diagnostics) string {
	var b strings.Builder
	_ = diags.Render(&b, false)
	return b.String()
}

// sameJob compares jobs by their JSON, which is all that travels.
func sameJob(t *testing.T, a, b *structs.Job) {
	t.Helper()
	x, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.MarshalIndent(b, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if string(x) == string(y) {
		return
	}
	p, q := strings.Split(string(x), "\n"), strings.Split(string(y), "\n")
	for i := range min(len(p), len(q)) {
		if p[i] != q[i] {
			t.Fatalf("line %d: %s, and %s", i, p[max(0, i-3):i+1], q[max(0, i-3):i+1])
		}
	}
	t.Fatalf("%d lines, and %d", len(p), len(q))
}

// TestAPIJSONIsTheSameJob sends each example through the JSON of the API, alone and wrapped.
func TestAPIJSONIsTheSameJob(t *testing.T) {
	files, _ := filepath.Glob("../examples/*.hcl")
	wild, _ := filepath.Glob("testdata/wild/*.hcl")
	for _, f := range append(files, wild...) {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		job := mustParse(t, string(src)).Job
		for _, v := range []any{job, map[string]any{"Job": job, "EvalPriority": 3}} {
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			res, diags := ParseJSON(ParseOptions{Source: text, Strict: true})
			if res == nil {
				t.Fatalf("%s: %s", f, rendered(diags))
			}
			sameJob(t, job, res.Job)
		}
	}
}

func TestAPIJSONForms(t *testing.T) {
	res, diags := ParseJSON(ParseOptions{Source: []byte(`{"job": {"id": "a", "TYPE": "service", "Future": {"a": [1, {}]}, "TaskGroups": [{"Name": "g",
		"ShutdownDelay": "5s", "Update": null, "Tasks": [{"Name": "t", "Driver": "raw", "KillTimeout": 7000000000,
		"Config": {"n": 3, "f": 1.5, "deep": {"list": [1, "x", null, true]}, "big": 1e3}, "Env": {"A": "b", "N": null}}]}], "Payload": "aGVsbG8="}}`)})
	if res == nil {
		t.Fatal(rendered(diags))
	}
	job := res.Job
	task := job.TaskGroups[0].Tasks[0]
	if *job.TaskGroups[0].ShutdownDelay != 5*time.Second || *task.KillTimeout != 7*time.Second || string(job.Payload) != "hello" {
		t.Errorf("durations or payload: %v %v %q", *job.TaskGroups[0].ShutdownDelay, *task.KillTimeout, job.Payload)
	}
	want := map[string]any{"n": int64(3), "f": 1.5, "big": int64(1000), "deep": map[string]any{"list": []any{int64(1), "x", nil, true}}}
	if !reflect.DeepEqual(task.Config, want) {
		t.Errorf("config %#v", task.Config)
	}
	if _, there := task.Env["A"]; !there {
		t.Error("env is lost")
	}
	if len(res.Warnings) == 0 || !strings.Contains(rendered(diags), `Job has no field "Future"`) {
		t.Errorf("no warning of an unknown field: %s", rendered(diags))
	}
}

func TestAPIJSONRefused(t *testing.T) {
	for src, want := range map[string]string{
		``:                                  "the file is empty",
		`[]`:                                `it must be {"Job": {"ID": ...}}`,
		`"a"`:                               `the text must be a JSON object, not "a"`,
		`{"Job": null}`:                     "the text has no job",
		`{}`:                                "the job has no id",
		`{"Job": 3}`:                        "must be an object",
		`{"ID": "a"`:                        "the text ends before the job does",
		`{"ID": "a", "ID": "b"}`:            "ID is there twice",
		`{"ID": "a", "Priority": "high"}`:   `Priority must be a whole number, not "high"`,
		`{"ID": "a", "TaskGroups": [null]}`: "null stands in the list TaskGroups",
		`{"ID": "a", "TaskGroups": [{"Name": "g", "Count": 1.5}]}`: "Count must be a whole number, not 1.5",
		`{"ID": "a", "TaskGroups": {"Name": "g"}}`:                 "TaskGroups must be a list, not an object",
		`{"ID": "a"} x`: "more text after the job",
		`{"ID": }`:      "invalid character",
		`{"ID": "a", "Update": {"MinHealthyTime": "soon"}}`:                                             `must be a duration ("30s", or nanoseconds)`,
		`{"ID": "a", "Payload": "%%"}`:                                                                  "text in base64",
		`{"ID": "a", "Spreads": [{"Attribute": "x", "Weight": 300000}]}`:                                "Weight must be a number",
		`{"ID": "a", "Spreads": [{"Attribute": "x", "SpreadTarget": [{"Percent": -1}]}]}`:               "a number from 0 to 255",
		`{"ID": "a", "Spreads": [{"Attribute": "x", "SpreadTarget": [{"Percent": 1e30}]}]}`:             "a whole number of at least 0",
		`{"ID": "a", "TaskGroups": [{"Name": "g", "Spreads": [{"SpreadTarget": [{"Percent": 101}]}]}]}`: "percent is 101; it must be between 0 and 100",
		`{"ID": "a", "Periodic": {"SpecType": "interval"}, "Type": "batch", "TaskGroups": []}`:          `the schedule's type is "interval"; it must be "cron"`,
	} {
		res, diags := ParseJSON(ParseOptions{Source: []byte(src)})
		if text := rendered(diags); res != nil || !diags.HasErrors() || !strings.Contains(text, want) {
			t.Errorf("%s: want %q in\n%s", src, want, text)
		}
	}
}

// TestAJobFileReadAsJSONIsNamed: who gives -json by mistake learns what it means.
func TestAJobFileReadAsJSONIsNamed(t *testing.T) {
	_, diags := ParseJSON(ParseOptions{Filename: "web.hcl", Source: []byte("job \"web\" {}\n")})
	if len(diags) != 1 || diags[0].Error() != "web.hcl:1:1: error: this is no JSON (a job file in HCL is read without -json)" {
		t.Errorf("%v", diags)
	}
}
