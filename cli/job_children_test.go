package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/structs"
)

// familyRoutes are those of an agent with a periodic job, a template and their instances.
func familyRoutes() map[string]any {
	periodic, template := webJob(), webJob()
	periodic.ID, periodic.Name, periodic.Type = "nightly", "nightly", structs.JobTypeBatch
	periodic.Periodic = &structs.PeriodicConfig{Specs: []string{"0 0 1 1 * 2098"}, Enabled: new(true), TimeZone: new("UTC")}
	template.ID, template.Name, template.Type = "resize", "resize", structs.JobTypeBatch
	template.ParameterizedJob = &structs.ParameterizedJobConfig{Payload: "optional", MetaRequired: []string{"file"}}
	stub := func(id, parent string, children *structs.JobChildrenSummary) *structs.JobListStub {
		return &structs.JobListStub{ID: id, Name: id, ParentID: parent, Namespace: "default", Type: "batch", Priority: 50, Status: "running",
			Periodic: id == "nightly", ParameterizedJob: id == "resize", SubmitTime: moment0.UnixNano(),
			JobSummary: &structs.JobSummary{JobID: id, Children: children}}
	}
	routes := changeRoutes()
	routes["GET /v1/jobs"] = []*structs.JobListStub{stub("nightly", "", &structs.JobChildrenSummary{Dead: 1}), stub("nightly/periodic-1700000000", "nightly", nil),
		stub("resize", "", &structs.JobChildrenSummary{Running: 1}), stub("resize/dispatch-1700000000-0a1b2c3d", "resize", nil)}
	routes["GET /v1/job/nightly"], routes["GET /v1/job/resize"] = periodic, template
	routes["PUT /v1/job/nightly/periodic/force"] = map[string]any{"EvalID": evalOne}
	routes["PUT /v1/job/resize/dispatch"] = map[string]any{"DispatchedJobID": "resize/dispatch-1700000000-0a1b2c3d", "EvalID": evalOne}
	return routes
}

func TestJobsWithInstancesAreShown(t *testing.T) {
	f := newFake(t, familyRoutes())
	for _, c := range []struct {
		args string
		want []string
	}{
		{"job status nightly", []string{"Periodic             = true", "Next Periodic Launch = 2098-01-01T00:00:00Z (in ", "Children Job Summary", "Pending  Running  Dead",
			"Previously Launched Jobs", "nightly/periodic-1700000000"}},
		{"job status resize", []string{"Parameterized Job", "Required Metadata = file", "Dispatched Jobs", "resize/dispatch-1700000000-0a1b2c3d"}},
		{"job status", []string{"batch/periodic", "batch/parameterized"}},
		{"job periodic force -detach nightly", []string{"Force periodic successful", evalOne.String()}},
		{"job dispatch -detach -meta file=a.png resize", []string{"Dispatched Job ID = resize/dispatch-1700000000-0a1b2c3d", "Evaluation ID     = " + evalOne.Short()}},
	} {
		got := f.berth(t, strings.Fields(c.args)...)
		for _, want := range c.want {
			if got.code != 0 || !strings.Contains(got.out, want) {
				t.Errorf("%s: exit code %d, no %q in\n%s%s", c.args, got.code, want, got.out, got.err)
			}
		}
	}
}

// A job that only launches others has no evaluation to follow when it is stopped.
func TestAScheduleIsStopped(t *testing.T) {
	routes := familyRoutes()
	routes["DELETE /v1/job/nightly"] = map[string]any{}
	if got := newFake(t, routes).berth(t, "job", "stop", "nightly"); got.code != 0 || got.out != "Job \"nightly\" is stopped: nothing is launched of it; what was launched runs on\n" {
		t.Errorf("%+v", got)
	}
}

func TestDispatchSendsWhatItWasGiven(t *testing.T) {
	file := filepath.Join(t.TempDir(), "payload")
	if err := os.WriteFile(file, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, make([]byte, 16<<10+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args      []string
		sent, err string
	}{
		{[]string{"-meta", "file=a=b", "-priority", "70", "-id-prefix-template", "x", "resize", file},
			`{"Payload":"aGVsbG8=","Meta":{"file":"a=b"},"IdPrefixTemplate":"x","Priority":70}`, ""},
		{[]string{"-payload", "hello", "resize"}, `"Payload":"aGVsbG8="`, ""},
		{[]string{"-payload", "hello", "resize", file}, "", "given twice"},
		{[]string{"resize", large}, "", "more than 16384 bytes"},
		{[]string{"-meta", "file", "resize"}, "", "key=value"},
	} {
		f := newFake(t, familyRoutes())
		got := f.berth(t, append([]string{"job", "dispatch", "-detach", "-idempotency-token", "one"}, c.args...)...)
		sent := string(f.text("PUT /v1/job/resize/dispatch"))
		if c.err != "" {
			if got.code != 1 || !strings.Contains(got.err, c.err) || sent != "" {
				t.Errorf("%q: %+v, sent %s", c.args, got, sent)
			}
			continue
		}
		if got.code != 0 || !strings.Contains(sent, c.sent) {
			t.Errorf("%q: %+v, sent %s", c.args, got, sent)
		}
		if asked := f.last(); !strings.Contains(asked, "idempotency_token=one") {
			t.Errorf("asked %s", asked)
		}
	}
}

func TestRunTellsTheNextLaunch(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.hcl")
	text := `job "p" {
  type = "batch"
  periodic { crons = ["@yearly"] }
  group "g" {
    task "t" {
      driver = "docker"
      config { image = "busybox" }
    }
  }
}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFake(t, map[string]any{"PUT /v1/jobs": &structs.JobRegisterResponse{}})
	got := f.berth(t, "job", "run", file)
	next := time.Date(time.Now().UTC().Year()+1, 1, 1, 0, 0, 0, 0, time.UTC).Format(time.RFC3339)
	if got.code != 0 || !strings.Contains(got.out, "Job registration successful\nApproximate next launch time: "+next) {
		t.Fatalf("%+v", got)
	}
}
