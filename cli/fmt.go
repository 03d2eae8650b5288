package cli

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"berth/jobspec"
)

// formatter is one run of `berth fmt`.
type formatter struct {
	check, list, write, recursive, diff bool
	changed                             bool
}

func (e *env) fmtCommand() *cobra.Command {
	var f formatter
	c := &cobra.Command{Use: "fmt [FILE|DIRECTORY...]", Short: "give job files their canonical layout",
		Long: "Gives job files their canonical layout: the files named, those of the directories named (*.hcl, *.nomad), or those here.\n" +
			"\"-\" formats standard input to standard output.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			for _, path := range args {
				if err := e.format(cmd, &f, path); err != nil {
					return err
				}
			}
			if f.check && f.changed {
				return exitError{1}
			}
			return nil
		}}
	c.Flags().BoolVar(&f.check, "check", false, "change nothing; exit code 1 when a file would change")
	c.Flags().BoolVar(&f.list, "list", true, "name the files that change")
	c.Flags().BoolVar(&f.write, "write", true, "write the files; otherwise print them")
	c.Flags().BoolVar(&f.diff, "diff", false, "change nothing; print what would change")
	c.Flags().BoolVar(&f.recursive, "recursive", false, "directories below as well")
	return c
}

// format formats a file, or the files of a directory.
func (e *env) format(cmd *cobra.Command, f *formatter, path string) error {
	st, err := os.Stat(path)
	if path == "-" || err != nil || !st.IsDir() {
		return e.formatFile(cmd, f, path)
	}
	return filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != path && !f.recursive:
			return filepath.SkipDir
		case d.Type().IsRegular() && slices.Contains([]string{".hcl", ".nomad"}, filepath.Ext(name)):
			return e.formatFile(cmd, f, name)
		}
		return nil
	})
}

func (e *env) formatFile(cmd *cobra.Command, f *formatter, path string) error {
	text, name, err := e.readText(cmd.Context(), path)
	if err != nil {
		return err
	}
	out, diags := jobspec.FormatFile(name, text)
	if diags.HasErrors() {
		return e.diagnostics(diags)
	}
	if path == "-" {
		_, err := e.out.Write(out)
		return err
	}
	if bytes.Equal(out, text) {
		return nil
	}
	f.changed = true
	if f.diff {
		_, err := e.out.Write(lineDiff(path, text, out))
		return err
	}
	if f.list || f.check {
		e.say("%s", path)
	}
	switch {
	case f.check:
		return nil
	case !f.write:
		_, err := e.out.Write(out)
		return err
	}
	return replace(path, out)
}

// replace changes a file in one step: whoever reads it meanwhile sees the old or the new one, and so does who cuts the power.
func replace(path string, text []byte) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // the link stays a link
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if serr := tmp.Chmod(st.Mode().Perm()); err == nil {
		err = serr
	}
	if serr := tmp.Sync(); err == nil {
		err = serr
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
