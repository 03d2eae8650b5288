package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"berth/api"
	"berth/structs"
)

// short8 is the form of an id that lists show.
func short8(id structs.ID, verbose bool) string {
	if verbose {
		return id.String()
	}
	return id.Short()
}

// byPrefix asks a list for the one object whose id begins so. Several, or none, are an error that says which.
func byPrefix[T any](what, prefix string, list func(q *api.QueryOptions) ([]T, error), id func(T) string, name func(T) string) (T, error) {
	var none T
	if prefix == "" {
		return none, fmt.Errorf("the %s is missing", what)
	}
	asked := prefix
	if what != "job" && strings.Trim(prefix, "0123456789abcdefABCDEF-") != "" {
		return none, fmt.Errorf("no %s has an id that begins with %q: ids are hexadecimal digits and hyphens", what, prefix)
	}
	if len(asked) < 36 && len(asked)%2 == 1 && what != "job" {
		asked = asked[:len(asked)-1] // the contract's lists take whole bytes
	}
	all, err := list(&api.QueryOptions{Prefix: asked})
	if err != nil {
		return none, err
	}
	var found []T
	for _, x := range all {
		if id(x) == prefix {
			return x, nil
		}
		if strings.HasPrefix(id(x), prefix) {
			found = append(found, x)
		}
	}
	switch len(found) {
	case 0:
		return none, noneError{fmt.Sprintf("no %s has an id that begins with %q", what, prefix)}
	case 1:
		return found[0], nil
	}
	lines := make([]string, 0, len(found))
	for _, x := range found[:min(len(found), 10)] {
		lines = append(lines, "  "+id(x)+"  "+name(x))
	}
	return none, severalError{fmt.Sprintf("%d %ss have ids that begin with %q:\n%s", len(found), what, prefix, strings.Join(lines, "\n"))}
}

// noneError means that a prefix fits nothing.
type noneError struct{ text string }

func (e noneError) Error() string { return e.text }

// severalError means that a prefix fits more than one thing.
type severalError struct{ text string }

func (e severalError) Error() string { return e.text }

func several(err error) bool {
	var s severalError
	return errors.As(err, &s)
}

func (e *env) findJob(ctx context.Context, c *api.Client, prefix string) (*structs.JobListStub, error) {
	j, err := byPrefix("job", prefix, func(q *api.QueryOptions) ([]*structs.JobListStub, error) {
		all, _, err := c.Jobs().List(ctx, q)
		return all, err
	}, func(j *structs.JobListStub) string { return j.ID }, func(j *structs.JobListStub) string { return j.Status })
	if none := (noneError{}); errors.As(err, &none) {
		if near := e.nearJob(ctx, c, prefix); near != "" {
			return nil, fmt.Errorf("%w in namespace %q; did you mean %q?", err, cmp.Or(e.cfg.Namespace, structs.DefaultNamespace), near)
		}
		return nil, fmt.Errorf("%w in namespace %q (`berth job status -namespace '*'` lists those of all)", err, cmp.Or(e.cfg.Namespace, structs.DefaultNamespace))
	}
	return j, err
}

// nearJob is the job that may have been meant by an id no job has, "" where none is near.
func (e *env) nearJob(ctx context.Context, c *api.Client, typed string) string {
	some, _, err := c.Jobs().List(ctx, &api.QueryOptions{PerPage: 1000})
	if err != nil {
		return "" // it is a hint
	}
	names := make([]string, 0, len(some))
	for _, j := range some {
		names = append(names, j.ID)
	}
	return structs.Nearest(typed, names)
}

// meantJob is findJob for commands that end what runs: before a job is taken whose id only begins so, somebody says that it is meant.
func (e *env) meantJob(ctx context.Context, c *api.Client, prefix string, yes bool) (*structs.JobListStub, error) {
	j, err := e.findJob(ctx, c, prefix)
	if err != nil || j.ID == prefix || yes {
		return j, err
	}
	agreed, err := e.confirm(ctx, fmt.Sprintf("No job has the id %q; is %q meant? [y/N] ", prefix, j.ID))
	switch {
	case errors.Is(err, errNobody) || err == nil && !agreed:
		return nil, fmt.Errorf("nothing was changed: give the whole id %q, or -yes", j.ID)
	case err != nil:
		return nil, err
	}
	return j, nil
}

func (e *env) findAlloc(ctx context.Context, c *api.Client, prefix string) (*structs.AllocListStub, error) {
	return byPrefix("allocation", prefix, func(q *api.QueryOptions) ([]*structs.AllocListStub, error) {
		q.Namespace = "*"
		all, _, err := c.Allocations().List(ctx, q)
		return all, err
	}, func(a *structs.AllocListStub) string { return a.ID.String() }, func(a *structs.AllocListStub) string { return a.Name + " " + a.ClientStatus })
}

func (e *env) findNode(ctx context.Context, c *api.Client, prefix string) (*api.NodeListStub, error) {
	return byPrefix("node", prefix, func(q *api.QueryOptions) ([]*api.NodeListStub, error) {
		all, _, err := c.Nodes().List(ctx, q)
		return all, err
	}, func(n *api.NodeListStub) string { return n.ID.String() }, func(n *api.NodeListStub) string { return n.Name })
}

func (e *env) findEval(ctx context.Context, c *api.Client, prefix string) (*structs.Evaluation, error) {
	return byPrefix("evaluation", prefix, func(q *api.QueryOptions) ([]*structs.Evaluation, error) {
		q.Namespace = "*"
		all, _, err := c.Evaluations().List(ctx, q)
		return all, err
	}, func(x *structs.Evaluation) string { return x.ID.String() }, func(x *structs.Evaluation) string { return x.JobID })
}

func (e *env) findDeployment(ctx context.Context, c *api.Client, prefix string) (*structs.Deployment, error) {
	return byPrefix("deployment", prefix, func(q *api.QueryOptions) ([]*structs.Deployment, error) {
		q.Namespace = "*"
		all, _, err := c.Deployments().List(ctx, q)
		return all, err
	}, func(d *structs.Deployment) string { return d.ID.String() }, func(d *structs.Deployment) string { return d.JobID })
}

// allocOfJob picks an allocation of a job, one that runs if any does, for commands with -job.
func (e *env) allocOfJob(ctx context.Context, c *api.Client, job string) (*structs.AllocListStub, error) {
	j, err := e.findJob(ctx, c, job)
	if err != nil {
		return nil, err
	}
	all, _, err := c.Jobs().Allocations(ctx, j.ID, false, nil)
	if err != nil {
		return nil, err
	}
	var best *structs.AllocListStub
	for _, a := range all {
		if best == nil || a.ClientStatus == structs.AllocClientRunning && best.ClientStatus != structs.AllocClientRunning ||
			a.ClientStatus == best.ClientStatus && a.CreateIndex > best.CreateIndex {
			best = a
		}
	}
	if best == nil {
		return nil, fmt.Errorf("job %q has no allocations; `berth job status %s` tells why", j.ID, j.ID)
	}
	return best, nil
}

// namesOf are names that were given with commas between them; people write a space behind a comma too.
func namesOf(given []string) []string {
	var out []string
	for _, name := range given {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, name)
		}
	}
	return out
}
