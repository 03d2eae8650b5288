package tidy_test

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"berth/internal/tidy"
)

const root = "../.."

// packages lists the module once for all tests.
var packages = sync.OnceValues(func() ([]*tidy.Package, error) { return tidy.List(root) })

func tree(t *testing.T) []*tidy.Package {
	t.Helper()
	all, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 5 {
		t.Fatalf("only %d packages listed", len(all))
	}
	return all
}

func lattice(t *testing.T) *tidy.Lattice {
	t.Helper()
	f, err := os.Open("lattice.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l, err := tidy.ParseLattice(f)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func waivers(t *testing.T) *tidy.Waivers {
	t.Helper()
	f, err := os.Open("waivers.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := tidy.ParseWaivers(f)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestImportsFollowTheLattice(t *testing.T) {
	l := lattice(t)
	for _, p := range tree(t) {
		for _, imp := range p.Imports {
			own, ok := p.Own(imp)
			if !ok {
				if err := l.CheckThirdParty(p.Path, imp, false); err != nil {
					t.Error(err)
				}
				continue
			}
			if err := l.CheckOwn(p.Path, own); err != nil {
				t.Error(err)
			}
			if l.Closed(own) && !sameTop(p.Path, own) && p.Path != "." && !closedAllowed(p.Path, own) {
				t.Errorf("package %s imports %s, which nobody outside imports", p.Path, own)
			}
		}
		for _, imp := range p.TestImports {
			if _, ok := p.Own(imp); ok {
				continue
			}
			if err := l.CheckThirdParty(p.Path, imp, true); err != nil {
				t.Errorf("in its tests: %v", err)
			}
		}
	}
}

func sameTop(a, b string) bool {
	return strings.Split(a, "/")[0] == strings.Split(b, "/")[0] && !strings.HasPrefix(a, "internal/") ||
		strings.HasPrefix(b, a) || strings.HasPrefix(a, b)
}

// closedAllowed names the ends that use another end: the CLI starts the agent, benchmarks drive what the end-to-end tests drive.
func closedAllowed(pkg, imported string) bool {
	switch {
	case tidy.Match("cli/...", pkg):
		return tidy.Match("agent/...", imported)
	case tidy.Match("bench/...", pkg), tidy.Match("e2e/...", pkg):
		return tidy.Match("e2e/...", imported) || tidy.Match("internal/testimage/...", imported)
	case tidy.Match("internal/testimage/...", pkg):
		return tidy.Match("internal/testimage/...", imported)
	}
	return false
}

func TestEveryPackageHasADocFile(t *testing.T) {
	w := waivers(t)
	for _, p := range tree(t) {
		if p.Name == "main" {
			fset := token.NewFileSet()
			documented := slices.ContainsFunc(p.Files, func(file string) bool {
				f, err := p.Parse(fset, file)
				return err == nil && f.Doc != nil
			})
			if !documented {
				t.Errorf("command %s has no package comment", p.Path)
			}
			continue
		}
		if len(p.Files) == 0 || tidy.Generated(p.Files[0]) {
			continue
		}
		if _, err := os.Stat(filepath.Join(p.Dir, "doc.go")); err != nil && !w.Excused("doc", p.Path) {
			t.Errorf("package %s has no doc.go: say what it owns, what it never does, who calls it, its goroutines, its invariants", p.Path)
		}
	}
	unneeded(t, w, "doc")
}

func TestNoPackageOrFileHasANameThatSaysNothing(t *testing.T) {
	empty := []string{"util", "utils", "helper", "helpers", "common", "misc", "base"}
	for _, p := range tree(t) {
		names := []string{p.Name, filepath.Base(p.Path)}
		for _, f := range append(slices.Clone(p.Files), p.TestFiles...) {
			names = append(names, strings.TrimSuffix(strings.TrimSuffix(f, ".go"), "_test"))
		}
		for _, n := range names {
			if slices.Contains(empty, n) {
				t.Errorf("package %s: %q says nothing about what is inside", p.Path, n)
			}
		}
	}
}

func TestPurePackagesReadNoClockAndNoRandomness(t *testing.T) {
	l, w := lattice(t), waivers(t)
	each(t, func(p *tidy.Package, name string, fset *token.FileSet, f *ast.File) {
		if !tidy.MatchAny(l.Pure, p.Path) {
			return
		}
		for _, found := range tidy.Impure(fset, f) {
			if !w.Excused("pure", p.Path+"/"+name) {
				t.Error(relative(t, found))
			}
		}
	})
	unneeded(t, w, "pure")
}

func TestThereIsNoInitAndNoUnfinishedWork(t *testing.T) {
	w := waivers(t)
	unfinished := regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)
	each(t, func(p *tidy.Package, name string, fset *token.FileSet, f *ast.File) {
		for _, found := range tidy.Inits(fset, f) {
			if !w.Excused("init", p.Path+"/"+name) {
				t.Error(relative(t, found))
			}
		}
		for _, group := range f.Comments {
			if p.Path != "internal/tidy" && unfinished.MatchString(group.Text()) {
				t.Errorf("%s: finish it, or open an issue and say so in words", relative(t, fset.Position(group.Pos()).String()))
			}
		}
	})
	unneeded(t, w, "init")
}

func TestPackageVariablesAreNeverWritten(t *testing.T) {
	w := waivers(t)
	for _, p := range tree(t) {
		fset := token.NewFileSet()
		var files []*ast.File
		for _, name := range p.Files {
			if tidy.Generated(name) {
				continue
			}
			f, err := p.Parse(fset, name)
			if err != nil {
				t.Error(err)
				continue
			}
			files = append(files, f)
		}
		for _, v := range tidy.MutableVars(fset, files) {
			if !w.Excused("var", p.Path+"."+v.Name) {
				t.Errorf("%s: package variable %s %s: hold it in a value somebody makes", relative(t, v.Pos.String()), v.Name, v.Why)
			}
		}
	}
	unneeded(t, w, "var")
}

// each calls f for every file a person wrote, tests excepted.
func each(t *testing.T, f func(p *tidy.Package, name string, fset *token.FileSet, file *ast.File)) {
	t.Helper()
	for _, p := range tree(t) {
		for _, name := range p.Files {
			if tidy.Generated(name) {
				continue
			}
			fset := token.NewFileSet()
			file, err := p.Parse(fset, name)
			if err != nil {
				t.Error(err)
				continue
			}
			f(p, name, fset, file)
		}
	}
}

func unneeded(t *testing.T, w *tidy.Waivers, rule string) {
	t.Helper()
	for _, subject := range w.Unneeded(rule) {
		t.Errorf("waivers.txt: %s %s excuses nothing any more: remove the line", rule, subject)
	}
}

// relative cuts the checkout's folder off a text with a position in front.
func relative(t *testing.T, text string) string {
	t.Helper()
	dir, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(text, dir+"/")
}
