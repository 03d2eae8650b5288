package httpapi

import (
	"net/http"
	"time"

	"berth/acl"
	"berth/api"
	"berth/server/trigger"
	"berth/state"
	"berth/structs"
)

func (a *API) nodeRoutes() {
	a.route("/v1/nodes", methods{http.MethodGet: nodeRead().then(a.nodesList)})
	a.route("/v1/node/{id}", methods{http.MethodGet: nodeRead().then(a.nodeGet)})
	a.route("/v1/node/{id}/allocations", methods{http.MethodGet: within(nodeRead(), acl.ReadJob).then(a.nodeAllocations)})
	a.route("/v1/node/{id}/eligibility", methods{http.MethodPut: nodeWrite().then(a.nodeEligibility)})
	a.route("/v1/node/{id}/taints", methods{http.MethodPut: nodeWrite().then(a.nodeTaints)})
	a.route("/v1/node/{id}/drain", methods{http.MethodPut: nodeWrite().then(a.nodeDrain)})
	a.route("/v1/node/{id}/evaluate", methods{http.MethodPut: nodeWrite().then(a.nodeEvaluate)})
	a.route("/v1/node/{id}/purge", methods{http.MethodPut: nodeWrite().then(a.nodePurge)})
	a.route("/v1/node/pools", methods{http.MethodGet: pools().then(a.poolsList), http.MethodPut: ofPoolInBody().then(a.poolApply)})
	a.route("/v1/node/pool/{name}", methods{http.MethodGet: ofPool(acl.PoolRead, "read").then(a.poolGet), http.MethodPut: ofPoolInBody().then(a.poolApply), http.MethodDelete: ofPool(acl.PoolDelete, "delete").then(a.poolDelete)})
	a.route("/v1/node/pool/{name}/nodes", methods{http.MethodGet: both(ofPool(acl.PoolRead, "read"), nodeRead()).then(a.poolNodes)})
	a.route("/v1/node/pool/{name}/jobs", methods{http.MethodGet: both(ofPool(acl.PoolRead, "read"), across(acl.ListJobs)).then(a.poolJobs)})
}

func nodeStub(r *request) func(n *structs.Node) *api.NodeListStub {
	resources, system := r.flag("resources"), r.flag("os")
	return func(n *structs.Node) *api.NodeListStub {
		stub := &api.NodeListStub{
			Address: n.Attributes["unique.network.ip-address"], ID: n.ID, Datacenter: n.Datacenter, Name: n.Name, NodeClass: n.NodeClass,
			NodePool: n.NodePool, Version: n.Attributes["nomad.version"], Drain: n.DrainStrategy != nil,
			SchedulingEligibility: n.SchedulingEligibility, Taints: n.Taints, Status: n.Status, StatusDescription: n.StatusDescription, Drivers: n.Drivers,
			HostVolumes: n.HostVolumes, LastDrain: n.LastDrain, CreateIndex: n.CreateIndex, ModifyIndex: n.ModifyIndex,
		}
		if resources {
			stub.NodeResources, stub.ReservedResources = n.NodeResources, n.ReservedResources
		}
		if system {
			stub.Attributes = map[string]string{"os.name": n.Attributes["os.name"]}
		}
		return stub
	}
}

func nodeKey(n *structs.Node) string { return n.ID.String() }

func (a *API) nodesList(r *request) (any, error) {
	if err := r.checkIDPrefix(); err != nil {
		return nil, err
	}
	return r.read(func(s *state.Snapshot) (answer, error) {
		nodes, changed := s.NodesW()
		if p := r.query.Get("prefix"); p != "" {
			nodes = s.NodesWith(p)
		}
		out, err := list(r, nodes, nodeKey, nodeStub(r), nil)
		return answer{value: out, index: s.TableIndex(state.TableNodes), changed: changed}, err
	})
}

func (a *API) nodeGet(r *request) (any, error) {
	id, err := r.id("id", "node")
	if err != nil {
		return nil, err
	}
	return r.read(func(s *state.Snapshot) (answer, error) {
		n, changed := s.NodeW(id)
		if n == nil {
			return answer{}, notFound("node not found")
		}
		return answer{value: api.NewNode(n), index: n.ModifyIndex, changed: changed}, nil
	})
}

