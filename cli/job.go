package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"berth/agent"
	"berth/api"
	"berth/jobspec"
	"berth/structs"
)

func (e *env) jobCommand() *cobra.Command {
	return group("job", "run jobs and look at them", e.jobRun(), e.jobStatus(), e.jobStop(), e.jobPlan(), e.jobValidate(), e.jobInspect(),
		e.jobHistory(), e.jobInit(), e.jobFmt(), e.jobEval(), e.jobRevert(), e.jobScale(), e.jobAllocs(), e.jobDeployments(), e.jobPromote())
}

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

func (e *env) jobRun() *cobra.Command {
	var s source
	var detach, verbose, output, preserveCounts, preserveResources bool
	var check string
	var priority int
	c := &cobra.Command{
		Use: "run FILE", Short: "run a job, or update it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			res, err := e.read(args[0], s)
			if err != nil {
				return err
			}
			req := &structs.JobRegisterRequest{Job: res.Job, Submission: res.Submission, PreserveCounts: preserveCounts,
				PreserveResources: preserveResources, EvalPriority: priority}
			if output {
				_, err := e.print(shown{json: true}, map[string]any{"Job": res.Job})
				return err
			}
			if check != "" {
				if _, err := fmt.Sscan(check, &req.JobModifyIndex); err != nil {
					return fmt.Errorf("-check-index %q is not a number", check)
				}
				req.EnforceIndex = true
			}
			client, err := e.client()
			if err != nil {
				return err
			}
			resp, _, err := client.Jobs().Register(cmd.Context(), req, &api.WriteOptions{Namespace: res.Job.Namespace})
			if err != nil {
				return err
			}
			if resp.Warnings != "" {
				e.say("%s\n", e.paint("33", "Job warnings: "+resp.Warnings))
			}
			if resp.EvalID.IsZero() {
				e.say("Job registration successful")
				return nil
			}
			if detach {
				e.say("Job registration successful\nEvaluation ID: %s", resp.EvalID)
				return nil
			}
			return e.monitor(cmd.Context(), client, resp.EvalID, verbose)
		},
	}
	s.flags(c)
	f := c.Flags()
	f.BoolVar(&detach, "detach", false, "do not wait for what becomes of it")
	f.BoolVar(&verbose, "verbose", false, "show whole ids")
	f.BoolVar(&output, "output", false, "print the job as JSON instead of sending it")
	f.BoolVar(&preserveCounts, "preserve-counts", false, "keep the counts of a job that runs")
	f.BoolVar(&preserveResources, "preserve-resources", false, "keep the resources of a job that runs")
	f.StringVar(&check, "check-index", "", "only if the job is at this modify index; 0: only if there is no such job")
	f.IntVar(&priority, "eval-priority", 0, "priority of the evaluation, 1 to 100")
	return c
}

func (e *env) jobValidate() *cobra.Command {
	var s source
	c := &cobra.Command{Use: "validate FILE", Short: "check a job file; no agent is needed", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if _, err := e.read(args[0], s); err != nil {
				return err
			}
			e.say("%s", e.paint("32", "Job validation successful"))
			return nil
		}}
	s.flags(c)
	return c
}

func (e *env) jobStop() *cobra.Command {
	var o api.StopOptions
	var detach, verbose, yes bool
	c := &cobra.Command{Use: "stop JOB...", Short: "stop jobs", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			for _, arg := range args {
				j, err := e.findJob(cmd.Context(), client, arg)
				if err != nil {
					return err
				}
				resp, _, err := client.Jobs().Stop(cmd.Context(), j.ID, o, &api.WriteOptions{Namespace: j.Namespace})
				if err != nil {
					return err
				}
				if resp.EvalID.IsZero() || detach {
					e.say("%s", resp.EvalID)
					continue
				}
				if err := e.monitor(cmd.Context(), client, resp.EvalID, verbose); err != nil {
					return err
				}
			}
			return nil
		}}
	f := c.Flags()
	f.BoolVar(&o.Purge, "purge", false, "forget the job as well")
	f.BoolVar(&detach, "detach", false, "do not wait")
	f.BoolVar(&verbose, "verbose", false, "show whole ids")
	f.BoolVar(&yes, "yes", false, "answer yes to questions")
	f.BoolVar(&o.NoShutdownDelay, "no-shutdown-delay", false, "skip the shutdown delays")
	return c
}

func (e *env) jobInspect() *cobra.Command {
	var s shown
	var hcl bool
	c := &cobra.Command{Use: "inspect JOB", Short: "print a job as the servers have it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			stub, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			q := &api.QueryOptions{Namespace: stub.Namespace}
			if hcl {
				sub, _, err := client.Jobs().Submission(cmd.Context(), stub.ID, stub.Version, q)
				if err != nil {
					return err
				}
				_, err = io.WriteString(e.out, sub.Source)
				return err
			}
			j, _, err := client.Jobs().Get(cmd.Context(), stub.ID, q)
			if err != nil {
				return err
			}
			if s.template == "" {
				s.json = true
			}
			_, err = e.print(s, map[string]any{"Job": j})
			return err
		}}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON (the default)")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	c.Flags().BoolVar(&hcl, "hcl", false, "print the file it was run from")
	return c
}

func (e *env) jobHistory() *cobra.Command {
	c := &cobra.Command{Use: "history JOB", Short: "list the versions of a job", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			stub, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			resp, _, err := client.Jobs().Versions(cmd.Context(), stub.ID, true, &api.QueryOptions{Namespace: stub.Namespace})
			if err != nil {
				return err
			}
			for i, j := range resp.Versions {
				if i > 0 {
					e.say("")
				}
				e.pairs([][2]string{{"Version", fmt.Sprint(j.Version)}, {"Stable", fmt.Sprint(j.Stable)}, {"Submit Date", clock(j.SubmitTime)}})
				if i < len(resp.Diffs) {
					e.say("Diff")
					e.diff(resp.Diffs[i])
				}
			}
			return nil
		}}
	return c
}

