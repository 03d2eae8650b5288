package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"berth/agent"
	"berth/jobspec"
	"berth/structs"
)

// source are the flags of commands that read a job file.
type source struct {
	vars, files []string
	json        bool
	strict      bool
}

func (s *source) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&s.vars, "var", nil, "value of a variable, name=value; may be repeated")
	f.StringArrayVar(&s.files, "var-file", nil, "file with values of variables; may be repeated")
	f.BoolVar(&s.json, "json", false, "the file is a job in the API's JSON")
	f.BoolVar(&s.strict, "hcl2-strict", true, "refuse values for variables the file does not have")
}

// read reads and parses a job file, "-" being standard input; what is wrong is shown and ends the command.
func (e *env) read(path string, s source) (*jobspec.Result, error) {
	text, name, err := e.readText(path)
	if err != nil {
		return nil, err
	}
	if s.json {
		return readJSON(name, text)
	}
	opts := jobspec.ParseOptions{Filename: name, Source: text, Vars: s.vars, Strict: s.strict, Drivers: agent.DriverCheckers(), Env: map[string]string{}}
	if opts.Dir, err = os.Getwd(); err != nil {
		return nil, err
	}
	for _, f := range s.files {
		values, _, err := e.readText(f)
		if err != nil {
			return nil, err
		}
		opts.VarFiles = append(opts.VarFiles, jobspec.VarFile{Name: f, Source: values})
	}
	for _, kv := range os.Environ() {
		if k, v, ok := strings.Cut(kv, "="); ok && (strings.HasPrefix(k, "NOMAD_VAR_") || strings.HasPrefix(k, "BERTH_VAR_")) {
			opts.Env[k] = v
		}
	}
	res, diags := jobspec.Parse(opts)
	if len(diags) > 0 {
		if err := e.diagnostics(diags); err != nil {
			return nil, err
		}
	}
	return res, nil
}

// readText reads a file of bounded size; anything but a regular file is refused, for it might never end.
func (e *env) readText(path string) (text []byte, name string, err error) {
	in, name := e.in, path
	if path == "-" {
		name = "standard input"
	} else {
		st, err := os.Stat(path)
		if err != nil {
			return nil, "", fmt.Errorf("%s cannot be read: %w", path, errors.Unwrap(err))
		}
		if !st.Mode().IsRegular() {
			return nil, "", fmt.Errorf("%s is not a regular file", path)
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, "", fmt.Errorf("%s cannot be read: %w", path, errors.Unwrap(err))
		}
		defer f.Close()
		in = f
	}
	text, err = io.ReadAll(io.LimitReader(in, jobspec.MaxSourceBytes+1))
	if err != nil {
		return nil, "", fmt.Errorf("%s cannot be read: %w", name, err)
	}
	return text, filepath.ToSlash(name), nil
}

// readJSON reads a job in the API's JSON, bare or as {"Job": ...}.
func readJSON(name string, text []byte) (*jobspec.Result, error) {
	var outer struct{ Job *structs.Job }
	if err := json.Unmarshal(text, &outer); err != nil {
		return nil, fmt.Errorf("%s is not a job in JSON: %w", name, err)
	}
	if outer.Job == nil {
		outer.Job = &structs.Job{}
		if err := json.Unmarshal(text, outer.Job); err != nil {
			return nil, fmt.Errorf("%s is not a job in JSON: %w", name, err)
		}
	}
	outer.Job.Canonicalize()
	if err := outer.Job.Validate(structs.Limits{Drivers: agent.DriverCheckers()}).Err(); err != nil {
		return nil, err
	}
	return &jobspec.Result{Job: outer.Job, Submission: &structs.JobSubmission{Source: string(text), Format: "json"}}, nil
}
