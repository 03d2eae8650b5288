package jobspec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/structs"
)

// seeds adds the texts of the test files, and the hostile ones that are short.
func seeds(f *testing.F, patterns ...string) {
	f.Helper()
	for _, pattern := range patterns {
		files, _ := filepath.Glob(pattern)
		if len(files) == 0 {
			f.Fatalf("nothing in %s", pattern)
		}
		for _, name := range files {
			src, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
}

// whole checks what is true of every answer: a job or errors, errors with a place within the text, and a rendering.
func whole(t *testing.T, src []byte, job *structs.Job, diags Diagnostics) {
	t.Helper()
	if (job == nil) != diags.HasErrors() {
		t.Fatalf("job %v with %v", job != nil, diags)
	}
	lines := strings.Count(string(src), "\n") + 1
	for _, d := range diags {
		if d.Line < 0 || d.Line > lines+1 || d.Summary == "" {
			t.Fatalf("%+v", d)
		}
		if strings.ContainsAny(d.Summary, "\n\r") {
			t.Fatalf("a summary of several lines: %q", d.Summary)
		}
	}
	var b strings.Builder
	if err := diags.Render(&b, true); err != nil {
		t.Fatal(err)
	}
	if job == nil {
		return
	}
	again := job.Copy()
	again.Canonicalize()
	sameJob(t, job, again)
	if len(diags.Warnings()) > 0 {
		return
	}
	if faults := again.Validate(structs.Limits{}).Errors(); len(faults) > 0 {
		t.Fatalf("an accepted job is not valid: %v", faults)
	}
}

func FuzzParse(f *testing.F) {
	seeds(f, "testdata/accepted/*.hcl", "testdata/refused/*.hcl", "../examples/*.hcl")
	for _, src := range hostile() {
		if len(src) < 2000 {
			f.Add([]byte(src))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		res, diags := Parse(ParseOptions{Filename: "job.hcl", Source: src})
		var job *structs.Job
		if res != nil {
			job = res.Job
		}
		whole(t, src, job, diags)
	})
}

func FuzzParseHCLJSON(f *testing.F) {
	seeds(f, "testdata/accepted/*.job.json", "testdata/refused/*.job.json")
	f.Fuzz(func(t *testing.T, src []byte) {
		res, diags := Parse(ParseOptions{Filename: "job.json", Source: src})
		var job *structs.Job
		if res != nil {
			job = res.Job
		}
		whole(t, src, job, diags)
	})
}

func FuzzParseAPIJSON(f *testing.F) {
	seeds(f, "testdata/accepted/*.golden", "testdata/accepted/*.job.json")
	f.Add([]byte(`{"Job": {"ID": "a", "TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t", "Driver": "d", "Config": {"a": [1, 2.5, null]}}]}]}}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		res, diags := ParseJSON(ParseOptions{Filename: "job.json", Source: src})
		var job *structs.Job
		if res != nil {
			job = res.Job
		}
		whole(t, src, job, diags)
	})
}

func FuzzVariables(f *testing.F) {
	f.Add([]byte("s = \"a\"\nn = 2\nl = [\"a\"]\n"), "o={a = \"x\"}", "NOMAD_VAR_l", "[]")
	f.Add([]byte(`{"s": "a", "o": {"a": "${1 + 1}"}}`), "s=${x}", "BERTH_VAR_n", "1e3")
	f.Fuzz(func(t *testing.T, file []byte, flag, env, value string) {
		name := "v.hcl"
		if strings.HasPrefix(string(file), "{") {
			name = "v.json"
		}
		res, diags := Parse(ParseOptions{
			Source: []byte(withVariables), VarFiles: []VarFile{{name, file}}, Vars: []string{flag}, Env: map[string]string{env: value},
		})
		if (res == nil) != diags.HasErrors() {
			t.Fatal(diags)
		}
		if res == nil {
			return
		}
		// What is kept gives the same job again.
		again, diags := Parse(ParseOptions{
			Source: []byte(res.Submission.Source), Vars: []string{flag}, Env: map[string]string{env: value},
			VarFiles: []VarFile{{"v.hcl", []byte(res.Submission.Variables)}},
		})
		if again == nil {
			t.Fatalf("%v: %q", diags, res.Submission.Variables)
		}
		sameJob(t, res.Job, again.Job)
	})
}

func FuzzFormat(f *testing.F) {
	seeds(f, "testdata/accepted/*.hcl", "../examples/*.hcl")
	f.Fuzz(func(t *testing.T, src []byte) {
		once, diags := Format(src)
		if diags.HasErrors() {
			return
		}
		twice, diags := Format(once)
		if diags.HasErrors() {
			t.Fatalf("formatted text is refused: %v\n%s", diags, once)
		}
		if string(once) != string(twice) {
			t.Fatalf("formatted again it differs:\n%q\n%q", once, twice)
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"1h30m", "5", "", " 3s ", "1d", "-2ms", "1e3s", "NaN", "99999999999h", "0x1p-2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			if d != 0 || err.Error() == "" {
				t.Fatalf("%v, %v", d, err)
			}
			return
		}
		if again, err := ParseDuration(d.String()); err != nil || again != d {
			t.Fatalf("%q is %v, and that is %v, %v", s, d, again, err)
		}
		if want, err := time.ParseDuration(strings.TrimSpace(s)); err != nil || want != d {
			t.Fatalf("%q: %v, not %v", s, d, want)
		}
	})
}
