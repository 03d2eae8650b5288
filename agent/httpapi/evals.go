package httpapi

import (
	"net/http"
	"strings"

	"berth/acl"
	"berth/state"
	"berth/structs"
)

func (a *API) evalRoutes() {
	a.route("/v1/evaluations", methods{http.MethodGet: across(acl.ReadJob).then(a.evalsList)})
	a.route("/v1/evaluations/count", methods{http.MethodGet: across(acl.ReadJob).then(a.evalsCount)})
	a.route("/v1/evaluation/{id}", methods{http.MethodGet: ofEval(acl.ReadJob).then(a.evalGet)})
	a.route("/v1/evaluation/{id}/allocations", methods{http.MethodGet: ofEval(acl.ReadJob).then(a.evalAllocations)})
}

// keepEval is what lists of evaluations are narrowed by.
func (r *request) keepEval() (func(*structs.Evaluation) bool, error) {
	if err := r.checkIDPrefix(); err != nil {
		return nil, err
	}
	st, job := r.query.Get("status"), r.query.Get("job")
	if r.query.Get("filter") != "" && (st != "" || job != "" || r.query.Get("prefix") != "") {
		return nil, invalid("Filter expression cannot be used with other filter parameters")
	}
	return func(e *structs.Evaluation) bool {
		return r.in(e.Namespace) && hasIDPrefix(e.ID, r.query.Get("prefix")) && (st == "" || e.Status == st) && (job == "" || e.JobID == job)
	}, nil
}

// hasIDPrefix reports whether an id begins so; upper case counts as lower.
func hasIDPrefix(id structs.ID, prefix string) bool {
	return strings.HasPrefix(id.String(), strings.ToLower(prefix))
}

func evalView(e *structs.Evaluation) *structs.Evaluation { return e }

func evalKey(e *structs.Evaluation) string { return e.ID.String() }

func (a *API) evalsList(r *request) (any, error) {
	keep, err := r.keepEval()
	if err != nil {
		return nil, err
	}
	return r.read(func(s *state.Snapshot) (answer, error) {
		evals := s.Evals()
		if p := r.query.Get("prefix"); p != "" {
			evals = s.EvalsWith(p)
		}
		by := evalsByCreation
		return watched(s, r.namespace(), state.TableEvals).of(listBy(r, comparePlaces, by.sort(evals, keep), by.key, evalView, nil))
	})
}

func (a *API) evalsCount(r *request) (any, error) {
	keep, err := r.keepEval()
	if err != nil {
		return nil, err
	}
	return r.read(func(s *state.Snapshot) (answer, error) {
		out, err := list(r, s.Evals(), evalKey, evalView, keep)
		a := watched(s, r.namespace(), state.TableEvals)
		r.index = a.index
		return a.of(struct {
			Count int
			structs.QueryMeta
		}{len(out), r.meta()}, err)
	})
}

func (a *API) evalGet(r *request) (any, error) {
	id, err := r.id("id", "eval")
	if err != nil {
		return nil, err
	}
	return r.read(func(s *state.Snapshot) (answer, error) {
		e, changed := s.EvalW(id)
		if e == nil {
			return answer{}, notFound("eval not found")
		}
		if r.flag("related") {
			own := *e
			own.RelatedEvals = related(r.teller(s), e)
			e = &own
		}
		return answer{value: e, index: e.ModifyIndex, changed: changed}, nil
	})
}

// related are the evaluations before, after and beside one; that before one of a preemption is of the job that took the room.
func related(s teller, e *structs.Evaluation) []*structs.EvaluationStub {
	var out []*structs.EvaluationStub
	for _, id := range []structs.ID{e.PreviousEval, e.NextEval, e.BlockedEval} {
		if x := s.Eval(id); x != nil && s.reads(x.Namespace) {
			out = append(out, &structs.EvaluationStub{ID: x.ID, Priority: x.Priority, Type: x.Type, TriggeredBy: x.TriggeredBy,
				Namespace: x.Namespace, JobID: x.JobID, NodeID: x.NodeID, DeploymentID: x.DeploymentID, Status: x.Status,
				StatusDescription: x.StatusDescription, WaitUntil: x.WaitUntil, NextEval: x.NextEval, PreviousEval: x.PreviousEval,
				BlockedEval: x.BlockedEval, CreateIndex: x.CreateIndex, ModifyIndex: x.ModifyIndex, CreateTime: x.CreateTime, ModifyTime: x.ModifyTime})
		}
	}
	return out
}

func (a *API) evalAllocations(r *request) (any, error) {
	id, err := r.id("id", "eval")
	if err != nil {
		return nil, err
	}
	return r.read(func(s *state.Snapshot) (answer, error) {
		allocs, changed := s.AllocsByEvalW(id)
		return answer{value: lines(allocs), index: newest(s, allocs, allocIndex, state.TableAllocs), changed: changed}, nil
	})
}
