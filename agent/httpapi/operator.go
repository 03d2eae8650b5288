package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"berth/api"
	"berth/state"
	"berth/structs"
)

func (a *API) operatorRoutes() {
	a.route("/v1/operator/scheduler/configuration", methods{http.MethodGet: a.schedulerGet, http.MethodPut: a.schedulerSet})
	a.route("/v1/operator/rebalance", methods{http.MethodGet: a.rebalance})
	a.route("/v1/system/gc", methods{http.MethodPut: a.systemGC})
	a.route("/v1/namespaces", methods{http.MethodGet: a.namespacesList})
	a.route("/v1/namespace", methods{http.MethodPut: a.namespaceApply})
	a.route("/v1/namespace/{name}", methods{http.MethodGet: a.namespaceGet, http.MethodPut: a.namespaceApply, http.MethodDelete: a.namespaceDelete})
	a.route("/v1/search", methods{http.MethodPut: a.search})
}

// write proposes a change that answers nothing but its index.
func (a *API) write(r *request, kind structs.CommandKind, body msgp.Marshaler) error {
	applied, err := a.Server.Propose(r.ctx(), kind, body)
	r.index = applied.Index
	return err
}

func (a *API) schedulerGet(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		cfg, changed := s.SchedulerConfigW()
		if cfg == nil {
			cfg = structs.DefaultSchedulerConfiguration()
		}
		r.index = max(s.TableIndex(state.TableSchedulerConfig), 1)
		return answer{value: &api.SchedulerConfigurationResponse{SchedulerConfig: cfg, QueryMeta: r.meta()}, index: r.index, changed: changed}, nil
	})
}

func (a *API) schedulerSet(r *request) (any, error) {
	cfg := structs.DefaultSchedulerConfiguration()
	if have := r.snapshot().SchedulerConfig(); have != nil {
		own := *have
		cfg = &own
	}
	if err := r.body(cfg); err != nil {
		return nil, err
	}
	if alg := cfg.SchedulerAlgorithm; alg != "" && alg != "binpack" && alg != "spread" {
		return nil, invalid("invalid scheduler algorithm %q: use binpack or spread", alg)
	}
	cmd := &structs.SchedulerConfigCommand{Config: cfg}
	if text := r.query.Get("cas"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, invalid("Error parsing cas value: %v", err)
		}
		cmd.Check, cmd.Index = true, n
	}
	err := a.write(r, structs.CmdSchedulerConfig, cmd)
	if structs.KindOf(err) == structs.KindConflict {
		return &api.SchedulerSetResponse{}, nil
	}
	if err != nil {
		return nil, err
	}
	return &api.SchedulerSetResponse{Updated: true, WriteMeta: structs.WriteMeta{Index: r.index}}, nil
}

func (a *API) systemGC(r *request) (any, error) { return nil, a.Server.CollectGarbage(r.ctx()) }

func (a *API) namespacesList(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		all, changed := s.NamespacesW()
		out, err := list(r, all, func(n *structs.Namespace) string { return n.Name }, func(n *structs.Namespace) *structs.Namespace { return n },
			func(n *structs.Namespace) bool { return r.hasPrefix(n.Name) })
		return answer{value: out, index: s.TableIndex(state.TableNamespaces), changed: changed}, err
	})
}

func (a *API) namespaceGet(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		n, changed := s.NamespaceW(r.PathValue("name"))
		if n == nil {
			return answer{}, notFound("Namespace not found")
		}
		return answer{value: n, index: n.ModifyIndex, changed: changed}, nil
	})
}

func (a *API) namespaceApply(r *request) (any, error) {
	var ns structs.Namespace
	if err := r.body(&ns); err != nil {
		return nil, err
	}
	if name := r.PathValue("name"); name != "" && ns.Name != name {
		return nil, invalid("Namespace name does not match request path")
	}
	return nil, a.write(r, structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{&ns}})
}

func (a *API) namespaceDelete(r *request) (any, error) {
	return nil, a.write(r, structs.CmdNamespaceDelete, &structs.NameDeleteCommand{Names: []string{r.PathValue("name")}})
}

// maxMatches is how many ids a search gives of each context.
const maxMatches = 20

// search finds ids by prefix, of one context or of all.
func (a *API) search(r *request) (any, error) {
	var req struct{ Prefix, Context string }
	if err := r.body(&req); err != nil {
		return nil, err
	}
	s := r.snapshot()
	contexts := map[string]func(add func(id string)){
		"jobs": func(add func(string)) {
			for j := range s.Jobs() {
				if r.in(j.Namespace) {
					add(j.ID)
				}
			}
		},
		"evals": func(add func(string)) {
			for e := range s.Evals() {
				if r.in(e.Namespace) {
					add(e.ID.String())
				}
			}
		},
		"allocs": func(add func(string)) {
			for al := range s.Allocs() {
				if r.in(al.Namespace) {
					add(al.ID.String())
				}
			}
		},
		"nodes": func(add func(string)) {
			for n := range s.Nodes() {
				add(n.ID.String())
			}
		},
		"deployment": func(add func(string)) {
			for d := range s.Deployments() {
				if r.in(d.Namespace) {
					add(d.ID.String())
				}
			}
		},
		"namespaces": func(add func(string)) {
			for n := range s.Namespaces() {
				add(n.Name)
			}
		},
		"node_pools": func(add func(string)) {
			for p := range s.NodePools() {
				add(p.Name)
			}
		},
	}
	if req.Context != "" && req.Context != "all" && contexts[req.Context] == nil {
		return nil, invalid("unknown search context %q", req.Context)
	}
	resp := &api.SearchResponse{Matches: map[string][]string{}, Truncations: map[string]bool{}}
	for name, each := range contexts {
		if req.Context != "" && req.Context != "all" && req.Context != name {
			continue
		}
		found := []string{}
		each(func(id string) {
			if strings.HasPrefix(id, req.Prefix) {
				found = append(found, id)
			}
		})
		slices.Sort(found)
		resp.Truncations[name] = len(found) > maxMatches
		resp.Matches[name] = found[:min(len(found), maxMatches)]
	}
	r.index = max(s.Index(), 1)
	resp.QueryMeta = r.meta()
	return resp, nil
}
