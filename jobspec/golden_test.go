package jobspec

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// update writes the golden files anew: `go test ./jobspec -run Golden -update`, and then reads the difference.
var update = flag.Bool("update", false, "write the golden files")

// vars are the flags of a test file, in its leading comments: `# -var name=value`.
func varsOf(src string) []string {
	var vars []string
	for line := range strings.Lines(src) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "# -var "); ok {
			vars = append(vars, v)
		}
	}
	return vars
}

func golden(t *testing.T, file string, have []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, have, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(have) {
		t.Errorf("%s differs; have:\n%s", file, have)
	}
}

// sources are the job files of a directory below testdata.
func sources(t *testing.T, dir string) []string {
	t.Helper()
	hcl, _ := filepath.Glob(filepath.Join("testdata", dir, "*.hcl"))
	json, _ := filepath.Glob(filepath.Join("testdata", dir, "*.job.json"))
	if len(hcl) == 0 {
		t.Fatalf("no files in testdata/%s", dir)
	}
	return append(hcl, json...)
}

// TestGoldenRefused shows what a person sees for each kind of mistake.
func TestGoldenRefused(t *testing.T) {
	for _, file := range sources(t, "refused") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			res, diags := Parse(ParseOptions{Filename: filepath.Base(file), Source: src, Vars: varsOf(string(src)), Strict: true, Later: strings.HasPrefix(filepath.Base(file), "later")})
			if (res == nil) != diags.HasErrors() {
				t.Errorf("result %v with errors %v", res != nil, diags.HasErrors())
			}
			for _, d := range diags {
				if d.Line == 0 && d.File == filepath.Base(file) && d.Summary != "the file has no job" {
					t.Errorf("a diagnostic without a place: %s", d.Error())
				}
			}
			var b strings.Builder
			if err := diags.Render(&b, false); err != nil {
				t.Fatal(err)
			}
			golden(t, file+".golden", []byte(b.String()))
		})
	}
}

// TestGoldenAccepted shows the canonical job of each file, without what is empty.
func TestGoldenAccepted(t *testing.T) {
	for _, file := range sources(t, "accepted") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			res, diags := Parse(ParseOptions{Filename: filepath.Base(file), Source: src, Vars: varsOf(string(src)), Strict: true})
			if diags.HasErrors() {
				t.Fatal(diags.Err())
			}
			raw, err := json.Marshal(res.Job)
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Fatal(err)
			}
			have, err := json.MarshalIndent(trimmed(v), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, file+".golden", append(have, '\n'))
		})
	}
}

// trimmed leaves out nulls, empty strings, zeros, false, and what holds nothing else.
func trimmed(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			if t := trimmed(e); t == nil {
				delete(x, k)
			} else {
				x[k] = t
			}
		}
		if len(x) == 0 {
			return nil
		}
	case []any:
		if len(x) == 0 {
			return nil
		}
		for i, e := range x {
			x[i] = trimmed(e)
		}
	case string:
		if x == "" {
			return nil
		}
	case bool:
		if !x {
			return nil
		}
	case float64:
		if x == 0 {
			return nil
		}
	case nil:
	}
	return v
}
