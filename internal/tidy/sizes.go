package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
)

// The sizes the report calls large. They are aims, not rules.
const (
	fileLinesMax     = 500
	testLinesMax     = 900
	functionLinesMax = 70
)

type size struct {
	name  string
	lines int
}

// Report prints the sizes of the tree: lines by package, and what is larger than its aim.
func Report(w io.Writer, all []*Package) error {
	var packages, files, functions []size
	code, tests := 0, 0
	for _, p := range all {
		total := 0
		for _, name := range append(slices.Clone(p.Files), p.TestFiles...) {
			if Generated(name) {
				continue
			}
			lines, large, err := measure(p, name)
			if err != nil {
				return err
			}
			limit := fileLinesMax
			if slices.Contains(p.TestFiles, name) {
				limit, tests = testLinesMax, tests+lines
			} else {
				code, total = code+lines, total+lines
				functions = append(functions, large...)
			}
			if lines > limit {
				files = append(files, size{p.Path + "/" + name, lines})
			}
		}
		packages = append(packages, size{p.Path, total})
	}
	fmt.Fprintf(w, "%d packages, %d lines of code, %d lines of tests (%.2f to 1)\n", len(all), code, tests, float64(tests)/float64(max(code, 1)))
	table(w, "largest packages", packages, 15)
	table(w, fmt.Sprintf("files above %d lines (tests %d)", fileLinesMax, testLinesMax), files, 50)
	table(w, fmt.Sprintf("functions above %d lines", functionLinesMax), functions, 50)
	return nil
}

// measure counts a file's lines and finds its large functions.
func measure(p *Package, name string) (int, []size, error) {
	fset := token.NewFileSet()
	f, err := p.Parse(fset, name)
	if err != nil {
		return 0, nil, err
	}
	var large []size
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if lines := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; lines > functionLinesMax {
			large = append(large, size{p.Path + "." + fn.Name.Name, lines})
		}
	}
	text, err := os.ReadFile(filepath.Join(p.Dir, name))
	if err != nil {
		return 0, nil, err
	}
	lines := 0
	for _, c := range text {
		if c == '\n' {
			lines++
		}
	}
	return lines, large, nil
}

func table(w io.Writer, title string, rows []size, most int) {
	fmt.Fprintf(w, "\n%s\n", title)
	sort.Slice(rows, func(i, j int) bool { return rows[i].lines > rows[j].lines })
	if len(rows) == 0 {
		fmt.Fprintln(w, "  none")
	}
	for _, r := range rows[:min(most, len(rows))] {
		fmt.Fprintf(w, "  %6d  %s\n", r.lines, r.name)
	}
}