func (a *API) nodeAllocations(r *request) (any, error) {
	id, err := r.id("id", "node")
	if err != nil {
		return nil, err
	}
	return r.read(func(s *state.Snapshot) (answer, error) {
		allocs, changed := s.AllocsByNodeW(id)
		out := []*api.Allocation{}
		for al := range allocs {
			if r.query.Get("namespace") == "" && r.sees(al.Namespace) || r.in(al.Namespace) && r.query.Get("namespace") != "" {
				out = append(out, api.NewAllocation(al))
			}
		}
		return answer{value: out, index: newest(s, allocs, allocIndex, state.TableAllocs), changed: changed}, nil
	})
}

// change proposes a change of the node of the path.
func (a *API) change(r *request, kind structs.CommandKind, command func(n *structs.Node, evals []*structs.Evaluation) any, evals bool) (any, error) {
	id, err := r.id("id", "node")
	if err != nil {
		return nil, err
	}
	s := r.snapshot()
	n := s.Node(id)
	if n == nil {
		return nil, notFound("node not found")
	}
	var list []*structs.Evaluation
	if evals {
		list = trigger.Node(s, id, s.Index(), structs.EvalTriggerNodeUpdate, time.Now(), a.Server)
	}
	cmd, ok := command(n, list).(interface {
		MarshalMsg([]byte) ([]byte, error)
	})
	if !ok {
		return nil, invalid("nothing to change")
	}
	applied, err := a.Server.Propose(r.ctx(), kind, cmd)
	if err != nil {
		return nil, err
	}
	r.index = applied.Index
	resp := &api.NodeUpdateResponse{NodeModifyIndex: applied.Index, EvalIDs: []structs.ID{}, QueryMeta: r.meta()}
	for _, e := range list {
		resp.EvalIDs = append(resp.EvalIDs, e.ID)
		resp.EvalCreateIndex = applied.Index
	}
	return resp, nil
}

func nodeEvent(subsystem, message string) *structs.NodeEvent {
	return &structs.NodeEvent{Message: message, Subsystem: subsystem, Timestamp: time.Now().UTC()}
}

func (a *API) nodeEligibility(r *request) (any, error) {
	var req struct{ Eligibility string }
	if err := r.body(&req); err != nil {
		return nil, err
	}
	if req.Eligibility != structs.NodeEligible && req.Eligibility != structs.NodeIneligible {
		return nil, invalid("invalid scheduling eligibility %q: use %q or %q", req.Eligibility, structs.NodeEligible, structs.NodeIneligible)
	}
	return a.change(r, structs.CmdNodeEligibility, func(n *structs.Node, evals []*structs.Evaluation) any {
		return &structs.NodeEligibilityCommand{NodeID: n.ID, Eligibility: req.Eligibility, Evals: evals,
			Event: nodeEvent("Cluster", "Node marked as "+req.Eligibility+" for scheduling")}
	}, req.Eligibility == structs.NodeEligible)
}

func (a *API) nodeDrain(r *request) (any, error) {
	var req struct {
		DrainSpec    *structs.DrainSpec
		MarkEligible bool
		Meta         map[string]string
	}
	if err := r.body(&req); err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	cmd := &structs.NodeDrainCommand{MarkEligible: req.MarkEligible, Meta: req.Meta, Event: nodeEvent("Drain", "Node drain complete")}
	if req.DrainSpec != nil {
		cmd.Strategy = &structs.DrainStrategy{DrainSpec: *req.DrainSpec, StartedAt: now}
		if req.DrainSpec.Deadline > 0 {
			cmd.Strategy.ForceDeadline = now.Add(req.DrainSpec.Deadline)
		}
		cmd.Event = nodeEvent("Drain", "Node drain strategy set")
	} else {
		cmd.Event = nodeEvent("Drain", "Node drain disabled")
	}
	return a.change(r, structs.CmdNodeDrain, func(n *structs.Node, evals []*structs.Evaluation) any {
		cmd.NodeID = n.ID
		cmd.Evals = evals
		return cmd
	}, req.DrainSpec == nil)
}