func (e *env) jobFmt() *cobra.Command {
	var check, list bool
	c := &cobra.Command{Use: "fmt FILE...", Short: "give job files their canonical layout", Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			changed := false
			for _, path := range args {
				text, name, err := e.readText(path)
				if err != nil {
					return err
				}
				out, diags := jobspec.FormatFile(name, text)
				if diags.HasErrors() {
					return e.diagnostics(diags)
				}
				if path == "-" {
					if _, err := e.out.Write(out); err != nil {
						return err
					}
					continue
				}
				if string(out) == string(text) {
					continue
				}
				changed = true
				if list || check {
					e.say("%s", path)
				}
				if !check {
					st, err := os.Stat(path)
					if err != nil {
						return err
					}
					if err := os.WriteFile(path, out, st.Mode().Perm()); err != nil {
						return err
					}
				}
			}
			if check && changed {
				return exitError{1}
			}
			return nil
		}}
	c.Flags().BoolVar(&check, "check", false, "change nothing; exit code 1 when a file would change")
	c.Flags().BoolVar(&list, "list", true, "name the files that change")
	return c
}

func (e *env) jobEval() *cobra.Command {
	var force, detach bool
	c := &cobra.Command{Use: "eval JOB", Short: "look at a job again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			j, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			resp, _, err := client.Jobs().Evaluate(cmd.Context(), j.ID, force, &api.WriteOptions{Namespace: j.Namespace})
			if err != nil {
				return err
			}
			if detach {
				e.say("Created eval ID: %q", resp.EvalID)
				return nil
			}
			return e.monitor(cmd.Context(), client, resp.EvalID, false)
		}}
	c.Flags().BoolVar(&force, "force-reschedule", false, "replace failed allocations whatever the policy says")
	c.Flags().BoolVar(&detach, "detach", false, "do not wait")
	return c
}

func (e *env) jobRevert() *cobra.Command {
	var detach bool
	c := &cobra.Command{Use: "revert JOB VERSION", Short: "go back to an earlier version", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			j, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			var version uint64
			if _, err := fmt.Sscan(args[1], &version); err != nil {
				return fmt.Errorf("version %q is not a number; `berth job history %s` lists them", args[1], j.ID)
			}
			resp, _, err := client.Jobs().Revert(cmd.Context(), j.ID, version, nil, &api.WriteOptions{Namespace: j.Namespace})
			if err != nil {
				return err
			}
			if detach {
				e.say("%s", resp.EvalID)
				return nil
			}
			return e.monitor(cmd.Context(), client, resp.EvalID, false)
		}}
	c.Flags().BoolVar(&detach, "detach", false, "do not wait")
	return c
}

func (e *env) jobScale() *cobra.Command {
	var detach bool
	c := &cobra.Command{Use: "scale JOB [GROUP] COUNT", Short: "change the count of a group", Args: cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			stub, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			w := &api.WriteOptions{Namespace: stub.Namespace}
			var count int64
			if _, err := fmt.Sscan(args[len(args)-1], &count); err != nil {
				return fmt.Errorf("count %q is not a number", args[len(args)-1])
			}
			name := ""
			if len(args) == 3 {
				name = args[1]
			} else {
				j, _, err := client.Jobs().Get(cmd.Context(), stub.ID, &api.QueryOptions{Namespace: stub.Namespace})
				if err != nil {
					return err
				}
				if len(j.TaskGroups) != 1 {
					return fmt.Errorf("job %q has %d groups: name the one to scale", j.ID, len(j.TaskGroups))
				}
				name = j.TaskGroups[0].Name
			}
			resp, _, err := client.Jobs().Scale(cmd.Context(), stub.ID, &api.ScalingRequest{Count: &count, Target: map[string]string{"Group": name, "Job": stub.ID}}, w)
			if err != nil {
				return err
			}
			if detach || resp.EvalID.IsZero() {
				e.say("%s", resp.EvalID)
				return nil
			}
			return e.monitor(cmd.Context(), client, resp.EvalID, false)
		}}
	c.Flags().BoolVar(&detach, "detach", false, "do not wait")
	return c
}

const initJob = `# A service: one HTTP server with a port of its own.
#
#   berth job run %[1]s.hcl

job "%[1]s" {
  group "web" {
    count = 1

    network {
      mode = "bridge"
      port "http" {
        to = 8080
      }
    }

    task "server" {
      driver = "docker"

      config {
        image   = "busybox:1"
        command = "httpd"
        args    = ["-f", "-p", "${NOMAD_PORT_http}"]
        ports   = ["http"]
      }

      resources {
        cpu    = 100 # MHz
        memory = 64  # MB
      }
    }
  }
}
`

func (e *env) jobInit() *cobra.Command {
	var short bool
	c := &cobra.Command{Use: "init [NAME]", Short: "write a job file to begin with", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := "example"
			if len(args) == 1 {
				name = strings.TrimSuffix(args[0], ".hcl")
			}
			path := name + ".hcl"
			f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
			if errors.Is(err, os.ErrExist) {
				return fmt.Errorf("%s is there already: name another file, such as `berth job init web`", path)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(f, initJob, filepath.Base(name))
			if cerr := f.Close(); err == nil {
				err = cerr
			}
			if err != nil {
				return err
			}
			e.say("wrote %s; run it with `berth job run %s`", path, path)
			return nil
		}}
	c.Flags().BoolVar(&short, "short", true, "without long comments (the default)")
	return c
}

// monitorPoll is how long one question of a monitor is kept open.
const monitorPoll = time.Minute
