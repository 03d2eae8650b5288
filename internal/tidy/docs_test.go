package tidy_test

import (
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"berth/internal/tidy"
)

const threads = root + "/docs/explanation/threads.md"

func TestEveryRunFunctionStandsInTheListOfThreads(t *testing.T) {
	text, err := os.ReadFile(threads)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		listed[m[1]] = true
	}
	found := map[string]bool{}
	each(t, func(p *tidy.Package, _ string, _ *token.FileSet, f *ast.File) {
		if p.Name == "main" || tidy.Match("e2e/...", p.Path) || tidy.Match("drivers/drivertest/...", p.Path) {
			return
		}
		for _, name := range tidy.Runs(p.Path, f) {
			found[name] = true
			if !listed[name] {
				t.Errorf("docs/explanation/threads.md does not list %s: add who starts it, how long it lives, what goes in and out", name)
			}
		}
	})
	for name := range listed {
		if !found[name] {
			t.Errorf("docs/explanation/threads.md lists %s, which does not exist", name)
		}
	}
}

func TestLinksBetweenPagesLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)
	pages(t, func(page, text string) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: link to %s leads nowhere", strings.TrimPrefix(page, root+"/"), m[1])
			}
		}
	})
}

// TestFilesNamedInPagesExist looks at words like `server/fsm/`, `cli/job_run.go` and `docs/reference/`: those in backticks that begin
// with a folder at the top of the tree. Names with <...> or * stand for many; of a symbol, `server/drain.Drainer.Run`, the package.
func TestFilesNamedInPagesExist(t *testing.T) {
	top := map[string]bool{}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		top[e.Name()] = e.IsDir() && e.Name() != "build"
	}
	symbol := regexp.MustCompile(`\.[A-Z].*`)
	name := regexp.MustCompile("`([a-z0-9._-]+)(/[a-zA-Z0-9._/-]*)`")
	pages(t, func(page, text string) {
		for _, m := range name.FindAllStringSubmatch(text, -1) {
			path := symbol.ReplaceAllString(m[1]+m[2], "")
			if _, err := os.Stat(filepath.Join(root, path)); top[m[1]] && err != nil {
				t.Errorf("%s names %s, which does not exist", strings.TrimPrefix(page, root+"/"), path)
			}
		}
	})
}

func pages(t *testing.T, f func(page, text string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "build" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".md") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil {
			f(path, string(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