func (a *API) nodeEvaluate(r *request) (any, error) {
	id, err := r.id("id", "node")
	if err != nil {
		return nil, err
	}
	s := r.snapshot()
	if s.Node(id) == nil {
		return nil, notFound("node not found")
	}
	evals := trigger.Node(s, id, s.Index(), structs.EvalTriggerNodeUpdate, time.Now(), a.Server)
	resp := &api.NodeUpdateResponse{EvalIDs: []structs.ID{}}
	if len(evals) > 0 {
		applied, err := a.Server.Propose(r.ctx(), structs.CmdEvalUpsert, &structs.EvalUpsertCommand{Evals: evals})
		if err != nil {
			return nil, err
		}
		r.index, resp.EvalCreateIndex = applied.Index, applied.Index
		for _, e := range evals {
			resp.EvalIDs = append(resp.EvalIDs, e.ID)
		}
	}
	resp.QueryMeta = r.meta()
	return resp, nil
}

func (a *API) nodePurge(r *request) (any, error) {
	return a.change(r, structs.CmdNodeDeregister, func(n *structs.Node, evals []*structs.Evaluation) any {
		return &structs.NodeDeregisterCommand{NodeID: n.ID, Evals: evals}
	}, true)
}

func (a *API) poolsList(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		pools, changed := s.NodePoolsW()
		out, err := list(r, pools, func(p *structs.NodePool) string { return p.Name }, func(p *structs.NodePool) *structs.NodePool { return p },
			func(p *structs.NodePool) bool { return r.hasPrefix(p.Name) && r.seesPool(p.Name) })
		return answer{value: out, index: s.TableIndex(state.TableNodePools), changed: changed}, err
	})
}

func (a *API) poolGet(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		p, changed := s.NodePoolW(r.PathValue("name"))
		if p == nil {
			return answer{}, notFound("node pool not found")
		}
		return answer{value: p, index: p.ModifyIndex, changed: changed}, nil
	})
}

func (a *API) poolApply(r *request) (any, error) {
	var pool structs.NodePool
	if err := r.body(&pool); err != nil {
		return nil, err
	}
	if name := r.PathValue("name"); name != "" && pool.Name != name {
		return nil, invalid("Node pool name does not match request path")
	}
	if err := r.mayWritePool(pool.Name); err != nil {
		return nil, err
	}
	if err := pool.Validate(); err != nil {
		return nil, err
	}
	return nil, a.write(r, structs.CmdNodePoolUpsert, &structs.NodePoolUpsertCommand{Pools: []*structs.NodePool{&pool}})
}

func (a *API) poolDelete(r *request) (any, error) {
	return nil, a.write(r, structs.CmdNodePoolDelete, &structs.NameDeleteCommand{Names: []string{r.PathValue("name")}})
}

func (a *API) poolNodes(r *request) (any, error) {
	name := r.PathValue("name")
	return r.read(func(s *state.Snapshot) (answer, error) {
		if s.NodePool(name) == nil {
			return answer{}, notFound("node pool not found")
		}
		nodes, changed := s.NodesW()
		out, err := list(r, nodes, nodeKey, nodeStub(r), func(n *structs.Node) bool { return n.NodePool == name || name == structs.NodePoolAll })
		return answer{value: out, index: s.TableIndex(state.TableNodes), changed: changed}, err
	})
}

func (a *API) poolJobs(r *request) (any, error) {
	name := r.PathValue("name")
	if r.query.Has("prefix") {
		return nil, invalid("prefix is not possible here: filter does the same")
	}
	return r.read(func(s *state.Snapshot) (answer, error) {
		if s.NodePool(name) == nil {
			return answer{}, notFound("node pool not found")
		}
		return watched(s, r.namespace(), state.TableJobs, state.TableJobSummaries).of(list(r, s.Jobs(), func(j *structs.Job) string { return j.Namespace + "." + j.ID },
			func(j *structs.Job) *structs.JobListStub { return jobStub(s, j) },
			func(j *structs.Job) bool { return r.in(j.Namespace) && j.NodePool == name }))
	})
}
