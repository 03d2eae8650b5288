package httpapi

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"berth/api"
	"berth/state"
	"berth/structs"
)

// Bounds of a search.
const (
	// maxMatches is how many matches it gives of each context.
	maxMatches = 20
	// maxFuzzy is how many it looks at of each context, of which the best are given.
	maxFuzzy = 100
	// minTerm and maxTerm bound the text of a fuzzy search, in characters and bytes.
	minTerm = 2
	maxTerm = 256
)

// found gives the ids of one context that begin with a prefix, in order, at least as many as are shown.
type found func(r *request, s *state.Snapshot, prefix string) iter.Seq[string]

// names gives texts of objects.
func names[T any](seq iter.Seq[*T], keep func(*T) bool, name func(*T) string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for v := range seq {
			if keep(v) && !yield(name(v)) {
				return
			}
		}
	}
}

// contexts are what can be searched by prefix.
var contexts = map[string]found{
	"jobs": func(r *request, s *state.Snapshot, prefix string) iter.Seq[string] {
		id := func(j *structs.Job) string { return j.ID }
		if ns := r.namespace(); ns != anyNamespace {
			return names(s.JobsWith(ns, prefix), func(j *structs.Job) bool { return r.sees(j.Namespace) }, id)
		}
		return names(s.Jobs(), func(j *structs.Job) bool { return strings.HasPrefix(j.ID, prefix) && r.sees(j.Namespace) }, id)
	},
	"evals": func(r *request, s *state.Snapshot, prefix string) iter.Seq[string] {
		return names(s.EvalsWith(prefix), func(e *structs.Evaluation) bool { return r.in(e.Namespace) }, func(e *structs.Evaluation) string { return e.ID.String() })
	},
	"allocs": func(r *request, s *state.Snapshot, prefix string) iter.Seq[string] {
		return names(s.AllocsWith(prefix), func(a *structs.Allocation) bool { return r.in(a.Namespace) }, func(a *structs.Allocation) string { return a.ID.String() })
	},
	"nodes": func(r *request, s *state.Snapshot, prefix string) iter.Seq[string] {
		return names(s.NodesWith(prefix), func(*structs.Node) bool { return r.seesNodes() }, func(n *structs.Node) string { return n.ID.String() })
	},
	"deployment": func(r *request, s *state.Snapshot, prefix string) iter.Seq[string] {
		return names(s.DeploymentsWith(prefix), func(d *structs.Deployment) bool { return r.in(d.Namespace) }, func(d *structs.Deployment) string { return d.ID.String() })
	},
	"namespaces": func(r *request, s *state.Snapshot, prefix string) iter.Seq[string] {
		return names(s.Namespaces(), func(n *structs.Namespace) bool { return strings.HasPrefix(n.Name, prefix) && r.seesNamespace(n.Name) }, func(n *structs.Namespace) string { return n.Name })
	},
	"node_pools": func(r *request, s *state.Snapshot, prefix string) iter.Seq[string] {
		return names(s.NodePools(), func(p *structs.NodePool) bool { return strings.HasPrefix(p.Name, prefix) && r.seesPool(p.Name) }, func(p *structs.NodePool) string { return p.Name })
	},
}

// absent are contexts of the contract of which this version has no objects: they match nothing.
var absent = []string{"quotas", "recommendations", "scaling_policy", "plugins", "vars", "volumes", "host_volumes"}

// fuzzyOnly are the contexts of what is inside a job.
var fuzzyOnly = []string{"groups", "services", "tasks", "images", "commands", "classes"}

// wanted reports whether a context is searched; every one is in "all" and "".
func wanted(context, name string) bool { return context == "" || context == "all" || context == name }

// search finds ids by prefix, of one context or of all.
func (a *API) search(r *request) (any, error) {
	var req struct{ Prefix, Context string }
	if err := r.body(&req); err != nil {
		return nil, err
	}
	if contexts[req.Context] == nil && !wanted(req.Context, "all") && !slices.Contains(absent, req.Context) {
		return nil, invalid("invalid context %q", req.Context)
	}
	s := r.snapshot()
	resp := &api.SearchResponse{Matches: map[string][]string{}, Truncations: map[string]bool{}}
	for name, find := range contexts {
		if wanted(req.Context, name) {
			resp.Matches[name], resp.Truncations[name] = first(find(r, s, req.Prefix))
		}
	}
	if slices.Contains(absent, req.Context) {
		resp.Matches[req.Context], resp.Truncations[req.Context] = []string{}, false
	}
	r.index = max(s.Index(), 1)
	resp.QueryMeta = r.meta()
	return resp, nil
}

