package tidy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
)

// buildTags are those of the product (GNUmakefile).
const buildTags = "no_cri,no_btrfs,no_zfs,no_devmapper"

// Package is one package of the module as the go command lists it.
type Package struct {
	Path         string // relative to the module, "." for its root
	Name         string
	Dir          string
	Files        []string // without tests
	TestFiles    []string
	Imports      []string
	TestImports  []string
	moduleImport string
}

// List asks the go command for every package of the module at root.
func List(root string) ([]*Package, error) {
	cmd := exec.Command("go", "list", "-e", "-tags", buildTags,
		"-json=ImportPath,Name,Dir,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports,Module", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list packages: %w: %s", err, stderr.Bytes())
	}
	var all []*Package
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Name, Dir              string
			GoFiles, TestGoFiles, XTestGoFiles []string
			Imports, TestImports, XTestImports []string
			Module                             *struct{ Path string }
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("list packages: %w", err)
		}
		if p.Module == nil || len(p.GoFiles)+len(p.TestGoFiles)+len(p.XTestGoFiles) == 0 {
			continue
		}
		all = append(all, &Package{
			Path: Relative(p.Module.Path, p.ImportPath), Name: p.Name, Dir: p.Dir, moduleImport: p.Module.Path,
			Files: p.GoFiles, TestFiles: append(p.TestGoFiles, p.XTestGoFiles...),
			Imports: p.Imports, TestImports: append(p.TestImports, p.XTestImports...),
		})
	}
}

// Relative is an import path without the module's; "." for the module's root, and unchanged if it is not the module's.
func Relative(module, path string) string {
	if path == module {
		return "."
	}
	return strings.TrimPrefix(path, module+"/")
}

// Own reports whether an import path is of this module, and gives it relative to it.
func (p *Package) Own(path string) (string, bool) {
	if path != p.moduleImport && !strings.HasPrefix(path, p.moduleImport+"/") {
		return path, false
	}
	return Relative(p.moduleImport, path), true
}

// Generated reports a file no person writes.
func Generated(file string) bool { return strings.HasSuffix(file, "_gen.go") }

// Parse reads one file of the package, comments included.
func (p *Package) Parse(fset *token.FileSet, file string) (*ast.File, error) {
	return parser.ParseFile(fset, filepath.Join(p.Dir, file), nil, parser.ParseComments)
}
