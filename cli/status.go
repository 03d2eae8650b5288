package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"berth/api"
)

// statusCommand shows whatever an id or a name means, with the status command of its kind.
func (e *env) statusCommand() *cobra.Command {
	c := &cobra.Command{Use: "status [ID|NAME]", Short: "how a job, allocation, node, evaluation or deployment is", Args: cobra.MaximumNArgs(1)}
	var s shown
	f := c.Flags()
	f.BoolVar(&s.verbose, "verbose", false, "show whole ids")
	f.BoolVar(&s.json, "json", false, "print JSON")
	f.StringVarP(&s.template, "template", "t", "", "Go template")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		words := []string{"job", "status"}
		if len(args) > 0 {
			if words, err = e.meant(cmd.Context(), client, args[0]); err != nil {
				return err
			}
			words = append(words, args[0])
		}
		found, rest, err := c.Root().Find(words)
		if err != nil {
			return err
		}
		for name, set := range map[string]bool{"verbose": s.verbose, "json": s.json} {
			if set {
				rest = append(rest, "--"+name)
			}
		}
		if s.template != "" {
			rest = append(rest, "--template="+s.template)
		}
		if err := found.ParseFlags(rest); err != nil {
			return err
		}
		found.SetContext(cmd.Context())
		return found.RunE(found, found.Flags().Args())
	}
	return c
}

// meant is the status command of the kind of thing that has the id or name, jobs first.
func (e *env) meant(ctx context.Context, c *api.Client, name string) ([]string, error) {
	var ambiguous error
	for _, kind := range []struct {
		command string
		find    func() error
	}{
		{"job", func() error { _, err := e.findJob(ctx, c, name); return err }},
		{"node", func() error { _, err := e.nodeArg(ctx, c, false, []string{name}); return err }},
		{"alloc", func() error { _, err := e.findAlloc(ctx, c, name); return err }},
		{"eval", func() error { _, err := e.findEval(ctx, c, name); return err }},
		{"deployment", func() error { _, err := e.findDeployment(ctx, c, name); return err }},
	} {
		err := kind.find()
		if err == nil {
			return []string{kind.command, "status"}, nil
		}
		var away *api.ConnectError
		switch {
		case errors.As(err, &away):
			return nil, err
		case several(err):
			ambiguous = err
		}
	}
	if ambiguous != nil {
		return nil, ambiguous
	}
	return nil, fmt.Errorf("no job, allocation, node, evaluation or deployment is called %q, or has an id that begins so", name)
}
