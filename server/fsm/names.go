package fsm

import (
	"slices"

	"berth/structs"
)

func (a *applier) schedulerConfig(c *structs.SchedulerConfigCommand) (any, error) {
	const cmd = structs.CmdSchedulerConfig
	if c.Config == nil {
		return nil, fault(cmd, structs.KindInvalid, "", "the command has no configuration")
	}
	if now := a.txn.SchedulerConfig().ModifyIndex; c.Check && now != c.Index {
		return nil, fault(cmd, structs.KindConflict, "", "the configuration was changed at index %d, not %d", now, c.Index)
	}
	a.txn.PutSchedulerConfig(c.Config)
	return nil, nil
}

func (a *applier) namespaceUpsert(c *structs.NamespaceUpsertCommand) (any, error) {
	for _, n := range c.Namespaces {
		if n == nil || n.Name == "" {
			return nil, fault(structs.CmdNamespaceUpsert, structs.KindInvalid, "", "a namespace has no name")
		}
		a.txn.PutNamespace(n)
	}
	return nil, nil
}

func (a *applier) namespaceDelete(c *structs.NameDeleteCommand) (any, error) {
	const cmd = structs.CmdNamespaceDelete
	for _, name := range c.Names {
		subject := quoted("namespace", name)
		if name == structs.DefaultNamespace {
			return nil, fault(cmd, structs.KindInvalid, subject, "cannot be deleted: it is the default")
		}
		if a.txn.Namespace(name) == nil {
			return nil, fault(cmd, structs.KindNotFound, subject, "does not exist")
		}
		for j := range a.txn.Jobs() {
			if j.Namespace == name && j.Status != structs.JobStatusDead {
				return nil, fault(cmd, structs.KindConflict, subject, "has job %q, which is not dead", j.ID)
			}
		}
		for al := range a.txn.Allocs() {
			if al.Namespace == name && !al.ClientTerminal() {
				return nil, fault(cmd, structs.KindConflict, subject, "has allocation %s, which has not ended", al.ID)
			}
		}
		for q := range a.txn.Queues() {
			if slices.Contains(q.Namespaces, name) {
				return nil, fault(cmd, structs.KindConflict, subject, "is of queue %q: change or delete that first", q.Name)
			}
		}
		for b := range a.txn.DisruptionBudgets() {
			if b.Namespace == name {
				a.txn.DeleteDisruptionBudget(b.Key())
			}
		}
		a.txn.DeleteNamespace(name)
	}
	return nil, nil
}

func (a *applier) nodePoolUpsert(c *structs.NodePoolUpsertCommand) (any, error) {
	const cmd = structs.CmdNodePoolUpsert
	for _, p := range c.Pools {
		if p == nil || p.Name == "" {
			return nil, fault(cmd, structs.KindInvalid, "", "a node pool has no name")
		}
		if p.Name == structs.NodePoolAll {
			return nil, fault(cmd, structs.KindInvalid, quoted("node pool", p.Name), "cannot be changed: it stands for all nodes")
		}
		a.txn.PutNodePool(p)
	}
	return nil, nil
}

func (a *applier) nodePoolDelete(c *structs.NameDeleteCommand) (any, error) {
	const cmd = structs.CmdNodePoolDelete
	for _, name := range c.Names {
		subject := quoted("node pool", name)
		if name == structs.NodePoolAll || name == structs.DefaultNodePool {
			return nil, fault(cmd, structs.KindInvalid, subject, "cannot be deleted: it is built in")
		}
		if a.txn.NodePool(name) == nil {
			return nil, fault(cmd, structs.KindNotFound, subject, "does not exist")
		}
		for n := range a.txn.Nodes() {
			if n.NodePool == name {
				return nil, fault(cmd, structs.KindConflict, subject, "has node %q", n.Name)
			}
		}
		for j := range a.txn.Jobs() {
			if j.NodePool == name && j.Status != structs.JobStatusDead {
				return nil, fault(cmd, structs.KindConflict, subject, "is used by job %q, which is not dead", j.ID)
			}
		}
		a.txn.DeleteNodePool(name)
	}
	return nil, nil
}
