package httpapi

import (
	"net/http"
	"strconv"

	"github.com/tinylib/msgp/msgp"

	"berth/acl"
	"berth/api"
	"berth/state"
	"berth/structs"
)

func (a *API) operatorRoutes() {
	a.route("/v1/operator/scheduler/configuration", methods{http.MethodGet: operatorRead().then(a.schedulerGet), http.MethodPut: operatorWrite().then(a.schedulerSet)})
	a.route("/v1/operator/rebalance", methods{http.MethodGet: within(operatorRead(), acl.ReadJob).then(a.rebalance), http.MethodPut: within(operatorWrite(), acl.ReadJob).then(a.rebalanceNow)})
	a.route("/v1/system/gc", methods{http.MethodPut: management().then(a.systemGC)})
	a.route("/v1/namespaces", methods{http.MethodGet: anywhere().then(a.namespacesList)})
	a.route("/v1/namespace", methods{http.MethodPut: management().then(a.namespaceApply)})
	a.route("/v1/namespace/{name}", methods{http.MethodGet: ofNamespace().then(a.namespaceGet), http.MethodPut: management().then(a.namespaceApply), http.MethodDelete: management().then(a.namespaceDelete)})
	a.route("/v1/search", methods{http.MethodPut: within(anywhere(), acl.ReadJob).then(a.search)})
	a.route("/v1/search/fuzzy", methods{http.MethodPut: within(anywhere(), acl.ReadJob).then(a.searchFuzzy)})
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
			func(n *structs.Namespace) bool { return r.hasPrefix(n.Name) && r.seesNamespace(n.Name) })
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
	if err := ns.Validate(); err != nil {
		return nil, err
	}
	return nil, a.write(r, structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{&ns}})
}

func (a *API) namespaceDelete(r *request) (any, error) {
	return nil, a.write(r, structs.CmdNamespaceDelete, &structs.NameDeleteCommand{Names: []string{r.PathValue("name")}})
}
