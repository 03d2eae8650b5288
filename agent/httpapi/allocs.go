package httpapi

import (
	"iter"
	"net/http"

	"berth/acl"
	"berth/api"
	"berth/state"
	"berth/structs"
)

func (a *API) allocRoutes() {
	a.route("/v1/allocations", methods{http.MethodGet: across(acl.ReadJob).then(a.allocsList)})
	a.route("/v1/allocation/{id}", methods{http.MethodGet: ofAlloc(acl.ReadJob).then(a.allocGet)})
	a.route("/v1/allocation/{id}/stop", methods{http.MethodPut: ofAlloc(acl.AllocLifecycle).then(a.allocStop)})
}

func allocIndex(al *structs.Allocation) uint64 { return al.ModifyIndex }

// lines are allocations as a list shows them.
func lines(allocs iter.Seq[*structs.Allocation]) []*allocLine {
	out := []*allocLine{}
	for al := range allocs {
		out = append(out, (*allocLine)(al))
	}
	return out
}

func (a *API) allocsList(r *request) (any, error) {
	if err := r.checkIDPrefix(); err != nil {
		return nil, err
	}
	withStates := r.query.Get("task_states") != "false"
	resources := r.flag("resources")
	return r.read(func(s *state.Snapshot) (answer, error) {
		all := s.Allocs()
		if p := r.query.Get("prefix"); p != "" {
			all = s.AllocsWith(p)
		}
		key := func(al *structs.Allocation) string { return al.ID.String() }
		keep := func(al *structs.Allocation) bool { return r.in(al.Namespace) }
		w := watched(s, r.namespace(), state.TableAllocs)
		if withStates && !resources {
			return w.of(list(r, all, key, func(al *structs.Allocation) *allocLine { return (*allocLine)(al) }, keep))
		}
		return w.of(list(r, all, key, func(al *structs.Allocation) *structs.AllocListStub {
			stub := al.Stub()
			if !withStates {
				stub.TaskStates = nil
			}
			if resources {
				stub.AllocatedResources = al.AllocatedResources
			}
			return stub
		}, keep))
	})
}

func (a *API) allocGet(r *request) (any, error) {
	id, err := r.id("id", "alloc")
	if err != nil {
		return nil, err
	}
	return r.read(func(s *state.Snapshot) (answer, error) {
		al, changed := s.AllocW(id)
		if al == nil {
			return answer{}, notFound("alloc not found")
		}
		return answer{value: api.NewAllocation(al), index: al.ModifyIndex, changed: changed}, nil
	})
}

func (a *API) allocStop(r *request) (any, error) {
	id, err := r.id("id", "alloc")
	if err != nil {
		return nil, err
	}
	s := r.snapshot()
	al := s.Alloc(id)
	if al == nil {
		return nil, notFound("alloc not found")
	}
	j := s.Job(al.Namespace, al.JobID)
	if j == nil {
		j = al.Job
	}
	e := a.newEval(j, structs.EvalTriggerAllocStop, 0)
	applied, err := a.Server.Propose(r.ctx(), structs.CmdAllocTransition, &structs.AllocTransitionCommand{
		Transitions: map[string]*structs.DesiredTransition{id.String(): {Migrate: new(true), NoShutdownDelay: new(r.flag("no_shutdown_delay"))}},
		Evals:       []*structs.Evaluation{e},
	})
	if err != nil {
		return nil, err
	}
	r.index = applied.Index
	return &api.AllocStopResponse{EvalID: e.ID, WriteMeta: structs.WriteMeta{Index: applied.Index}}, nil
}
