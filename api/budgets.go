package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"berth/structs"
)

// PriorityClasses are the calls about priority classes. Beside the contract.
type PriorityClasses struct{ c *Client }

// PriorityClasses are the calls about priority classes.
func (c *Client) PriorityClasses() PriorityClasses { return PriorityClasses{c} }

// List lists priority classes by name.
func (p PriorityClasses) List(ctx context.Context, q *QueryOptions) ([]*structs.PriorityClass, *QueryMeta, error) {
	return get[[]*structs.PriorityClass](ctx, p.c, "/v1/priority-classes", q)
}

// Get reads a priority class.
func (p PriorityClasses) Get(ctx context.Context, name string, q *QueryOptions) (*structs.PriorityClass, *QueryMeta, error) {
	return get[*structs.PriorityClass](ctx, p.c, "/v1/priority-class/"+escape(name), q)
}

// Apply creates or changes a priority class; with cas only if it was last changed at that index, 0 for one that is not there yet.
func (p PriorityClasses) Apply(ctx context.Context, class *structs.PriorityClass, cas *uint64, w *WriteOptions) (*WriteMeta, error) {
	_, meta, err := write[nothing](ctx, p.c, http.MethodPut, "/v1/priority-class/"+escape(class.Name), class, withCas(w, cas))
	return meta, err
}

// Delete removes a priority class that no job uses.
func (p PriorityClasses) Delete(ctx context.Context, name string, w *WriteOptions) (*WriteMeta, error) {
	_, meta, err := write[nothing](ctx, p.c, http.MethodDelete, "/v1/priority-class/"+escape(name), nil, w.values())
	return meta, err
}

func withCas(w *WriteOptions, cas *uint64) url.Values {
	v := w.values()
	if cas != nil {
		v.Set("cas", strconv.FormatUint(*cas, 10))
	}
	return v
}

// DisruptionBudget is a budget and how it stands now. Beside the contract.
type DisruptionBudget struct {
	structs.DisruptionBudget
	// Expected is how many allocations are meant, Available how many of them serve and are not leaving, Least how many must stay,
	// and Spare how many may be taken now.
	Expected, Available, Least, Spare int
}

// DisruptionBudgets are the calls about disruption budgets. Beside the contract.
type DisruptionBudgets struct{ c *Client }

// DisruptionBudgets are the calls about disruption budgets.
func (c *Client) DisruptionBudgets() DisruptionBudgets { return DisruptionBudgets{c} }

// List lists the disruption budgets of a namespace by name.
func (d DisruptionBudgets) List(ctx context.Context, q *QueryOptions) ([]*DisruptionBudget, *QueryMeta, error) {
	return get[[]*DisruptionBudget](ctx, d.c, "/v1/disruption-budgets", q)
}

// Get reads a disruption budget.
func (d DisruptionBudgets) Get(ctx context.Context, name string, q *QueryOptions) (*DisruptionBudget, *QueryMeta, error) {
	return get[*DisruptionBudget](ctx, d.c, "/v1/disruption-budget/"+escape(name), q)
}

// Apply creates or changes a disruption budget; with cas only if it was last changed at that index, 0 for one that is not there yet.
func (d DisruptionBudgets) Apply(ctx context.Context, budget *structs.DisruptionBudget, cas *uint64, w *WriteOptions) (*WriteMeta, error) {
	_, meta, err := write[nothing](ctx, d.c, http.MethodPut, "/v1/disruption-budget/"+escape(budget.Name), budget, withCas(w, cas))
	return meta, err
}

// Delete removes a disruption budget.
func (d DisruptionBudgets) Delete(ctx context.Context, name string, w *WriteOptions) (*WriteMeta, error) {
	_, meta, err := write[nothing](ctx, d.c, http.MethodDelete, "/v1/disruption-budget/"+escape(name), nil, w.values())
	return meta, err
}
