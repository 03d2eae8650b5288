package jobspec

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// notRules are the files whose texts describe the language instead of refusing something.
var notRules = regexp.MustCompile(`(^|/)(lang.*|explain|schema|reference|validate_template_names)\.go$`)

// titles are words by which diagnostics of the HCL library and parts of a schedule are recognised.
var titles = []string{"Invalid multi-line string", "Call to unknown function", "Unterminated template string", "Invalid argument name", " Did you mean ", "Too much work", "day of month"}

// TestEveryRuleIsShown: each text with which a job file can be answered stands in a golden file, as a person sees it, or in a test.
func TestEveryRuleIsShown(t *testing.T) {
	var shown strings.Builder
	goldens, _ := filepath.Glob("testdata/refused/*.golden")
	for _, f := range goldens {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(text)
	}
	var tested []string
	for _, f := range goFiles(t, "*.go", "../structs/*.go") {
		if strings.HasSuffix(f, "_test.go") && !strings.HasSuffix(f, "/rules_test.go") && f != "rules_test.go" {
			texts(t, f, func(s string, _ token.Position) {
				if len(s) >= 12 {
					tested = append(tested, s)
				}
			})
		}
	}
	verb := regexp.MustCompile(`%[-+#]?[0-9.]*[a-zA-Z]`)
	for _, f := range goFiles(t, "*.go", "../structs/validate*.go", "../structs/syntax.go", "../structs/cron.go") {
		if strings.HasSuffix(f, "_test.go") || notRules.MatchString(f) {
			continue
		}
		texts(t, f, func(s string, at token.Position) {
			if strings.Count(strings.TrimSpace(s), " ") < 2 || slices.Contains(titles, s) {
				return
			}
			parts := verb.Split(s, -1)
			for i := range parts {
				parts[i] = strings.TrimSpace(parts[i])
			}
			byTest := func(literal string) bool {
				return slices.ContainsFunc(parts, func(p string) bool {
					return len(p) >= 12 && strings.Contains(literal, p) || strings.Contains(p, literal)
				})
			}
			if !slices.ContainsFunc(tested, byTest) && !inOrder(shown.String(), parts) {
				t.Errorf("%s:%d: no golden file and no test shows %q", at.Filename, at.Line, s)
			}
		})
	}
}

// inOrder reports a line that has all parts, one after the other.
func inOrder(text string, parts []string) bool {
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(strings.Join(parts, ".*")).MatchString(text)
}

func goFiles(t *testing.T, patterns ...string) (files []string) {
	t.Helper()
	for _, p := range patterns {
		found, err := filepath.Glob(p)
		if err != nil || len(found) == 0 {
			t.Fatal(p, err)
		}
		files = append(files, found...)
	}
	return files
}

// texts calls f with each string in the code of a file.
func texts(t *testing.T, file string, f func(s string, at token.Position)) {
	t.Helper()
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		if decl, ok := n.(*ast.GenDecl); ok && decl.Tok == token.VAR && !strings.HasSuffix(file, "_test.go") && fset.Position(decl.Pos()).Column == 1 {
			return false // a list of words
		}
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			s, err := strconv.Unquote(l.Value)
			if err != nil {
				t.Fatal(err)
			}
			f(s, fset.Position(l.Pos()))
		}
		return true
	})
}
