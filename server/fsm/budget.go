package fsm

import "berth/structs"

func (a *applier) priorityClass(c *structs.PriorityClassCommand) (any, error) {
	const cmd = structs.CmdPriorityClass
	if c.Class == nil {
		return nil, fault(cmd, structs.KindInvalid, "", "the command has no class")
	}
	subject := quoted("priority class", c.Class.Name)
	if err := c.Class.Check(32766); err != nil { // the limit of this cluster was kept where the class was taken
		return nil, fault(cmd, structs.KindInvalid, subject, "%v", err)
	}
	var index uint64
	if old := a.txn.PriorityClass(c.Class.Name); old != nil {
		index = old.ModifyIndex
	}
	if c.Check && c.Index != index {
		return nil, fault(cmd, structs.KindConflict, subject, "it was changed at index %d, not %d", index, c.Index)
	}
	if def := a.txn.DefaultPriorityClass(); c.Class.Default && def != nil && def.Name != c.Class.Name {
		return nil, fault(cmd, structs.KindConflict, subject, "cannot be the default: class %q is", def.Name)
	}
	a.txn.PutPriorityClass(c.Class)
	return nil, nil
}

func (a *applier) priorityClassDelete(c *structs.NameDeleteCommand) (any, error) {
	const cmd = structs.CmdPriorityClassDelete
	for _, name := range c.Names {
		subject := quoted("priority class", name)
		if a.txn.PriorityClass(name) == nil {
			return nil, fault(cmd, structs.KindNotFound, subject, "does not exist")
		}
		for j := range a.txn.Jobs() {
			if j.PriorityClass == name && j.Status != structs.JobStatusDead {
				return nil, fault(cmd, structs.KindConflict, subject, "is used by job %q, which is not dead", j.ID)
			}
		}
		a.txn.DeletePriorityClass(name)
	}
	return nil, nil
}

func (a *applier) disruptionBudget(c *structs.DisruptionBudgetCommand) (any, error) {
	const cmd = structs.CmdDisruptionBudget
	b := c.Budget
	if b == nil {
		return nil, fault(cmd, structs.KindInvalid, "", "the command has no budget")
	}
	subject := quoted("disruption budget", b.Name)
	if err := b.Check(); err != nil {
		return nil, fault(cmd, structs.KindInvalid, subject, "%v", err)
	}
	if a.txn.Namespace(b.Namespace) == nil {
		return nil, fault(cmd, structs.KindInvalid, subject, "namespace %q does not exist", b.Namespace)
	}
	var index uint64
	if old := a.txn.DisruptionBudget(b.Namespace, b.Name); old != nil {
		index = old.ModifyIndex
	}
	if c.Check && c.Index != index {
		return nil, fault(cmd, structs.KindConflict, subject, "it was changed at index %d, not %d", index, c.Index)
	}
	a.txn.PutDisruptionBudget(b)
	return nil, nil
}

func (a *applier) disruptionBudgetDelete(c *structs.DisruptionBudgetDeleteCommand) (any, error) {
	key := structs.JobKey{Namespace: c.Namespace, ID: c.Name}
	if a.txn.DisruptionBudget(c.Namespace, c.Name) == nil {
		return nil, fault(structs.CmdDisruptionBudgetDelete, structs.KindNotFound, quoted("disruption budget", c.Name), "does not exist")
	}
	a.txn.DeleteDisruptionBudget(key)
	return nil, nil
}
