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

	"github.com/spf13/cobra"

	"berth/agent"
	"berth/jobspec"
)

// maxFetchBytes bounds a job file read from elsewhere; one byte more than a job file may have tells that it is too long.
const maxFetchBytes = jobspec.MaxSourceBytes + 1

// jobFile are the flags of commands that read a job file.
type jobFile struct {
	vars, varFiles []string
	strict, json   bool
}

func (j *jobFile) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&j.vars, "var", nil, "value of a variable, name=value; may be repeated")
	f.StringArrayVar(&j.varFiles, "var-file", nil, "file with values of variables; may be repeated")
	f.BoolVar(&j.strict, "hcl2-strict", true, "refuse values for variables the file does not have")
	f.BoolVar(&j.json, "json", false, "the file is a job in the JSON of the API")
}

// load reads and parses a job file; mistakes are shown where they are.
func (e *env) load(ctx context.Context, j jobFile, path string) (*jobspec.Result, error) {
	source, name, dir, err := e.source(ctx, path)
	if err != nil {
		return nil, err
	}
	opts := jobspec.ParseOptions{Filename: name, Source: source, Vars: j.vars, Env: environment(), Strict: j.strict, Dir: dir, Drivers: agent.DriverCheckers()}
	for _, f := range j.varFiles {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read variables: %w", err)
		}
		opts.VarFiles = append(opts.VarFiles, jobspec.VarFile{Name: f, Source: text})
	}
	parse := jobspec.Parse
	if j.json {
		parse = jobspec.ParseJSON
	}
	result, diags := parse(opts)
	if err := e.diagnostics(diags); err != nil {
		return nil, err
	}
	if result == nil {
		return nil, fmt.Errorf("%s holds no job", name)
	}
	return result, nil
}

// source reads a job file: a path, an http(s) address, or "-" for standard input.
func (e *env) source(ctx context.Context, path string) (text []byte, name, dir string, err error) {
	switch {
	case path == "-":
		text, err = io.ReadAll(io.LimitReader(e.in, maxFetchBytes))
		if err != nil {
			err = fmt.Errorf("read the job from standard input: %w", err)
		}
		return text, "standard-input.hcl", ".", err
	case strings.HasPrefix(path, "http://"), strings.HasPrefix(path, "https://"):
		text, err = fetch(ctx, path)
		return text, path, "", err
	}
	text, err = os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = fmt.Errorf("there is no file %s (`berth job init` writes one to begin with)", path)
	case err != nil:
		err = fmt.Errorf("read the job: %w", err)
	}
	return text, path, filepath.Dir(path), err
}

func fetch(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch the job: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch the job: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch the job from %s: the answer is %s", address, resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxFetchBytes))
	if err != nil {
		return nil, fmt.Errorf("fetch the job from %s: %w", address, err)
	}
	return text, nil
}

// environment holds the variables that may carry values of a job file's variables.
func environment() map[string]string {
	out := map[string]string{}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "NOMAD_VAR_") || strings.HasPrefix(name, "BERTH_VAR_") {
			out[name] = value
		}
	}
	return out
}
