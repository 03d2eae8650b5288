package cli

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"berth/jobspec"
)

// jobTemplates are the files `job init` writes: each a job "example" that runs as it is, with comments on lines of their own.
//
//go:embed jobs/*.hcl
var jobTemplates embed.FS

func (e *env) jobInit() *cobra.Command {
	var template string
	var short, list bool
	c := &cobra.Command{Use: "init [NAME]", Short: "write a job file to begin with", Args: cobra.MaximumNArgs(1),
		Long: "Writes a job file that runs as it is: NAME.hcl with a job of that name, example.hcl without one. -template says which kind\n" +
			"of job it is, -list-templates what kinds there are.",
		RunE: func(_ *cobra.Command, args []string) error {
			if list {
				return e.listTemplates()
			}
			file := "example.hcl"
			if len(args) == 1 {
				file = args[0]
				if ext := filepath.Ext(file); ext != ".hcl" && ext != ".nomad" {
					file += ".hcl"
				}
			}
			text, err := newJob(template, file, short)
			if err != nil {
				return err
			}
			if err := writeNew(file, text); err != nil {
				return err
			}
			e.say("wrote %s; run it with `berth job run %s`", file, file)
			return nil
		}}
	c.Flags().StringVar(&template, "template", "web", "kind of job: "+strings.Join(templateNames(), ", "))
	c.Flags().BoolVar(&short, "short", false, "without comments")
	c.Flags().BoolVar(&list, "list-templates", false, "say what kinds there are, and write nothing")
	return c
}

// templateNames are the kinds of jobs, sorted.
func templateNames() []string {
	entries, err := jobTemplates.ReadDir("jobs")
	if err != nil {
		panic(err) // it is part of the program
	}
	var names []string
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), ".hcl"))
	}
	return names
}

func (e *env) listTemplates() error {
	rows := [][]string{{"Template", "Description"}}
	for _, name := range templateNames() {
		text, err := jobTemplates.ReadFile(path.Join("jobs", name+".hcl"))
		if err != nil {
			return err
		}
		about, _, _ := strings.Cut(strings.TrimPrefix(string(text), "# "), "\n")
		rows = append(rows, []string{name, about})
	}
	e.table(rows)
	return nil
}

// newJob is the text of a template with the job named after the file.
func newJob(template, file string, short bool) ([]byte, error) {
	text, err := jobTemplates.ReadFile(path.Join("jobs", template+".hcl"))
	if err != nil || !slices.Contains(templateNames(), template) {
		return nil, fmt.Errorf("there is no template %q: use one of %s", template, strings.Join(templateNames(), ", "))
	}
	id := filepath.Base(file)
	for _, ext := range []string{".hcl", ".nomad"} {
		id = strings.TrimSuffix(id, ext)
	}
	for _, old := range []string{`job "example"`, " example"} {
		text = bytes.ReplaceAll(text, []byte(old), []byte(strings.Replace(old, "example", id, 1)))
	}
	text = bytes.ReplaceAll(text, []byte("FILE"), []byte(file))
	if short {
		text = withoutComments(text)
	}
	if _, diags := jobspec.Parse(jobspec.ParseOptions{Filename: file, Source: text, Strict: true}); diags.HasErrors() {
		return nil, fmt.Errorf("%q cannot be the name of a job: use letters, digits, - and _", id)
	}
	return text, nil
}

// withoutComments leaves out the lines that are comments, and the empty ones at the top.
func withoutComments(text []byte) []byte {
	var out []byte
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			out = append(out, line...)
		}
	}
	return bytes.TrimLeft(out, "\n")
}

// writeNew writes a file that is not there yet.
func writeNew(file string, text []byte) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already: name another file, such as `berth job init web`", file)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", file, errors.Unwrap(err))
	}
	_, err = f.Write(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
