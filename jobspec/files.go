package jobspec

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/hashicorp/go-cty-funcs/filesystem"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// fileFunctions are refused by name where there is no directory.
var fileFunctions = []string{"abspath", "basename", "dirname", "file", "filebase64", "fileexists", "fileset", "pathexpand"}

// addFileFunctions adds those that read below a directory, or anywhere with an absolute path: they run with the rights of
// who reads the job file.
func addFileFunctions(f map[string]function.Function, dir string) {
	f["abspath"], f["basename"], f["dirname"] = filesystem.AbsPathFunc, filesystem.BasenameFunc, filesystem.DirnameFunc
	f["file"], f["filebase64"] = fileFunc(dir, false), fileFunc(dir, true)
	f["fileexists"] = filesystem.MakeFileExistsFunc(dir)
	f["fileset"] = guarded(filesystem.MakeFileSetFunc(dir), func(args []cty.Value) error { return checkFileset(dir, args) })
	f["pathexpand"] = filesystem.PathExpandFunc
}

// fileFunc gives the content of a file, as text or in base64.
func fileFunc(dir string, encoded bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			raw, err := readFileAt(dir, args[0].AsString())
			switch {
			case err != nil:
				return cty.DynamicVal, err
			case encoded:
				return cty.StringVal(base64.StdEncoding.EncodeToString(raw)), nil
			case !utf8.Valid(raw):
				return cty.DynamicVal, fmt.Errorf("%s is not UTF-8 text: read it with filebase64", args[0].AsString())
			}
			return cty.StringVal(string(raw)), nil
		},
	})
}

func readFileAt(dir, path string) ([]byte, error) {
	if rest, home := strings.CutPrefix(path, "~"); home {
		base, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		path = base + rest
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	f, err := OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, MaxSourceBytes+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > MaxSourceBytes {
		return nil, fmt.Errorf("%s has more than %d bytes; at most that many are read", path, MaxSourceBytes)
	}
	return raw, nil
}

// OpenRegular opens a regular file. A device or a pipe, which might be read without end, is refused: also one that takes the
// file's place at this moment, for which nothing waits.
func OpenRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s: %w", path, os.ErrNotExist)
	case errors.Is(err, syscall.ENXIO): // a socket
		return nil, fmt.Errorf("%s is not a regular file", path)
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %w", path, errors.Unwrap(err))
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		return f, nil
	}
	f.Close()
	if err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a directory: name a file in it", path)
	}
	return nil, fmt.Errorf("%s is not a regular file", path)
}

// checkFileset refuses patterns that would walk a whole machine.
func checkFileset(dir string, args []cty.Value) error {
	if len(args) != 2 || args[0].Type() != cty.String || args[1].Type() != cty.String {
		return nil
	}
	root := args[0].AsString()
	if !filepath.IsAbs(root) {
		root = filepath.Join(dir, root)
	}
	whole := filepath.Join(root, args[1].AsString())
	if i := strings.IndexAny(whole, "*?[{\\"); i >= 0 && strings.LastIndexByte(whole[:i], '/') <= 0 {
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
