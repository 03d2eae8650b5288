package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func (e *env) allocCommand() *cobra.Command {
	return e.group("alloc", "look at allocations and work with them", e.allocStatus(), e.allocLogs(), e.allocExec(), e.allocFS(), e.allocRestart(),
		e.allocSignal(), e.allocStop())
}

func (e *env) allocStatus() *cobra.Command {
	var s shown
	var brief bool
	c := &cobra.Command{Use: "status [ALLOC]", Short: "how an allocation is", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				list, _, err := client.Allocations().List(cmd.Context(), nil)
				if err != nil {
					return err
				}
				if done, err := e.print(s, list); done {
					return err
				}
				if len(list) == 0 {
					e.say("No allocations placed")
					return nil
				}
				e.allocTable(list, s.verbose)
				return nil
			}
			stub, err := e.findAlloc(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			a, _, err := client.Allocations().Get(cmd.Context(), stub.ID.String(), nil)
			if err != nil {
				return err
			}
			if done, err := e.print(s, a); done {
				return err
			}
			e.showAlloc(a, s.verbose, brief)
			return nil
		}}
	f := c.Flags()
	f.BoolVar(&s.verbose, "verbose", false, "show whole ids")
	f.BoolVar(&s.json, "json", false, "print JSON")
	f.StringVarP(&s.template, "template", "t", "", "Go template")
	f.BoolVar(&brief, "short", false, "only the allocation itself")
	return c
}

// target names the allocation of a command: the argument, or with -job one of a job's.
func (e *env) target(ctx context.Context, c *api.Client, job bool, arg string) (*structs.AllocListStub, error) {
	if job {
		return e.allocOfJob(ctx, c, arg)
	}
	return e.findAlloc(ctx, c, arg)
}

// taskOf is the task of a command: the one named, or the only one.
func (e *env) taskOf(ctx context.Context, c *api.Client, a *structs.AllocListStub, named string) (string, error) {
	full, _, err := c.Allocations().Get(ctx, a.ID.String(), nil)
	if err != nil {
		return "", err
	}
	names := taskNames(full)
	switch {
	case named != "" && slices.Contains(names, named):
		return named, nil
	case named != "":
		return "", fmt.Errorf("allocation %s has no task %q; it has %s", a.ID.Short(), named, strings.Join(names, ", "))
	case len(names) == 1:
		return names[0], nil
	}
	return "", fmt.Errorf("allocation %s has several tasks: name one of %s with -task", a.ID.Short(), strings.Join(names, ", "))
}
