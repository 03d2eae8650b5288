package jobspec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func mustParse(t *testing.T, src string) *Result {
	t.Helper()
	res, diags := Parse(ParseOptions{Filename: "job.hcl", Source: []byte(src), Strict: true})
	if diags.HasErrors() {
		var b strings.Builder
		_ = diags.Render(&b, false)
		t.Fatal(b.String())
	}
	return res
}

func TestExamplesParse(t *testing.T) {
	files, _ := filepath.Glob("../examples/*.hcl")
	if len(files) == 0 {
		t.Fatal("no examples")
	}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(f), func(t *testing.T) { mustParse(t, string(src)) })
	}
}
