package fsm

import (
	"slices"

	"berth/structs"
)

func (a *applier) queue(c *structs.QueueCommand) (any, error) {
	const cmd = structs.CmdQueue
	if c.Queue == nil {
		return nil, fault(cmd, structs.KindInvalid, "", "the command has no queue")
	}
	q := *c.Queue
	subject := quoted("queue", q.Name)
	if err := q.Check(); err != nil {
		return nil, fault(cmd, structs.KindInvalid, subject, "%v", err)
	}
	for _, name := range q.Namespaces {
		if name != structs.QueueRest && a.txn.Namespace(name) == nil {
			return nil, fault(cmd, structs.KindInvalid, subject, "namespace %q does not exist: make it first", name)
		}
	}
	var index uint64
	if old := a.txn.Queue(q.Name); old != nil {
		index = old.ModifyIndex
	}
	if c.Check && c.Index != index {
		return nil, fault(cmd, structs.KindConflict, subject, "it was changed at index %d, not %d", index, c.Index)
	}
	others := 0
	for o := range a.txn.Queues() {
		if o.Name == q.Name {
			continue
		}
		others++
		for _, name := range q.Namespaces {
			if slices.Contains(o.Namespaces, name) {
				return nil, fault(cmd, structs.KindConflict, subject, "%s belongs to queue %q: change or delete that first", whose(name), o.Name)
			}
		}
	}
	if others >= structs.QueuesMax {
		return nil, fault(cmd, structs.KindConflict, subject, "there are %d queues, and there can be no more", others)
	}
	a.txn.PutQueue(&q)
	return nil, nil
}

func (a *applier) queueDelete(c *structs.NameDeleteCommand) (any, error) {
	for _, name := range c.Names {
		if a.txn.Queue(name) == nil {
			return nil, fault(structs.CmdQueueDelete, structs.KindNotFound, quoted("queue", name), "does not exist")
		}
		a.txn.DeleteQueue(name)
	}
	return nil, nil
}

// whose says what a name among the namespaces of a queue stands for.
func whose(name string) string {
	if name == structs.QueueRest {
		return "what no other queue names (*)"
	}
	return quoted("namespace", name)
}
