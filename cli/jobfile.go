package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"berth/agent"
	"berth/jobspec"
	"berth/structs"
)

// maxFileBytes bounds what is read as a job: one byte more than one may have shows that it is too long.
const maxFileBytes = jobspec.MaxSourceBytes + 1

// source are the flags of commands that read a job file.
type source struct {
	vars, files  []string
	json, strict bool
}

func (s *source) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&s.vars, "var", nil, "value of a variable, name=value; may be repeated")
	f.StringArrayVar(&s.files, "var-file", nil, "file with values of variables; may be repeated")
	f.BoolVar(&s.json, "json", false, "the file is a job in the JSON of the API")
	f.BoolVar(&s.strict, "hcl2-strict", true, "refuse values for variables the file does not have")
}

// read reads and parses a job file: a path, an http(s) address, or "-" for standard input. What is wrong is shown, with its
// place, and ends the command.
func (e *env) read(ctx context.Context, path string, s source) (*jobspec.Result, error) {
	text, name, err := e.readText(ctx, path)
	if none := noFileError(""); errors.As(err, &none) {
		return nil, fmt.Errorf("%w (`berth job init` writes one to begin with)", err)
	}
	if err != nil {
		return nil, err
	}
	opts := jobspec.ParseOptions{Filename: name, Source: text, Vars: s.vars, Strict: s.strict, Drivers: agent.DriverCheckers(), Later: true, Env: environment(), Namespace: e.cfg.Namespace}
	if !remote(path) {
		if opts.Dir, err = os.Getwd(); err != nil {
			return nil, err
		}
	}
	for _, f := range s.files {
		values, _, err := e.readText(ctx, f)
		if err != nil {
			return nil, err
		}
		opts.VarFiles = append(opts.VarFiles, jobspec.VarFile{Name: f, Source: values})
	}
	parse := jobspec.Parse
	if s.json {
		parse = jobspec.ParseJSON
	}
	res, diags := parse(opts)
	if len(diags) > 0 {
		if err := e.diagnostics(diags); err != nil {
			return nil, err
		}
	}
	if r := res.Job.Region; r != "" && r != structs.DefaultRegion {
		e.cfg.Region = r // the job's own region wins over the flag
	}
	return res, nil
}

// environment holds the variables that carry values of a job file's variables.
func environment() map[string]string {
	out := map[string]string{}
	for _, kv := range os.Environ() {
		if k, v, ok := strings.Cut(kv, "="); ok && (strings.HasPrefix(k, "NOMAD_VAR_") || strings.HasPrefix(k, "BERTH_VAR_")) {
			out[k] = v
		}
	}
	return out
}

// remote reports that a job file is an address.
func remote(path string) bool {
	return strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://")
}

// noFileError is the path of a file that is not there.
type noFileError string

func (e noFileError) Error() string { return "there is no file " + string(e) }

// readText reads a text of bounded size; anything but a regular file is refused, for it might never end.
func (e *env) readText(ctx context.Context, path string) (text []byte, name string, err error) {
	in := e.in
	switch {
	case path == "-":
		path = "standard input"
	case remote(path):
		body, err := fetch(ctx, path)
		if err != nil {
			return nil, "", err
		}
		defer body.Close()
		in = body
	default:
		f, err := jobspec.OpenRegular(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil, "", noFileError(path)
		}
		if err != nil {
			return nil, "", err
		}
		defer f.Close()
		in = f
	}
	text, err = io.ReadAll(io.LimitReader(in, maxFileBytes))
	if err != nil {
		return nil, "", fmt.Errorf("%s cannot be read: %w", path, err)
	}
	return text, filepath.ToSlash(path), nil
}

// fetchTime bounds how long a job file may take to come.
const fetchTime = time.Minute

func fetch(ctx context.Context, address string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch the job: %w", err)
	}
	resp, err := (&http.Client{Timeout: fetchTime}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch the job: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("fetch the job from %s: the answer is %s", address, resp.Status)
	}
	return resp.Body, nil
}
