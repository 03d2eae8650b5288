package httpapi

import (
	"cmp"
	"net/http"

	"berth/acl"
	"berth/api"
	"berth/scheduler/budget"
	"berth/state"
	"berth/structs"
)

func (a *API) budgetRoutes() {
	a.route("/v1/priority-classes", methods{http.MethodGet: anywhere().then(a.classesList)})
	a.route("/v1/priority-class/{name}", methods{http.MethodGet: anywhere().then(a.classGet), http.MethodPut: operatorWrite().then(a.classApply), http.MethodDelete: operatorWrite().then(a.classDelete)})
	a.route("/v1/disruption-budgets", methods{http.MethodGet: across(acl.ReadJob).then(a.budgetsList)})
	a.route("/v1/disruption-budget/{name}", methods{http.MethodGet: in(acl.ReadJob).then(a.budgetGet), http.MethodPut: ofBody("budget", acl.SubmitJob).then(a.budgetApply), http.MethodDelete: in(acl.SubmitJob).then(a.budgetDelete)})
}

func (a *API) classesList(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		all, changed := s.PriorityClassesW()
		out, err := list(r, all, func(c *structs.PriorityClass) string { return c.Name }, func(c *structs.PriorityClass) *structs.PriorityClass { return c },
			func(c *structs.PriorityClass) bool { return r.hasPrefix(c.Name) })
		return answer{value: out, index: s.TableIndex(state.TablePriorityClasses), changed: changed}, err
	})
}

func (a *API) classGet(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		_, changed := s.PriorityClassesW()
		c := s.PriorityClass(r.PathValue("name"))
		if c == nil {
			return answer{}, notFound("priority class not found")
		}
		return answer{value: c, index: c.ModifyIndex, changed: changed}, nil
	})
}

// cas is the index that the parameter of that name wants an object to have been changed at, 0 for one that is not there yet.
func (r *request) cas() (check bool, index uint64, err error) {
	if !r.query.Has("cas") {
		return false, 0, nil
	}
	n, err := r.number("cas", 0)
	return true, uint64(n), err
}

func (a *API) classApply(r *request) (any, error) {
	c := &structs.PriorityClass{}
	if err := r.ownBody(c); err != nil {
		return nil, err
	}
	if c.Name = cmp.Or(c.Name, r.PathValue("name")); c.Name != r.PathValue("name") {
		return nil, invalid("the name of the class is not that of the path")
	}
	if err := c.Check(cmp.Or(a.Limits.MaxPriority, structs.MaxPriority)); err != nil {
		return nil, invalid("%v", err)
	}
	check, index, err := r.cas()
	if err != nil {
		return nil, err
	}
	return nil, a.write(r, structs.CmdPriorityClass, &structs.PriorityClassCommand{Class: c, Check: check, Index: index})
}

func (a *API) classDelete(r *request) (any, error) {
	return nil, a.write(r, structs.CmdPriorityClassDelete, &structs.NameDeleteCommand{Names: []string{r.PathValue("name")}})
}

func budgetStatus(s *state.Snapshot, b *structs.DisruptionBudget) *api.DisruptionBudget {
	c := budget.Whole(s, b, leaves)
	return &api.DisruptionBudget{DisruptionBudget: *b, Expected: c.Expected, Available: c.Available, Least: c.Least, Spare: c.Spare()}
}

// leaves reports an allocation that was asked to leave its node.
func leaves(al *structs.Allocation) bool {
	return al.DesiredTransition.Migrate != nil && *al.DesiredTransition.Migrate
}

func (a *API) budgetsList(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		return watched(s, r.namespace(), state.TableDisruptionBudgets).of(list(r, s.DisruptionBudgets(), func(b *structs.DisruptionBudget) string { return b.Namespace + "." + b.Name },
			func(b *structs.DisruptionBudget) *api.DisruptionBudget { return budgetStatus(s, b) },
			func(b *structs.DisruptionBudget) bool { return r.in(b.Namespace) && r.hasPrefix(b.Name) }))
	})
}

func (a *API) budgetGet(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		_, changed := s.DisruptionBudgetsW()
		b := s.DisruptionBudget(r.namespace(), r.PathValue("name"))
		if b == nil {
			return answer{}, notFound("disruption budget not found")
		}
		return answer{value: budgetStatus(s, b), index: b.ModifyIndex, changed: changed}, nil
	})
}

func (a *API) budgetApply(r *request) (any, error) {
	var in api.DisruptionBudget // what was read may be written: how it stands is left out
	if err := r.ownBody(&in); err != nil {
		return nil, err
	}
	b := &in.DisruptionBudget
	b.Namespace = cmp.Or(b.Namespace, r.namespace())
	if err := r.may(b.Namespace); err != nil {
		return nil, err
	}
	if b.Name = cmp.Or(b.Name, r.PathValue("name")); b.Name != r.PathValue("name") {
		return nil, invalid("the name of the budget is not that of the path")
	}
	if err := b.Check(); err != nil {
		return nil, invalid("%v", err)
	}
	check, index, err := r.cas()
	if err != nil {
		return nil, err
	}
	return nil, a.write(r, structs.CmdDisruptionBudget, &structs.DisruptionBudgetCommand{Budget: b, Check: check, Index: index})
}

func (a *API) budgetDelete(r *request) (any, error) {
	return nil, a.write(r, structs.CmdDisruptionBudgetDelete, &structs.DisruptionBudgetDeleteCommand{Namespace: r.namespace(), Name: r.PathValue("name")})
}
