package jobspec

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryWordIsTested: each attribute and block of the table is written in some file of testdata that is accepted, or in the two of what
// Berth does in another way.
func TestEveryWordIsTested(t *testing.T) {
	var all strings.Builder
	for _, pattern := range []string{"testdata/accepted/*.hcl", "testdata/accepted/*.job.json", "testdata/wild/*.hcl", "testdata/refused/consul-vault.hcl", "testdata/refused/gone.hcl"} {
		files, _ := filepath.Glob(pattern)
		for _, f := range files {
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(src)
		}
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\s*"?([a-z_]+)"?\s*[=:{"]|[{]\s*([a-z_]+)\s*[=]`).FindAllStringSubmatch(all.String(), -1) {
		used[m[1]], used[m[2]] = true, true
	}
	walkBlocks(func(path []string, b *block) {
		for _, w := range b.words() {
			if !used[w] {
				t.Errorf("%s.%s is in no file", strings.Join(path, "."), w)
			}
		}
	})
}
