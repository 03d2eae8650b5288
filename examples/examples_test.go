package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/jobspec"
	"berth/structs"
)

func TestEveryExampleIsAValidJob(t *testing.T) {
	files, err := filepath.Glob("*.hcl")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			result, diags := jobspec.Parse(jobspec.ParseOptions{Filename: file, Source: source, Strict: true})
			if result == nil || len(diags) > 0 {
				var b strings.Builder
				diags.Render(&b, false)
				t.Fatal(b.String())
			}
			for _, f := range result.Job.Validate(structs.DefaultLimits()) {
				t.Error(f)
			}
			formatted, _ := jobspec.Format(source)
			if string(formatted) != string(source) {
				t.Error("not in the canonical form: run berth fmt on it")
			}
		})
	}
}
