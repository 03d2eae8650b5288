package cli

import (
	"context"

	"github.com/spf13/cobra"

	"berth/api"
)

func (e *env) allocLogs() *cobra.Command {
	var follow, stderr, stdout, tail, job, verbose bool
	var lines, bytes int64
	var task string
	c := &cobra.Command{Use: "logs ALLOC [TASK]", Short: "print what a task said", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			a, err := e.target(cmd.Context(), client, job, args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				task = args[1]
			}
			name, err := e.taskOf(cmd.Context(), client, a, task)
			if err != nil {
				return err
			}
			req := api.LogsRequest{Alloc: a.ID.String(), Task: name, Type: "stdout", Origin: "start", Follow: follow}
			if stderr {
				req.Type = "stderr"
			}
			if cmd.Flags().Changed("n") || cmd.Flags().Changed("c") {
				tail = true
			}
			skip := int64(0)
			switch {
			case bytes > 0 && tail:
				req.Origin, req.Offset = "end", bytes
			case tail:
				if lines <= 0 {
					lines = 10
				}
				if skip, err = e.tailOffset(cmd.Context(), client, req, lines); err != nil {
					return err
				}
				req.Offset = skip
			}
			return client.Files().Logs(cmd.Context(), req, nil, func(f api.StreamFrame) error {
				_, err := e.out.Write(f.Data)
				return err
			})
		}}
	f := c.Flags()
	f.BoolVarP(&follow, "follow", "f", false, "go on with what is written")
	f.BoolVar(&stderr, "stderr", false, "standard error instead")
	f.BoolVar(&stdout, "stdout", true, "standard output (the default)")
	f.BoolVar(&tail, "tail", false, "only the end")
	f.Int64VarP(&lines, "n", "n", 0, "with -tail: how many lines")
	f.Int64VarP(&bytes, "c", "c", 0, "with -tail: how many bytes")
	f.BoolVar(&job, "job", false, "the argument is a job: one of its allocations")
	f.BoolVar(&verbose, "verbose", false, "show whole ids")
	f.StringVar(&task, "task", "", "task")
	return c
}

// tailOffset counts where the last lines begin, in bytes from the start.
func (e *env) tailOffset(ctx context.Context, c *api.Client, req api.LogsRequest, lines int64) (int64, error) {
	req.Follow = false
	starts := []int64{0}
	at := int64(0)
	err := c.Files().Logs(ctx, req, nil, func(f api.StreamFrame) error {
		for i, b := range f.Data {
			if b == '\n' {
				if starts = append(starts, at+int64(i)+1); int64(len(starts)) > lines+1 {
					starts = starts[1:]
				}
			}
		}
		at += int64(len(f.Data))
		return nil
	})
	if starts[len(starts)-1] == at && len(starts) > 1 { // the last line is complete
		starts = starts[:len(starts)-1]
	}
	if n := int64(len(starts)); n > lines {
		starts = starts[n-lines:]
	}
	return starts[0], err
}
