package jobspec

import (
	"os"
	"path/filepath"
	"testing"
)

// TestWildFilesAreTaken reads job files in the style people publish: all validate, without warnings other than of what Berth
// does in another way, and their layout survives formatting.
func TestWildFilesAreTaken(t *testing.T) {
	files, _ := filepath.Glob("testdata/wild/*.hcl")
	if len(files) < 60 {
		t.Errorf("only %d files", len(files))
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			res, diags := Parse(ParseOptions{Filename: filepath.Base(f), Source: src, Vars: varsOf(string(src)), Strict: true})
			if res == nil {
				t.Fatal(rendered(diags))
			}
			again := res.Job.Copy()
			again.Canonicalize()
			sameJob(t, res.Job, again)

			formatted, diags := Format(src)
			if diags.HasErrors() {
				t.Fatal(rendered(diags))
			}
			res2, diags := Parse(ParseOptions{Filename: filepath.Base(f), Source: formatted, Vars: varsOf(string(src)), Strict: true})
			if res2 == nil {
				t.Fatal(rendered(diags))
			}
			sameJob(t, res.Job, res2.Job)
			twice, _ := Format(formatted)
			if string(twice) != string(formatted) {
				t.Error("formatting again changes it again")
			}
		})
	}
}
