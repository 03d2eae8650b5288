package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/internal/cron"
	"berth/structs"
)

func (e *env) periodicForce() *cobra.Command {
	var detach, verbose bool
	c := &cobra.Command{Use: "force JOB", Short: "launch a periodic job now, whatever its schedule says", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			j, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			resp, _, err := client.Jobs().PeriodicForce(cmd.Context(), j.ID, &api.WriteOptions{Namespace: j.Namespace})
			if err != nil {
				return err
			}
			if detach {
				e.say("Force periodic successful\nEvaluation ID: %s", resp.EvalID)
				return nil
			}
			return e.monitor(cmd.Context(), client, resp.EvalID, verbose)
		}}
	c.Flags().BoolVar(&detach, "detach", false, "do not wait")
	c.Flags().BoolVar(&verbose, "verbose", false, "show whole ids")
	return c
}

func (e *env) jobDispatch() *cobra.Command {
	var req api.DispatchRequest
	var meta []string
	var payload, token string
	var detach, verbose bool
	c := &cobra.Command{Use: "dispatch JOB [FILE]", Short: "start an instance of a parameterized job", Args: cobra.RangeArgs(1, 2),
		Long: "Starts an instance of a parameterized job. FILE is its payload, - reads it from standard input.",
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if req.Meta, err = keyValues(meta); err != nil {
				return err
			}
			switch {
			case len(args) == 2 && payload != "":
				return fmt.Errorf("the payload is given twice: as the file %q and with -payload", args[1])
			case len(args) == 2:
				if req.Payload, err = e.readPayload(args[1]); err != nil {
					return err
				}
			case payload != "":
				req.Payload = []byte(payload)
			}
			client, err := e.client()
			if err != nil {
				return err
			}
			j, err := e.findJob(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			resp, _, err := client.Jobs().Dispatch(cmd.Context(), j.ID, token, &req, &api.WriteOptions{Namespace: j.Namespace})
			if err != nil {
				return err
			}
			e.say("Dispatched Job ID = %s", resp.DispatchedJobID)
			if resp.EvalID.IsZero() {
				return nil
			}
			if detach {
				e.say("Evaluation ID     = %s", short8(resp.EvalID, verbose))
				return nil
			}
			return e.monitor(cmd.Context(), client, resp.EvalID, verbose)
		}}
	f := c.Flags()
	f.StringArrayVar(&meta, "meta", nil, "key=value that the instance gets; may be repeated")
	f.StringVar(&payload, "payload", "", "the payload itself, instead of a file")
	f.StringVar(&token, "idempotency-token", "", "a word of your own: a second dispatch with it answers what the first made")
	f.StringVar(&req.IdPrefixTemplate, "id-prefix-template", "", "text that stands in the instance's id")
	f.IntVar(&req.Priority, "priority", 0, "priority of the instance, 1 to 100; 0 is the job's")
	f.BoolVar(&detach, "detach", false, "do not wait")
	f.BoolVar(&verbose, "verbose", false, "show whole ids")
	return c
}

// readPayload reads a file, at most as much as is allowed and one byte.
func (e *env) readPayload(path string) ([]byte, error) {
	in := e.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read payload: %w", err)
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, structs.MaxDispatchPayload+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read payload: %w", err)
	case len(data) > structs.MaxDispatchPayload:
		return nil, fmt.Errorf("the payload %q has more than %d bytes: put it where the task can fetch it, and dispatch the address", path, structs.MaxDispatchPayload)
	}
	return data, nil
}

// keyValues reads key=value words.
func keyValues(words []string) (map[string]string, error) {
	out := map[string]string{}
	for _, w := range words {
		k, v, ok := strings.Cut(w, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("-meta %q is not key=value", w)
		}
		out[k] = v
	}
	return out, nil
}

// nextLaunch tells when a job that was just registered is due.
func (e *env) nextLaunch(j *structs.Job) {
	now := time.Now()
	if next := cron.NextLaunch(j, now); !next.IsZero() {
		e.say("Approximate next launch time: %s (%s from now)", next.Format(time.RFC3339), next.Sub(now).Round(time.Second))
	}
}

// showChildren shows the instances of a periodic or parameterized job.
func (e *env) showChildren(ctx context.Context, c *api.Client, j *structs.Job, stub *structs.JobListStub) error {
	if p := j.ParameterizedJob; p != nil && !j.Dispatched {
		e.head("Parameterized Job")
		e.pairs([][2]string{{"Payload", p.Payload}, {"Required Metadata", strings.Join(p.MetaRequired, ", ")},
			{"Optional Metadata", strings.Join(p.MetaOptional, ", ")}})
	}
	title := "Previously Launched Jobs"
	if j.IsParameterized() {
		title = "Dispatched Jobs"
	}
	if stub.JobSummary != nil && stub.JobSummary.Children != nil {
		n := stub.JobSummary.Children
		e.head("Children Job Summary")
		e.table([][]string{{"Pending", "Running", "Dead"}, {fmt.Sprint(n.Pending), fmt.Sprint(n.Running), fmt.Sprint(n.Dead)}})
	}
	q := &api.QueryOptions{Namespace: j.Namespace, Prefix: j.ID + "/"}
	list, _, err := c.Jobs().List(ctx, q)
	if err != nil {
		return err
	}
	e.head(title)
	rows := [][]string{{"ID", "Status", "Submit Date"}}
	for _, child := range list {
		if child.ParentID == j.ID {
			rows = append(rows, []string{child.ID, child.Status, clock(child.SubmitTime)})
		}
	}
	if len(rows) == 1 {
		e.say("No instances of the job")
		return nil
	}
	e.table(rows)
	return nil
}
