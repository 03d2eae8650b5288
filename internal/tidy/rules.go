package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// impureCalls are the functions of package time that read the clock or wait.
var impureCalls = map[string]bool{
	"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true, "Tick": true,
	"NewTimer": true, "NewTicker": true,
}

// Impure finds clocks, randomness and goroutines in a file of a pure package.
func Impure(fset *token.FileSet, f *ast.File) []string {
	var found []string
	for _, imp := range f.Imports {
		switch path := strings.Trim(imp.Path.Value, `"`); path {
		case "math/rand", "math/rand/v2", "crypto/rand":
			found = append(found, fmt.Sprintf("%s: imports %s: take an id source or a seeded generator as an argument", fset.Position(imp.Pos()), path))
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, fmt.Sprintf("%s: starts a goroutine: a pure package has none", fset.Position(n.Pos())))
		case *ast.CallExpr: // of a wait group, or what is like one
			if call, ok := n.Fun.(*ast.SelectorExpr); ok && call.Sel.Name == "Go" && len(n.Args) == 1 {
				found = append(found, fmt.Sprintf("%s: starts a goroutine: a pure package has none", fset.Position(n.Pos())))
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && x.Obj == nil && impureCalls[n.Sel.Name] {
				found = append(found, fmt.Sprintf("%s: calls time.%s: take the time as an argument", fset.Position(n.Pos()), n.Sel.Name))
			}
		}
		return true
	})
	return found
}

// PackageVar is one variable at package level that is, or can be, changed.
type PackageVar struct {
	Name, Why string
	Pos       token.Position
}

// MutableVars finds package variables that are written after their declaration, have no value yet when declared, or are made to
// be written (locks, channels, atomics). Tables that nobody writes are fine.
func MutableVars(fset *token.FileSet, files []*ast.File) []PackageVar {
	declared := map[string]*ast.ValueSpec{}
	var found []PackageVar
	for _, f := range files {
		for _, d := range f.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR {
				continue
			}
			for _, s := range gen.Specs {
				spec := s.(*ast.ValueSpec)
				for i, name := range spec.Names {
					if name.Name == "_" || embedded(gen, spec) {
						continue
					}
					declared[name.Name] = spec
					if why := madeToChange(spec, i); why != "" {
						found = append(found, PackageVar{name.Name, why, fset.Position(name.Pos())})
					}
				}
			}
		}
	}
	for _, f := range files {
		for _, id := range written(f) {
			spec := declared[id.Name]
			if spec == nil || (id.Obj != nil && id.Obj.Decl != spec) {
				continue
			}
			found = append(found, PackageVar{id.Name, "is written", fset.Position(id.Pos())})
		}
	}
	return found
}

// embedded reports a variable filled by go:embed.
func embedded(gen *ast.GenDecl, spec *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{gen.Doc, spec.Doc} {
		if doc != nil {
			for _, c := range doc.List {
				if strings.HasPrefix(c.Text, "//go:embed") {
					return true
				}
			}
		}
	}
	return false
}

// madeToChange says why the i-th name of a declaration can only be meant to be written.
func madeToChange(spec *ast.ValueSpec, i int) string {
	if len(spec.Values) == 0 {
		return "has no value where it is declared"
	}
	if i >= len(spec.Values) {
		return ""
	}
	why := ""
	ast.Inspect(spec.Values[i], func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ChanType:
			why = "is a channel"
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && (x.Name == "atomic" || (x.Name == "sync" && !strings.HasPrefix(n.Sel.Name, "Once"))) {
				why = "is a lock or an atomic"
			}
		}
		return true
	})
	return why
}

// written lists the identifiers at the root of everything a file assigns to, increments, deletes from or takes the address of.
func written(f *ast.File) []*ast.Ident {
	var ids []*ast.Ident
	add := func(e ast.Expr) {
		if id := root(e); id != nil {
			ids = append(ids, id)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, l := range n.Lhs {
					add(l)
				}
			}
		case *ast.IncDecStmt:
			add(n.X)
		case *ast.CallExpr:
			if fn, ok := n.Fun.(*ast.Ident); ok && (fn.Name == "delete" || fn.Name == "clear") && len(n.Args) > 0 {
				add(n.Args[0])
			}
		}
		return true
	})
	return ids
}

// root is the variable an expression is a part of: a for a.b[c].
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// Inits finds init functions.
func Inits(fset *token.FileSet, f *ast.File) []string {
	var found []string
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			found = append(found, fmt.Sprintf("%s: func init: do it in a constructor", fset.Position(fn.Pos())))
		}
	}
	return found
}

// Runs finds the functions named Run or Run… that take a context: the bodies of goroutines. Each is named as docs/explanation/threads.md
// names it, "package.Type.Run" or "package.Run".
func Runs(pkg string, f *ast.File) []string {
	var found []string
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(fn.Name.Name, "Run") || !takesContext(fn) {
			continue
		}
		name := pkg + "."
		if fn.Recv != nil {
			t := fn.Recv.List[0].Type
			if star, ok := t.(*ast.StarExpr); ok {
				t = star.X
			}
			if index, ok := t.(*ast.IndexExpr); ok {
				t = index.X
			}
			if id, ok := t.(*ast.Ident); ok {
				name += id.Name + "."
			}
		}
		found = append(found, name+fn.Name.Name)
	}
	return found
}

func takesContext(fn *ast.FuncDecl) bool {
	p := fn.Type.Params.List
	if len(p) == 0 {
		return false
	}
	sel, ok := p[0].Type.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "Context"
}
