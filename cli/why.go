package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"berth/api"
)

func (e *env) whyCommand() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "why JOB|ALLOC|NODE", Short: "why something is as it is", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		client, err := e.client()
		if err != nil {
			return err
		}
		w, err := e.findWhy(ctx, client, args[0])
		if err != nil {
			return err
		}
		if done, err := e.print(s, w); done {
			return err
		}
		e.showWhy(w)
		return nil
	}}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	return c
}

// findWhy asks for a job of that name, else for an allocation or node whose id begins so.
func (e *env) findWhy(ctx context.Context, c *api.Client, name string) (*api.Why, error) {
	if w, _, err := c.WhyJob(ctx, name, nil); err == nil || !api.IsNotFound(err) {
		return w, err
	}
	if a, err := e.findAlloc(ctx, c, name); err == nil {
		w, _, err := c.WhyAllocation(ctx, a.ID.String(), nil)
		return w, err
	}
	if n, err := e.findNode(ctx, c, name); err == nil {
		w, _, err := c.WhyNode(ctx, n.ID.String(), nil)
		return w, err
	}
	if j, err := e.findJob(ctx, c, name); err == nil {
		w, _, err := c.WhyJob(ctx, j.ID, &api.QueryOptions{Namespace: j.Namespace})
		return w, err
	}
	return nil, fmt.Errorf("there is no job, allocation or node %q", name)
}

func (e *env) showWhy(w *api.Why) {
	e.say("%s", e.paint("1", w.Summary))
	if len(w.Waiting) > 0 {
		e.head("Waiting for")
		for _, x := range w.Waiting {
			since := ""
			if x.Since != 0 {
				since = " (since " + ago(x.Since) + ")"
			}
			if strings.Contains(w.Summary, x.Reason) { // said above
				e.say("  %s%s", x.Subject, since)
			} else {
				e.say("  %s: %s%s", x.Subject, x.Reason, since)
			}
			if x.Metrics != nil {
				e.metric(x.Metrics)
			}
			if x.Explanation != nil {
				more := *x.Explanation
				if more.Summary == x.Reason {
					more.Summary = ""
				}
				e.explanation(&more)
			}
		}
	}
	e.head("Facts")
	var facts [][2]string
	for _, f := range w.Facts {
		facts = append(facts, [2]string{f.Label, f.Value})
	}
	e.pairs(facts)
	if len(w.History) > 0 {
		e.head("What happened, newest first")
		for _, h := range w.History {
			e.say("  %-12s %s: %s", ago(h.Time), h.Subject, h.Message)
		}
	}
	for i, n := range w.Next {
		if i == 0 {
			e.say("")
		}
		e.next("next: %s", n)
	}
}
