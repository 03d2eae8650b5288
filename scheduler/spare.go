package scheduler

import (
	"slices"

	"berth/scheduler/budget"
	"berth/scheduler/fleet"
	"berth/structs"
)

// budgets is the ledger of what may be taken by choice. What stops already, on the fleet too, is not counted.
func (r *Run) budgets() *budget.Ledger {
	if r.ledger == nil {
		r.ledger = budget.New(r.in.State, func(a *structs.Allocation) bool {
			u := r.in.Fleet.Use(a.ID)
			return u == nil || u.Stopping || a.DesiredTransition.Migrate != nil && *a.DesiredTransition.Migrate
		})
	}
	return r.ledger
}

// accounts are the budgets an allocation would be taken from; asking costs next to nothing where there are none.
func (r *Run) accounts(u *fleet.Use) []*budget.Account {
	l := r.budgets()
	if !u.Guarded && !l.Objects() {
		return nil
	}
	return l.Of(u.Job, u.Group)
}

// overBudget reports that the allocation's group can spare none more: by its migrate block, its disruption block or a budget.
func (r *Run) overBudget(u *fleet.Use) bool {
	if r.in.Fleet.OverBudget(u) {
		return true
	}
	for _, a := range r.accounts(u) {
		if a.Spare() == 0 {
			return true
		}
	}
	return false
}

// breaks counts the victims that the budgets of their groups cannot spare.
func (r *Run) breaks(victims []*fleet.Use) int {
	f, n := r.in.Fleet, 0
	groups := map[fleet.GroupKey]int{}
	var taken map[*budget.Account]int
	for _, u := range victims {
		key := fleet.GroupKey{Job: u.Job, Group: u.Group}
		groups[key]++
		over := u.MaxParallel > 0 && f.Leaving(key)+groups[key] > u.MaxParallel
		for _, a := range r.accounts(u) {
			if taken == nil {
				taken = map[*budget.Account]int{}
			}
			taken[a]++
			over = over || taken[a] > a.Spare()
		}
		if over {
			n++
		}
	}
	return n
}

// exceeds reports that with one more the victims are more than a disruption block or budget can spare.
func (r *Run) exceeds(victims []*fleet.Use, more *fleet.Use) bool {
	for _, a := range r.accounts(more) {
		n := 1
		for _, u := range victims {
			if slices.Contains(r.accounts(u), a) {
				n++
			}
		}
		if n > a.Spare() {
			return true
		}
	}
	return false
}

// take counts those that are evicted.
func (r *Run) take(victims []*fleet.Use) {
	for _, u := range victims {
		for _, a := range r.accounts(u) {
			a.Available--
		}
	}
}