// first are as many as a search shows, and whether there are more.
func first(ids iter.Seq[string]) (out []string, truncated bool) {
	out = []string{}
	for id := range ids {
		if len(out) == maxMatches {
			return out, true
		}
		out = append(out, id)
	}
	return out, false
}

// fuzzy collects what holds a text, by context.
type fuzzy struct {
	context, text string
	found         map[string][]fuzzyHit
	more          map[string]bool
}

type fuzzyHit struct {
	at int // where the text stands: the earlier, the better
	api.FuzzyMatch
}

// look takes a name into a context if it holds the text.
func (f *fuzzy) look(context, name string, scope ...string) {
	if !wanted(f.context, context) || name == "" {
		return
	}
	at := strings.Index(strings.ToLower(name), f.text)
	switch {
	case at < 0:
	case len(f.found[context]) == maxFuzzy:
		f.more[context] = true
	default:
		f.found[context] = append(f.found[context], fuzzyHit{at, api.FuzzyMatch{ID: name, Scope: scope}})
	}
}

// job looks at a job and what is in it.
func (f *fuzzy) job(j *structs.Job) {
	f.look("jobs", j.Name, j.Namespace, j.ID)
	for _, g := range j.TaskGroups {
		f.look("groups", g.Name, j.Namespace, j.ID)
		for _, s := range g.Services {
			f.look("services", s.Name, j.Namespace, j.ID, g.Name)
		}
		for _, t := range g.Tasks {
			f.look("tasks", t.Name, j.Namespace, j.ID, g.Name)
			for _, s := range t.Services {
				f.look("services", s.Name, j.Namespace, j.ID, g.Name, t.Name)
			}
			for context, key := range map[string]string{"images": "image", "commands": "command", "classes": "class"} {
				if text, ok := t.Config[key].(string); ok {
					f.look(context, text, j.Namespace, j.ID, g.Name, t.Name)
				}
			}
		}
	}
}

// searchFuzzy finds names that hold a text, whatever their case, and ids that begin with it.
func (a *API) searchFuzzy(r *request) (any, error) {
	var req struct{ Text, Context string }
	if err := r.body(&req); err != nil {
		return nil, err
	}
	switch n := len([]rune(req.Text)); {
	case n < minTerm:
		return nil, invalid("fuzzy search query must be at least %d characters, got %d", minTerm, n)
	case len(req.Text) > maxTerm:
		return nil, invalid("fuzzy search query must be at most %d bytes, got %d", maxTerm, len(req.Text))
	case contexts[req.Context] == nil && !wanted(req.Context, "all") && !slices.Contains(absent, req.Context) && !slices.Contains(fuzzyOnly, req.Context):
		return nil, invalid("invalid context %q", req.Context)
	}
	s := r.snapshot()
	f := &fuzzy{context: req.Context, text: strings.ToLower(req.Text), found: map[string][]fuzzyHit{}, more: map[string]bool{}}
	for j := range s.Jobs() {
		if r.in(j.Namespace) {
			f.job(j)
		}
	}
	for n := range s.Nodes() {
		if !r.seesNodes() {
			break
		}
		f.look("nodes", n.Name, n.ID.String())
	}
	for n := range s.Namespaces() {
		if r.seesNamespace(n.Name) {
			f.look("namespaces", n.Name)
		}
	}
	for p := range s.NodePools() {
		if r.seesPool(p.Name) {
			f.look("node_pools", p.Name)
		}
	}
	if wanted(req.Context, "allocs") {
		for al := range s.Allocs() {
			if r.in(al.Namespace) {
				f.look("allocs", al.Name(), al.Namespace, al.ID.String())
			}
		}
	}
	resp := &api.FuzzySearchResponse{Matches: map[string][]api.FuzzyMatch{}, Truncations: map[string]bool{}}
	for context, hits := range f.found {
		slices.SortStableFunc(hits, func(a, b fuzzyHit) int { return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.ID, b.ID)) })
		resp.Truncations[context] = f.more[context] || len(hits) > maxMatches
		for _, h := range hits[:min(len(hits), maxMatches)] {
			resp.Matches[context] = append(resp.Matches[context], h.FuzzyMatch)
		}
	}
	for _, context := range []string{"evals", "deployment"} { // they have no names
		if !wanted(req.Context, context) {
			continue
		}
		ids, more := first(contexts[context](r, s, f.text))
		for _, id := range ids {
			resp.Matches[context] = append(resp.Matches[context], api.FuzzyMatch{ID: id})
		}
		if len(ids) > 0 {
			resp.Truncations[context] = more
		}
	}
	r.index = max(s.Index(), 1)
	resp.QueryMeta = r.meta()
	return resp, nil
}
