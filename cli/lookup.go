package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"berth/api"
	"berth/structs"
)

// fullID is the length of an id that needs no looking up.
const fullID = 36

// found is one object a prefix may mean, with a word that tells it from others.
type found struct{ id, name string }

// choose is the one object meant by what a person typed.
func choose(what, typed string, list []found) (string, error) {
	switch len(list) {
	case 0:
		return "", fmt.Errorf("no %s has an id that begins with %q (berth %s shows what there is)", what, typed, listing[what])
	case 1:
		return list[0].id, nil
	}
	var b strings.Builder
	for _, f := range list[:min(len(list), 10)] {
		fmt.Fprintf(&b, "\n  %s  %s", f.id, f.name)
	}
	if n := len(list) - 10; n > 0 {
		fmt.Fprintf(&b, "\n  and %d more", n)
	}
	return "", fmt.Errorf("%q may mean %d %ss, type more of the id:%s", typed, len(list), what, b.String())
}

// listing is the command that shows all objects of a kind.
var listing = map[string]string{"allocation": "job status JOB", "node": "node status", "evaluation": "eval list", "deployment": "deployment list"}

var hexadecimal = regexp.MustCompile(`^[0-9a-fA-F-]{1,36}$`)

// lookup finds the id for what a person typed, with a list call for prefixes.
func lookup(what, typed string, list func(prefix string) ([]found, error)) (string, error) {
	if len(typed) == fullID {
		return strings.ToLower(typed), nil
	}
	if !hexadecimal.MatchString(typed) {
		return "", fmt.Errorf("%q is not the id of a%s: ids are hexadecimal (berth %s shows them)", typed, withArticle(what), listing[what])
	}
	all, err := list(strings.ToLower(typed))
	if err != nil {
		return "", err
	}
	return choose(what, typed, all)
}

func withArticle(what string) string {
	if strings.ContainsAny(what[:1], "aeiou") {
		return "n " + what
	}
	return " " + what
}

func (e *env) allocID(ctx context.Context, c *api.Client, typed string) (string, error) {
	return lookup("allocation", typed, func(prefix string) ([]found, error) {
		all, _, err := c.Allocations().List(ctx, &api.QueryOptions{Prefix: prefix})
		return collect(all, func(a *structs.AllocListStub) found { return found{a.ID.String(), a.Name + " " + a.ClientStatus} }), err
	})
}

func (e *env) evalID(ctx context.Context, c *api.Client, typed string) (string, error) {
	return lookup("evaluation", typed, func(prefix string) ([]found, error) {
		all, _, err := c.Evaluations().List(ctx, &api.QueryOptions{Prefix: prefix})
		return collect(all, func(x *structs.Evaluation) found { return found{x.ID.String(), x.JobID + " " + x.Status} }), err
	})
}

func (e *env) deploymentID(ctx context.Context, c *api.Client, typed string) (string, error) {
	return lookup("deployment", typed, func(prefix string) ([]found, error) {
		all, _, err := c.Deployments().List(ctx, &api.QueryOptions{Prefix: prefix})
		return collect(all, func(d *structs.Deployment) found { return found{d.ID.String(), d.JobID + " " + d.Status} }), err
	})
}

// nodeID takes names too: those of machines are easier to remember.
func (e *env) nodeID(ctx context.Context, c *api.Client, typed string) (string, error) {
	if len(typed) != fullID {
		all, _, err := c.Nodes().List(ctx, nil)
		if err != nil {
			return "", err
		}
		var named []found
		for _, n := range all {
			if n.Name == typed {
				named = append(named, found{n.ID.String(), n.Name})
			}
		}
		if len(named) > 0 {
			return choose("node", typed, named)
		}
	}
	return lookup("node", typed, func(prefix string) ([]found, error) {
		all, _, err := c.Nodes().List(ctx, &api.QueryOptions{Prefix: prefix})
		return collect(all, func(n *api.NodeListStub) found { return found{n.ID.String(), n.Name} }), err
	})
}

// selfID is the node of the agent itself.
func (e *env) selfID(ctx context.Context, c *api.Client) (string, error) {
	self, err := c.Agent().Self(ctx)
	if err != nil {
		return "", err
	}
	if id := self.Stats["client"]["node_id"]; id != "" {
		return id, nil
	}
	return "", errors.New("the agent is no node: -self asks about the node of the agent that answers")
}

// jobID finds a job by its id or the beginning of it.
func (e *env) jobID(ctx context.Context, c *api.Client, typed string) (string, error) {
	all, _, err := c.Jobs().List(ctx, &api.QueryOptions{Prefix: typed})
	if err != nil {
		return "", err
	}
	names := make([]string, 0, len(all))
	for _, j := range all {
		if j.ID == typed {
			return typed, nil
		}
		names = append(names, j.ID)
	}
	switch len(names) {
	case 0:
		return "", e.noJob(ctx, c, typed)
	case 1:
		return names[0], nil
	}
	return "", fmt.Errorf("%q may mean %d jobs: %s", typed, len(names), strings.Join(names, ", "))
}

// noJob says that a job is not there, and what may have been meant.
func (e *env) noJob(ctx context.Context, c *api.Client, typed string) error {
	text := fmt.Sprintf("no job %q in namespace %q", typed, c.Namespace())
	all, _, err := c.Jobs().List(ctx, nil)
	if err == nil {
		names := collect(all, func(j *structs.JobListStub) string { return j.ID })
		if near := structs.Nearest(typed, names); near != "" {
			return fmt.Errorf("%s: did you mean %q?", text, near)
		}
	}
	return errors.New(text + " (berth job status shows what there is)")
}

// collect maps a list.
func collect[T, R any](all []T, f func(T) R) []R {
	out := make([]R, len(all))
	for i, v := range all {
		out[i] = f(v)
	}
	return out
}

// id is an id as shown: eight characters unless all were asked for.
func (s shown) id(id structs.ID) string {
	if s.verbose {
		return id.String()
	}
	return id.Short()
}
