package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/jobspec"
)

// What is known by a name and described in a file has these commands alike: namespaces and node pools.

// lister adds the flags every list has.
func lister(c *cobra.Command, s *shown, filter *string) *cobra.Command {
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	if filter != nil {
		c.Flags().StringVar(filter, "filter", "", "expression over the fields of the API")
	}
	return c
}

// named takes the one of a whole name, or of the beginning of one that no other has. all begin with it; what are one and many of them.
func named[T any](all []T, nameOf func(T) string, name, one, many string) (found T, err error) {
	var names []string
	for _, v := range all {
		if nameOf(v) == name {
			return v, nil
		}
		names = append(names, nameOf(v))
	}
	switch len(all) {
	case 0:
		return found, fmt.Errorf("%s %q does not exist", one, name)
	case 1:
		return all[0], nil
	}
	return found, fmt.Errorf("%d %s begin with %q: %s", len(all), many, name, strings.Join(names, ", "))
}

// describedTable prints names and what they are for.
func describedTable[T any](e *env, all []T, row func(T) (name, description string)) {
	rows := [][]string{{"Name", "Description"}}
	for _, v := range all {
		name, description := row(v)
		rows = append(rows, []string{name, dash(description)})
	}
	e.table(rows)
}

// metadata prints a map in the order of its keys.
func (e *env) metadata(meta map[string]string) {
	var rows [][2]string
	for _, key := range sortedKeys(meta) {
		rows = append(rows, [2]string{key, meta[key]})
	}
	e.pairs(rows)
}

// described reads a description from a file, - or a URL: of our own language, or the API's JSON.
func described[T any](ctx context.Context, e *env, arg string, asJSON bool, parse func(name string, text []byte) (*T, jobspec.Diagnostics)) (*T, error) {
	text, name, err := e.readText(ctx, arg)
	if err != nil {
		return nil, err
	}
	if asJSON {
		v := new(T)
		return v, json.Unmarshal(text, v)
	}
	v, diags := parse(name, text)
	return v, e.diagnostics(diags)
}

// deleter is the command that removes one by its name.
func (e *env) deleter(c *cobra.Command, what string, remove func(ctx context.Context, c *api.Client, name string) error) *cobra.Command {
	c.Use, c.Args = "delete NAME", cobra.ExactArgs(1)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		if err := remove(cmd.Context(), client, args[0]); err != nil {
			return err
		}
		e.say("Successfully deleted %s %q!", what, args[0])
		return nil
	}
	return c
}
