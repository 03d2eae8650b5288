package state

import (
	"iter"

	"berth/structs"
)

// PriorityClasses are all priority classes by name.
func (rd reader) PriorityClasses() iter.Seq[*structs.PriorityClass] {
	return steady(rd, func(r *root) iter.Seq[*structs.PriorityClass] { return r.classes.All() })
}

// PriorityClass is a priority class, nil if there is none of that name.
func (rd reader) PriorityClass(name string) *structs.PriorityClass { return get(&rd.r.classes, name) }

// DefaultPriorityClass is the class of jobs that name none, nil when there is no such class.
func (rd reader) DefaultPriorityClass() *structs.PriorityClass {
	for c := range rd.PriorityClasses() {
		if c.Default {
			return c
		}
	}
	return nil
}

// PriorityClassesW is PriorityClasses and its watch.
func (s *Snapshot) PriorityClassesW() (iter.Seq[*structs.PriorityClass], <-chan struct{}) {
	return s.PriorityClasses(), s.table(TablePriorityClasses)
}

// PutPriorityClass stores a priority class.
func (t *WriteTxn) PutPriorityClass(c *structs.PriorityClass) {
	var created uint64
	if old := t.PriorityClass(c.Name); old != nil {
		created = old.CreateIndex
	}
	t.stamp(&c.CreateIndex, &c.ModifyIndex, created)
	put(t, TablePriorityClasses, &t.work.classes, c)
}

// DeletePriorityClass forgets a priority class.
func (t *WriteTxn) DeletePriorityClass(name string) {
	drop(t, TablePriorityClasses, &t.work.classes, name)
}

// DisruptionBudgets are all disruption budgets by namespace and name.
func (rd reader) DisruptionBudgets() iter.Seq[*structs.DisruptionBudget] {
	return steady(rd, func(r *root) iter.Seq[*structs.DisruptionBudget] { return r.budgets.All() })
}

// DisruptionBudget is a disruption budget, nil if there is none of that name.
func (rd reader) DisruptionBudget(namespace, name string) *structs.DisruptionBudget {
	return get(&rd.r.budgets, structs.JobKey{Namespace: namespace, ID: name})
}

// DisruptionBudgetsW is DisruptionBudgets and its watch.
func (s *Snapshot) DisruptionBudgetsW() (iter.Seq[*structs.DisruptionBudget], <-chan struct{}) {
	return s.DisruptionBudgets(), s.table(TableDisruptionBudgets)
}

// PutDisruptionBudget stores a disruption budget.
func (t *WriteTxn) PutDisruptionBudget(b *structs.DisruptionBudget) {
	var created uint64
	if old := t.DisruptionBudget(b.Namespace, b.Name); old != nil {
		created = old.CreateIndex
	}
	t.stamp(&b.CreateIndex, &b.ModifyIndex, created)
	put(t, TableDisruptionBudgets, &t.work.budgets, b)
}

// DeleteDisruptionBudget forgets a disruption budget.
func (t *WriteTxn) DeleteDisruptionBudget(key structs.JobKey) {
	drop(t, TableDisruptionBudgets, &t.work.budgets, key)
}
