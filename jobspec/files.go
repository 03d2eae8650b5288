package jobspec

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-cty-funcs/filesystem"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// fileFunctions are refused by name where there is no directory.
var fileFunctions = []string{"abspath", "basename", "dirname", "file", "filebase64", "fileexists", "fileset", "pathexpand"}

// addFileFunctions adds those that read below a directory, or anywhere with an absolute path: they run with the rights of
// who reads the job file.
func addFileFunctions(f map[string]function.Function, dir string) {
	readable := func(args []cty.Value) error { return checkFile(dir, args) }
	f["abspath"], f["basename"], f["dirname"] = filesystem.AbsPathFunc, filesystem.BasenameFunc, filesystem.DirnameFunc
	f["file"] = guarded(filesystem.MakeFileFunc(dir, false), readable)
	f["filebase64"] = guarded(filesystem.MakeFileFunc(dir, true), readable)
	f["fileexists"] = filesystem.MakeFileExistsFunc(dir)
	f["fileset"] = guarded(filesystem.MakeFileSetFunc(dir), checkFileset)
	f["pathexpand"] = filesystem.PathExpandFunc
}

// checkFile refuses what is no file or too large: a device or a pipe would be read without end.
func checkFile(dir string, args []cty.Value) error {
	if len(args) != 1 || args[0].Type() != cty.String {
		return nil
	}
	path := args[0].AsString()
	if rest, home := strings.CutPrefix(path, "~"); home {
		base, err := os.UserHomeDir()
		if err != nil {
			return err
		}
		path = base + rest
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil // the function itself says so
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a file", path)
	case info.Size() > MaxSourceBytes:
		return fmt.Errorf("%s has %d bytes; at most %d are read", path, info.Size(), MaxSourceBytes)
	}
	return nil
}

// checkFileset refuses patterns that would walk a whole machine.
func checkFileset(args []cty.Value) error {
	if len(args) == 2 && args[0].Type() == cty.String && filepath.Clean(args[0].AsString()) == "/" {
		return fmt.Errorf("the root directory is too large to be searched")
	}
	return nil
}

// guarded checks the arguments before a function runs.
func guarded(f function.Function, check func(args []cty.Value) error) function.Function {
	return function.New(&function.Spec{
		Params: f.Params(), VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			for _, a := range args {
				if !a.IsWhollyKnown() || a.IsNull() {
					return f.ReturnTypeForValues(args)
				}
			}
			if err := check(args); err != nil {
				return cty.NilType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}
